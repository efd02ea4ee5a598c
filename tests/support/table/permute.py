"""Permute, which BVLC Caffe has not."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Permute"


def _entry(shape, *order: int) -> Entry:
    text = " ".join(f"order: {axis}" for axis in order)
    id = f"{' '.join(map(str, order))} of {len(shape)} axes"
    return plain(KIND, id, shape, f"permute_param {{ {text} }}", fork=True)


ENTRIES = (
    _entry((2, 3, 4, 5), 0, 2, 3, 1),
    _entry((2, 3, 4, 5), 0, 3, 1, 2),
    _entry((2, 3, 4, 5), 0, 2, 1, 3),
    _entry((2, 3, 4, 5), 0, 1, 3, 2),
    _entry((2, 3, 4, 5), 0, 3, 2, 1),
    _entry((2, 3, 4, 5), 0, 2),
    _entry((2, 3, 4, 5), 0),
    _entry((2, 3, 4, 5), 1, 0, 2, 3),
    _entry((2, 3, 4, 5), 2),
    _entry((2, 3, 4), 0, 2, 1),
    _entry((2, 3, 4), 1, 0, 2),
    _entry((2, 3), 1, 0),
    _entry((2, 3, 2, 4, 3), 0, 2, 3, 4, 1),
    _entry((2, 3, 2, 4, 3), 0, 4, 3),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Every number put into its place by itself."""
    (x,) = bottoms
    order = list(entry.net["layer"].parameters.permute_param.order)
    order += [axis for axis in range(x.ndim) if axis not in order]
    top = np.zeros([x.shape[axis] for axis in order])
    for place in np.ndindex(top.shape):
        index = [0] * x.ndim
        for at, axis in enumerate(order):
            index[axis] = place[at]
        top[place] = x[tuple(index)]
    return [top]
