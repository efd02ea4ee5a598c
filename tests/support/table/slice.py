"""Slice."""

from __future__ import annotations

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
    """Cut by hand."""
    return CUTS[entry.id](bottoms[0])
