"""Softmax."""

from __future__ import annotations

import numpy as np
from support import loops
from support.choice import Choice, signed, sizes
from support.table import Entry, plain


def far(rng: np.random.Generator, shape) -> np.ndarray:
    """Numbers whose exponentials are no numbers any more."""
    return 200 * rng.normal(size=shape)


ENTRIES = (
    plain("Softmax", "over pixels", (2, 5, 3, 4)),
    plain("Softmax", "of a vector", (3, 7)),
    plain("Softmax", "axis from behind", (1, 4, 3, 2), "softmax_param { axis: -3 }"),
    plain("Softmax", "many classes", (1, 300, 2, 2)),
    plain("Softmax", "rows", (2, 3, 5, 4), "softmax_param { axis: 2 }"),
    plain("Softmax", "columns, from behind", (2, 3, 5, 4), "softmax_param { axis: -1 }"),
    plain("Softmax", "the batch", (3, 2, 2, 4), "softmax_param { axis: 0 }"),
    plain("Softmax", "boxes", (2, 6, 21), "softmax_param { axis: 2 }"),
    plain("Softmax", "of a sequence", (2, 5, 4)),
    plain("Softmax", "of numbers", (5,), "softmax_param { axis: 0 }"),
    plain("Softmax", "far apart", (2, 4, 3, 5), "softmax_param { axis: 3 }", draws=(far,)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops, with the axis brought to where they have it."""
    (x,) = bottoms
    axis = entry.net["layer"].parameters.softmax_param.axis % x.ndim
    turned = np.moveaxis(x, axis, -1)
    rows = turned.reshape(-1, x.shape[axis])
    return [np.moveaxis(loops.softmax(rows).reshape(turned.shape), -1, axis)]


def draw(choose: Choice) -> Entry:
    """Any axis, over numbers near to each other and far apart."""
    shape = sizes(choose, choose.whole(2, 4), 7)
    axis = signed(choose, choose.whole(0, len(shape) - 1), len(shape)) if choose.flag() else 1
    factor = choose.one_of([1.0, 0.01, 30.0])
    spread = (lambda rng, shape: factor * rng.normal(size=shape),)
    return plain("Softmax", "drawn", shape, f"softmax_param {{ axis: {axis} }}", draws=spread)
