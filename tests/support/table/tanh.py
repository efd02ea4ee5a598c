"""TanH."""

from __future__ import annotations

import math

from support.neurons import EVERYTHING, each, laid_out, spread
from support.table import Entry, plain

ENTRIES = (
    plain("TanH", "of an image", (2, 3, 4, 5)),
    plain("TanH", "of a vector", (2, 7)),
    plain("TanH", "of a sequence", (2, 4, 5)),
    plain("TanH", "of a batch alone", (6,)),
    plain("TanH", "of a volume", (1, 2, 3, 2, 3)),
    plain("TanH", "near zero", (1, 3, 5, 7), draws=(spread(1e-3),)),
    plain("TanH", "far out", (1, 3, 5, 7), draws=(spread(6),)),
    plain("TanH", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    return [each(math.tanh, bottoms[0])]
