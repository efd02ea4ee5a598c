"""Sigmoid."""

from __future__ import annotations

import math

import numpy as np
from support.choice import Choice, sizes
from support.neurons import EVERYTHING, laid_out
from support.table import Entry, plain

ENTRIES = (
    plain("Sigmoid", "of an image", (2, 3, 4, 5)),
    plain("Sigmoid", "of a vector", (2, 7)),
    plain("Sigmoid", "far out", (1, 3, 4, 5), draws=(lambda rng, shape: 30 * rng.normal(size=shape),)),
    plain("Sigmoid", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    top = np.zeros(bottoms[0].shape)
    for index in np.ndindex(top.shape):
        x = float(bottoms[0][index])
        top[index] = 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))
    return [top]


def draw(choose: Choice) -> Entry:
    """Of any rank and size of numbers."""
    factor = choose.one_of([1.0, 1e-4, 10.0, 60.0])
    spread = (lambda rng, shape: factor * rng.normal(size=shape),)
    return plain("Sigmoid", "drawn", sizes(choose, choose.whole(1, 5)), draws=spread)
