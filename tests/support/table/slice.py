"""Slice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from support.choice import Choice, signed, sizes
from support.table import Entry, plain

ENTRIES = (
    plain("Slice", "in equal parts", (2, 6, 3, 4), tops=3),
    plain("Slice", "at points", (1, 7, 3, 4), "slice_param { slice_point: 2 slice_point: 3 }", tops=3),
    plain("Slice", "rows", (1, 3, 5, 4), "slice_param { axis: 2 slice_point: 1 }", tops=2),
    plain("Slice", "axis from behind", (1, 3, 5, 4), "slice_param { axis: -1 slice_point: 3 }", tops=2),
    plain("Slice", "the batch", (4, 3, 2, 5), "slice_param { axis: 0 }", tops=2),
    plain("Slice", "slice_dim", (1, 4, 3, 2), "slice_param { slice_dim: 1 slice_point: 1 }", tops=2),
    plain("Slice", "a vector", (2, 9), "slice_param { slice_point: 4 }", tops=2),
)


CUTS = {
    "slice in equal parts": lambda x: [x[:, :2], x[:, 2:4], x[:, 4:]],
    "slice at points": lambda x: [x[:, :2], x[:, 2:3], x[:, 3:]],
    "slice rows": lambda x: [x[:, :, :1], x[:, :, 1:]],
    "slice axis from behind": lambda x: [x[..., :3], x[..., 3:]],
    "slice the batch": lambda x: [x[:2], x[2:]],
    "slice slice_dim": lambda x: [x[:, :1], x[:, 1:]],
    "slice a vector": lambda x: [x[:, :4], x[:, 4:]],
}


def tops_of(entry: Entry, blobs, bottoms):
    """Cut by hand; what was drawn, item after item along its axis."""
    (x,) = bottoms
    if entry.id in CUTS:
        return CUTS[entry.id](x)
    spec = entry.net["layer"].parameters.slice_param
    size = x.shape[spec.axis]
    points = list(spec.slice_point) or [size // entry.tops * part for part in range(1, entry.tops)]
    pieces = [list(range(start, stop)) for start, stop in pairwise([0, *points, size])]
    return [np.stack([x.take(item, spec.axis) for item in piece], spec.axis) for piece in pieces]


def draw(choose: Choice) -> Entry:
    """Along any axis, at points or in equal parts."""
    shape = list(sizes(choose, choose.whole(2, 5)))
    axis, tops = choose.whole(0, len(shape) - 1), choose.whole(1, 4)
    given = f"axis: {signed(choose, axis, len(shape))}"
    if choose.flag() or tops == 1:
        shape[axis] = tops * choose.whole(1, 3)
    else:
        ends = [choose.whole(1, 3) for _ in range(tops)]
        shape[axis] = sum(ends)
        given += "".join(f" slice_point: {sum(ends[:count])}" for count in range(1, tops))
    return plain("Slice", "drawn", tuple(shape), f"slice_param {{ {given} }}", tops=tops)
