"""SPP."""

from __future__ import annotations

import math

import numpy as np
from support import loops
from support.table import Entry, plain

MAX, AVE = "spp_param { pyramid_height: %d }", "spp_param { pyramid_height: %d pool: AVE }"

ENTRIES = (
    plain("SPP", "one level", (2, 3, 5, 6), MAX % 1),
    plain("SPP", "one level of means", (1, 3, 5, 6), AVE % 1),
    plain("SPP", "two levels", (2, 3, 6, 7), MAX % 2),
    plain("SPP", "three levels, even", (1, 2, 8, 8), MAX % 3),
    plain("SPP", "three levels, odd sides", (2, 2, 13, 11), MAX % 3),
    plain("SPP", "three levels of means, odd sides", (2, 2, 13, 11), AVE % 3),
    plain("SPP", "four levels, pad on one side", (1, 2, 16, 15), MAX % 4),
    plain("SPP", "four levels of means, pad on one side", (1, 2, 15, 16), AVE % 4),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Level by level."""
    (x,) = bottoms
    height = int(entry.net["layer"].parameters.spp_param.pyramid_height)
    rows = [[] for _ in x]
    for level in range(height):
        bins = 2**level
        kernel = tuple(math.ceil(size / bins) for size in x.shape[2:])
        pad = tuple((side * bins - size + 1) // 2 for side, size in zip(kernel, x.shape[2:], strict=True))
        pooled = loops.pooling(x, kernel, kernel, pad, average="AVE" in entry.parameters)
        if height == 1:
            return [pooled]
        for row, image in zip(rows, pooled, strict=True):
            for channel in image:
                row.extend(number for line in channel for number in line)
    return [np.array(rows)]
