"""Softmax."""

from __future__ import annotations

from support import loops
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
