"""AbsVal."""

from __future__ import annotations

from support.neurons import EVERYTHING, each, laid_out
from support.table import Entry, plain

ENTRIES = (
    plain("AbsVal", "of an image", (2, 3, 4, 5)),
    plain("AbsVal", "of a vector", (2, 7)),
    plain("AbsVal", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    return [each(abs, bottoms[0])]
