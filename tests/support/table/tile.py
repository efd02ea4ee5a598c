"""Tile."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Tile"

ENTRIES = (
    plain(KIND, "channels", (2, 3, 4, 5), "tile_param { tiles: 3 }"),
    plain(KIND, "rows", (1, 3, 2, 5), "tile_param { axis: 2 tiles: 2 }"),
    plain(KIND, "columns of one pixel, from behind", (1, 3, 2, 1), "tile_param { axis: -1 tiles: 4 }"),
    plain(KIND, "the batch", (2, 3, 2, 2), "tile_param { axis: 0 tiles: 2 }"),
    plain(KIND, "a vector", (2, 5), "tile_param { axis: 1 tiles: 2 }"),
    plain(KIND, "a sequence", (2, 3, 4), "tile_param { axis: 1 tiles: 3 }"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Index by index, modulo the bottom's size."""
    (x,) = bottoms
    spec = entry.net["layer"].parameters.tile_param
    axis, shape = spec.axis % x.ndim, list(x.shape)
    shape[axis] *= spec.tiles
    top = np.zeros(shape)
    for place in np.ndindex(top.shape):
        index = list(place)
        index[axis] %= x.shape[axis]
        top[place] = x[tuple(index)]
    return [top]
