"""DepthwiseConvolution, as a fork has it."""

from __future__ import annotations

from dataclasses import replace

from support import loops
from support.table import Sides, Sliding, window

from harness.data import Shape

KIND = "DepthwiseConvolution"


def _entry(id: str, shape: Shape, kernel: Sides, **more) -> Sliding:
    return replace(window(KIND, id, shape, kernel, shape[1], **more), fork=True)


ENTRIES = (
    _entry("kernel 3x2", (2, 3, 5, 6), (3, 2)),
    _entry("pad as same, no bias", (1, 4, 6, 5), (3, 3), pad=(1, 1), bias=False),
    _entry("stride 2, pad 1", (1, 4, 7, 6), (3, 3), stride=(2, 2), pad=(1, 1), group=4),
    _entry("stride 2x1, dilation 1x2", (1, 3, 8, 7), (3, 2), stride=(2, 1), dilation=(1, 2)),
    _entry("of one channel", (1, 1, 5, 4), (2, 3)),
)


def tops_of(entry: Sliding, blobs, bottoms):
    """The plain loops."""
    w, b = (*blobs, None)[:2]
    return [loops.convolution(bottoms[0], w, b, entry.stride, entry.pad, entry.dilation, bottoms[0].shape[1])]
