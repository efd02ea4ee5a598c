"""Interp, as DeepLab's and PSPNet's forks have it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from support.table import Entry, plain

from harness.data import Shape


def _entry(id: str, shape: Shape | tuple[Shape, ...], text: str) -> Entry:
    return plain("Interp", id, shape, f"interp_param {{ {text} }}" if text else "", fork=True)


ENTRIES = (
    _entry("to a size", (2, 3, 4, 5), "height: 9 width: 7"),
    _entry("to a smaller size", (1, 2, 9, 11), "height: 4 width: 5"),
    _entry("up and down", (1, 2, 5, 9), "height: 8 width: 4"),
    _entry("to the same size", (1, 2, 3, 4), "height: 3 width: 4"),
    _entry("to one row", (1, 2, 5, 4), "height: 1 width: 6"),
    _entry("of one column", (1, 2, 3, 1), "height: 5 width: 4"),
    _entry("zoomed", (2, 2, 4, 3), "zoom_factor: 8"),
    _entry("shrunk", (1, 2, 9, 12), "shrink_factor: 2"),
    _entry("shrunk and zoomed", (1, 2, 9, 8), "shrink_factor: 2 zoom_factor: 3"),
    _entry("a factor goes before a size", (1, 2, 3, 4), "zoom_factor: 2 height: 9 width: 9"),
    _entry("a size goes before both factors", (1, 2, 3, 4), "zoom_factor: 2 shrink_factor: 2 height: 6 width: 9"),
    _entry("cropped", (1, 2, 7, 8), "zoom_factor: 2 pad_beg: -1 pad_end: -2"),
    _entry("cropped to a size", (1, 2, 6, 7), "height: 9 width: 5 pad_beg: -2"),
    _entry("to the size of another", ((1, 2, 4, 3), (1, 5, 7, 9)), ""),
    _entry("far from the corner", (1, 1, 60, 7), "height: 473 width: 12"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Each number from its four neighbours, its place as a fraction."""
    spec = entry.net["layer"].parameters.interp_param
    x = bottoms[0]
    x = x[:, :, -spec.pad_beg : x.shape[2] + spec.pad_end, -spec.pad_beg : x.shape[3] + spec.pad_end]
    factors = spec.HasField("zoom_factor") + spec.HasField("shrink_factor")
    if len(bottoms) == 2:
        new = bottoms[1].shape[2:]
    elif spec.HasField("height") and factors != 1:
        new = (spec.height, spec.width)
    else:
        new = tuple((size - 1) // spec.shrink_factor * spec.zoom_factor + 1 for size in x.shape[2:])
    top = np.zeros((*x.shape[:2], *new))
    for n, c, y, left in product(*map(range, top.shape)):
        row = Fraction(y * (x.shape[2] - 1), max(1, new[0] - 1))
        column = Fraction(left * (x.shape[3] - 1), max(1, new[1] - 1))
        for i, j in product((int(row), int(row) + 1), (int(column), int(column) + 1)):
            weight = float((1 - abs(row - i)) * (1 - abs(column - j)))
            if weight:
                top[n, c, y, left] += weight * float(x[n, c, i, j])
    return [top]
