"""InnerProduct."""

from __future__ import annotations

from support import loops
from support.choice import Choice, signed, sizes
from support.table import Entry, plain

ENTRIES = (
    plain("InnerProduct", "of a vector", (2, 5), "inner_product_param { num_output: 4 }"),
    plain("InnerProduct", "of a sequence", (2, 3, 4), "inner_product_param { num_output: 4 }"),
    plain("InnerProduct", "of an image", (2, 3, 4, 5), "inner_product_param { num_output: 6 }"),
    plain("InnerProduct", "no bias", (1, 4, 3, 2), "inner_product_param { num_output: 3 bias_term: false }"),
    plain("InnerProduct", "transposed", (2, 3, 2, 4), "inner_product_param { num_output: 5 transpose: true }"),
    plain("InnerProduct", "many terms", (1, 64, 4, 3), "inner_product_param { num_output: 7 }"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    w, b = (*blobs, None)[:2]
    return [loops.inner_product(bottoms[0], w, b, transpose="transpose: true" in entry.parameters)]


def draw(choose: Choice) -> Entry:
    """Any axis but the first."""
    shape = sizes(choose, choose.whole(2, 4))
    given = f"num_output: {choose.whole(1, 6)}"
    if not choose.flag():
        given += " bias_term: false"
    if choose.flag():
        given += " transpose: true"
    if choose.flag():
        given += f" axis: {signed(choose, choose.whole(1, len(shape) - 1), len(shape))}"
    return plain("InnerProduct", "drawn", shape, f"inner_product_param {{ {given} }}")
