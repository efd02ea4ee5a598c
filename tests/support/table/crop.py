"""Crop."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Crop"

BEGINS: dict[str, tuple[int, ...]] = {}


def _entry(id: str, shape, like, parameters: str, begins: tuple[int, ...]) -> Entry:
    """An entry with the first index of each axis that is kept."""
    entry = plain(KIND, id, (shape, like), f"crop_param {{ {parameters} }}")
    BEGINS[entry.id] = begins
    return entry


ENTRIES = (
    _entry("rows and columns", (2, 3, 9, 8), (2, 7, 5, 6), "offset: 2", (0, 0, 2, 2)),
    _entry("as large on every side", (1, 3, 9, 9), (1, 3, 5, 5), "axis: 2 offset: 2", (0, 0, 2, 2)),
    _entry("two offsets", (1, 3, 9, 8), (1, 1, 5, 6), "axis: 2 offset: 3 offset: 0", (0, 0, 3, 0)),
    _entry("no offset", (1, 3, 9, 8), (1, 1, 5, 6), "", (0, 0, 0, 0)),
    _entry("columns", (1, 3, 4, 8), (1, 3, 4, 3), "axis: 3 offset: 4", (0, 0, 0, 4)),
    _entry("from behind", (1, 3, 4, 8), (1, 3, 4, 3), "axis: -1 offset: 1", (0, 0, 0, 1)),
    _entry("nothing to cut", (1, 3, 4, 5), (1, 2, 4, 5), "", (0, 0, 0, 0)),
    _entry("channels and all", (1, 5, 4, 6), (1, 2, 3, 4), "axis: 1 offset: 3 offset: 0 offset: 2", (0, 3, 0, 2)),
    _entry("channels alone", (2, 5, 4, 3), (2, 2, 4, 3), "axis: 1 offset: 1 offset: 0 offset: 0", (0, 1, 0, 0)),
    _entry("the batch", (3, 2, 4, 3), (2, 2, 3, 3), "axis: 0 offset: 1 offset: 0 offset: 1 offset: 0", (1, 0, 1, 0)),
    _entry("a vector", (2, 7), (2, 3), "axis: 1 offset: 2", (0, 2)),
    _entry("a sequence", (2, 3, 7), (2, 3, 4), "axis: 2 offset: 1", (0, 0, 1)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Index by index, counted from where the piece begins."""
    x, like = bottoms
    begins = BEGINS[entry.id]
    first = entry.net["layer"].parameters.crop_param.axis % x.ndim
    top = np.zeros((*x.shape[:first], *like.shape[first:]))
    for place in np.ndindex(top.shape):
        top[place] = x[tuple(at + begin for at, begin in zip(place, begins, strict=True))]
    return [top]
