"""Softmax."""

from __future__ import annotations

from support import loops
from support.choice import Choice, signed, sizes
from support.table import Entry, plain

ENTRIES = (
    plain("Softmax", "over pixels", (2, 5, 3, 4)),
    plain("Softmax", "of a vector", (3, 7)),
    plain("Softmax", "axis from behind", (1, 4, 3, 2), "softmax_param { axis: -3 }"),
    plain("Softmax", "many classes", (1, 300, 2, 2)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    return [loops.softmax(bottoms[0])]


def draw(choose: Choice) -> Entry:
    """Any axis, over numbers near to each other and far apart."""
    shape = sizes(choose, choose.whole(2, 4), 7)
    axis = signed(choose, choose.whole(0, len(shape) - 1), len(shape)) if choose.flag() else 1
    factor = choose.one_of([1.0, 0.01, 30.0])
    spread = (lambda rng, shape: factor * rng.normal(size=shape),)
    return plain("Softmax", "drawn", shape, f"softmax_param {{ axis: {axis} }}", draws=spread)
