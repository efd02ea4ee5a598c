"""Upsample, as SegNet's fork has it."""

from __future__ import annotations

from itertools import product

import numpy as np
from support.table import Entry, normal, plain

from harness.data import Shape


def places(height: int, width: int):
    """Masks into planes of this size, some places named several times."""

    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return rng.integers(0, height * width, size=shape).astype(np.float64)

    return draw


def _entry(id: str, shape: Shape, size: tuple[int, int], text: str) -> Entry:
    draws = (normal, places(*size))
    return plain("Upsample", id, (shape, shape), f"upsample_param {{ {text} }}", draws=draws, fork=True)


ENTRIES = (
    _entry("by the usual scale", (2, 3, 3, 4), (6, 8), ""),
    _entry("scale 3", (1, 2, 2, 3), (6, 9), "scale: 3"),
    _entry("scale 2x3", (1, 2, 3, 2), (6, 6), "scale_h: 2 scale_w: 3"),
    _entry("one row and column less", (2, 2, 4, 3), (7, 5), "scale: 2 pad_out_h: true pad_out_w: true"),
    _entry("one row less", (1, 2, 4, 3), (7, 6), "pad_out_h: true"),
    _entry("of a given size", (1, 3, 12, 15), (23, 30), "scale: 2 upsample_h: 23 upsample_w: 30"),
    _entry("smaller than the mask, many for one place", (2, 2, 5, 6), (2, 3), "upsample_h: 2 upsample_w: 3"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other; a later one takes the place of an earlier one."""
    x, mask = bottoms
    spec = entry.net["layer"].parameters.upsample_param
    scale_h, scale_w = spec.scale_h or spec.scale, spec.scale_w or spec.scale
    height = spec.upsample_h or x.shape[2] * scale_h - spec.pad_out_h
    width = spec.upsample_w or x.shape[3] * scale_w - spec.pad_out_w
    top = np.zeros((*x.shape[:2], height, width))
    for n, c, y, left in product(*map(range, x.shape)):
        row, column = divmod(int(mask[n, c, y, left]), width)
        top[n, c, row, column] = x[n, c, y, left]
    return [top]
