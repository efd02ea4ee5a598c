"""BatchReindex."""

from __future__ import annotations

import numpy as np
from support.choice import Choice, sizes
from support.table import Draw, Entry, normal, plain


def numbers(*values: float) -> Draw:
    """These numbers."""
    return lambda rng, shape: np.array(values).reshape(shape)


ENTRIES = (
    plain("BatchReindex", "turned around", ((3, 2, 4, 5), (3,)), draws=(normal, numbers(2, 1, 0))),
    plain("BatchReindex", "fewer, more than once", ((4, 2, 3, 5), (3,)), draws=(normal, numbers(3, 0, 3))),
    plain("BatchReindex", "more than there were", ((2, 3, 4), (5,)), draws=(normal, numbers(0, 1, 1, 0, 1))),
    plain("BatchReindex", "of vectors", ((3, 6), (2,)), draws=(normal, numbers(1, 1))),
    plain("BatchReindex", "of numbers", ((4,), (3,)), draws=(normal, numbers(2, 0, 3))),
    plain("BatchReindex", "fractions are cut", ((3, 2, 2, 3), (3,)), draws=(normal, numbers(1.9, 0.5, 2.25))),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Item after item."""
    x, index = bottoms
    return [np.array([x[int(number)] for number in index], np.float64)]


def draw(choose: Choice) -> Entry:
    """Of any rank, with any index."""
    shape = sizes(choose, choose.whole(1, 5))
    index = [choose.whole(0, shape[0] - 1) for _ in range(choose.whole(1, 6))]
    return plain("BatchReindex", "drawn", (shape, (len(index),)), draws=(normal, numbers(*index)))
