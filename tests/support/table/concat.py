"""Concat."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Concat"

ENTRIES = (
    plain(KIND, "channels", ((2, 3, 4, 5), (2, 1, 4, 5), (2, 2, 4, 5))),
    plain(KIND, "rows", ((1, 3, 2, 5), (1, 3, 4, 5)), "concat_param { axis: 2 }"),
    plain(KIND, "columns, from behind", ((1, 3, 2, 5), (1, 3, 2, 1)), "concat_param { axis: -1 }"),
    plain(KIND, "channels, from behind", ((1, 2, 2, 3), (1, 3, 2, 3)), "concat_param { axis: -3 }"),
    plain(KIND, "the batch", ((2, 3, 4, 2), (1, 3, 4, 2)), "concat_param { axis: 0 }"),
    plain(KIND, "concat_dim", ((1, 3, 2, 5), (1, 3, 3, 5)), "concat_param { concat_dim: 2 }"),
    plain(KIND, "vectors", ((2, 3), (2, 5))),
    plain(KIND, "sequences", ((2, 3, 4), (2, 5, 4))),
    plain(KIND, "sequences, their last axis", ((2, 3, 4), (2, 3, 1)), "concat_param { axis: 2 }"),
    plain(KIND, "numbers", ((2,), (3,)), "concat_param { axis: 0 }"),
    plain(KIND, "volumes", ((1, 2, 2, 3, 2), (1, 2, 2, 1, 2)), "concat_param { axis: 3 }"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Every number put into its place by itself."""
    spec = entry.net["layer"].parameters.concat_param
    axis = (spec.concat_dim if spec.HasField("concat_dim") else spec.axis) % bottoms[0].ndim
    shape = list(bottoms[0].shape)
    shape[axis] = sum(bottom.shape[axis] for bottom in bottoms)
    top, start = np.zeros(shape), 0
    for bottom in bottoms:
        for index in np.ndindex(bottom.shape):
            place = list(index)
            place[axis] += start
            top[tuple(place)] = bottom[index]
        start += bottom.shape[axis]
    return [top]
