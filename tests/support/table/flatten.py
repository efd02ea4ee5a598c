"""Flatten."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Flatten"

ENTRIES = (
    plain(KIND, "an image", (2, 3, 4, 5)),
    plain(KIND, "an image of one channel", (2, 1, 4, 5)),
    plain(KIND, "an image of one pixel", (2, 6, 1, 1)),
    plain(KIND, "rows and columns", (2, 3, 4, 5), "flatten_param { axis: 2 }"),
    plain(KIND, "channels and rows", (2, 3, 4, 5), "flatten_param { axis: 1 end_axis: 2 }"),
    plain(KIND, "from behind", (2, 3, 4, 5), "flatten_param { axis: -3 end_axis: -2 }"),
    plain(KIND, "one axis", (2, 3, 4, 5), "flatten_param { axis: 2 end_axis: 2 }"),
    plain(KIND, "batch and channels", (2, 3, 4, 5), "flatten_param { axis: 0 end_axis: 1 }"),
    plain(KIND, "everything", (2, 3, 4, 5), "flatten_param { axis: 0 }"),
    plain(KIND, "a sequence", (2, 3, 4)),
    plain(KIND, "a vector", (2, 5)),
    plain(KIND, "an empty span, which makes an axis", (2, 3, 4), "flatten_param { axis: 2 end_axis: 1 }"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The numbers in the order of their indices, the last index running first."""
    (x,) = bottoms
    spec = entry.net["layer"].parameters.flatten_param
    start, end = spec.axis % x.ndim, spec.end_axis % x.ndim
    merged = 1
    for axis in range(start, end + 1):
        merged *= x.shape[axis]
    top = np.zeros((*x.shape[:start], merged, *x.shape[end + 1 :]))
    for place, index in zip(np.ndindex(top.shape), np.ndindex(x.shape), strict=True):
        top[place] = x[index]
    return [top]
