"""BNLL."""

from __future__ import annotations

import math

from support.neurons import EVERYTHING, each, exp, laid_out, spread
from support.table import Entry, plain

ENTRIES = (
    plain("BNLL", "of an image", (2, 3, 4, 5)),
    plain("BNLL", "of a vector", (2, 7)),
    plain("BNLL", "far out", (1, 3, 5, 7), draws=(spread(15),)),
    plain("BNLL", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    return [each(lambda x: max(x, 0.0) + math.log1p(exp(-abs(x))) if x == x else x, bottoms[0])]
