"""Reshape."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

from harness.data import Shape

KIND = "Reshape"

SHAPES: dict[str, Shape] = {}


def _entry(id: str, shape: Shape, parameters: str, top: Shape) -> Entry:
    """An entry with the top's shape, as worked out on paper."""
    entry = plain(KIND, id, shape, f"reshape_param {{ {parameters} }}")
    SHAPES[entry.id] = top
    return entry


ENTRIES = (
    _entry("to a vector", (2, 3, 4, 5), "shape { dim: 0 dim: -1 }", (2, 60)),
    _entry("as RetinaFace does", (2, 4, 3, 5), "shape { dim: 0 dim: 2 dim: -1 dim: 0 }", (2, 2, 6, 5)),
    _entry("and back", (2, 2, 6, 5), "shape { dim: 0 dim: 4 dim: -1 dim: 0 }", (2, 4, 3, 5)),
    _entry("rows and columns merged", (2, 3, 4, 5), "shape { dim: 0 dim: 0 dim: -1 }", (2, 3, 20)),
    _entry("columns split", (1, 3, 2, 6), "shape { dim: 0 dim: 0 dim: 0 dim: 2 dim: 3 }", (1, 3, 2, 2, 3)),
    _entry("channels split", (1, 6, 2, 3), "axis: 1 num_axes: 1 shape { dim: 2 dim: 3 }", (1, 2, 3, 2, 3)),
    _entry("a vector to boxes", (2, 12), "shape { dim: 0 dim: -1 dim: 4 }", (2, 3, 4)),
    _entry("a vector to an image", (2, 12), "shape { dim: 0 dim: 3 dim: 2 dim: 2 }", (2, 3, 2, 2)),
    _entry("a vector to one pixel", (2, 5), "shape { dim: 0 dim: 5 dim: 1 dim: 1 }", (2, 5, 1, 1)),
    _entry("one pixel to a vector", (2, 5, 1, 1), "shape { dim: 0 dim: -1 }", (2, 5)),
    _entry("from an axis on", (2, 3, 4, 5), "axis: 2 shape { dim: 10 dim: 2 }", (2, 3, 10, 2)),
    _entry("some axes", (2, 3, 4, 5), "axis: 1 num_axes: 2 shape { dim: -1 }", (2, 12, 5)),
    _entry("no axes, which adds some", (2, 3, 4), "axis: 1 num_axes: 0 shape { dim: 1 dim: 1 }", (2, 1, 1, 3, 4)),
    _entry("an axis at the end", (2, 3, 4), "axis: -1 shape { dim: 1 }", (2, 3, 4, 1)),
    _entry("an axis at the front", (2, 3, 4), "axis: 0 num_axes: 0 shape { dim: 1 }", (1, 2, 3, 4)),
    _entry("axis from behind", (2, 3, 4, 5), "axis: -3 shape { dim: -1 }", (2, 3, 20)),
    _entry("the same shape", (2, 3, 4, 5), "shape { dim: 0 dim: 0 dim: 0 dim: -1 }", (2, 3, 4, 5)),
    _entry("the batch among it", (2, 3, 4, 5), "shape { dim: -1 dim: 5 }", (24, 5)),
    _entry("a batch made of channels", (1, 6, 4, 5), "axis: 0 num_axes: 2 shape { dim: 6 dim: 1 }", (6, 1, 4, 5)),
    _entry("everything in one axis", (2, 3, 4), "shape { dim: -1 }", (24,)),
    _entry("sizes written out", (2, 3, 4), "shape { dim: 2 dim: 6 dim: 2 }", (2, 6, 2)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The numbers in the order of their indices, the last index running first."""
    top = np.zeros(SHAPES[entry.id])
    for place, index in zip(np.ndindex(top.shape), np.ndindex(bottoms[0].shape), strict=True):
        top[place] = bottoms[0][index]
    return [top]
