"""InnerProduct."""

from __future__ import annotations

import numpy as np
from support import loops
from support.choice import Choice, signed, sizes
from support.table import Entry, lacking, plain

ENTRIES = (
    plain("InnerProduct", "of a vector", (2, 5), "inner_product_param { num_output: 4 }"),
    plain("InnerProduct", "of a sequence", (2, 3, 4), "inner_product_param { num_output: 4 }"),
    plain("InnerProduct", "of an image", (2, 3, 4, 5), "inner_product_param { num_output: 6 }"),
    plain("InnerProduct", "no bias", (1, 4, 3, 2), "inner_product_param { num_output: 3 bias_term: false }"),
    plain("InnerProduct", "transposed", (2, 3, 2, 4), "inner_product_param { num_output: 5 transpose: true }"),
    plain("InnerProduct", "many terms", (1, 64, 4, 3), "inner_product_param { num_output: 7 }"),
    plain("InnerProduct", "axis 2 of a sequence", (2, 3, 4), "inner_product_param { num_output: 5 axis: 2 }"),
    plain("InnerProduct", "axis 2 of an image", (2, 3, 4, 5), "inner_product_param { num_output: 6 axis: 2 }"),
    plain("InnerProduct", "axis 3 of an image", (2, 3, 4, 5), "inner_product_param { num_output: 6 axis: 3 }"),
    plain(
        "InnerProduct", "axis -1, no bias", (2, 3, 4), "inner_product_param { num_output: 5 axis: -1 bias_term: false }"
    ),
    plain("InnerProduct", "axis -3", (2, 3, 4, 5), "inner_product_param { num_output: 6 axis: -3 }"),
    plain(
        "InnerProduct",
        "axis 2, transposed",
        (2, 3, 2, 4),
        "inner_product_param { num_output: 5 axis: -2 transpose: true }",
    ),
    *lacking((plain("InnerProduct", "axis 0", (2, 3, 4), "inner_product_param { num_output: 5 axis: 0 }"),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    w, b = (*blobs, None)[:2]
    (x,) = bottoms
    lead = x.shape[: entry.net["layer"].parameters.inner_product_param.axis % x.ndim]
    rows = x.reshape(int(np.prod(lead)), *x.shape[len(lead) :])
    top = loops.inner_product(rows, w, b, transpose="transpose: true" in entry.parameters)
    return [top.reshape(*lead, -1)]


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
