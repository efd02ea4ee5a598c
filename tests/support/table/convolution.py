"""Convolution."""

from __future__ import annotations

from support import loops
from support.choice import Choice, two
from support.table import Sliding, Two, lacking, window

from harness.data import Shape

KIND = "Convolution"


def _entry(id: str, shape: Shape, outputs: int, kernel: Two, **more) -> Sliding:
    return window(KIND, id, shape, kernel, outputs, **more)


KERAS_HAS = (
    _entry("1x1", (1, 5, 4, 6), 3, (1, 1)),
    _entry("batch of two", (2, 3, 5, 4), 2, (3, 3)),
    _entry("kernel 3x2", (1, 2, 6, 5), 3, (3, 2)),
    _entry("kernel 2x5, even and odd", (1, 2, 6, 7), 3, (2, 5)),
    _entry("no bias", (1, 3, 5, 5), 2, (3, 3), bias=False),
    _entry("pad 2x0", (1, 2, 5, 6), 3, (3, 3), pad=(2, 0)),
    _entry("pad 0x1, even kernel", (1, 2, 5, 6), 3, (2, 4), pad=(0, 1)),
    _entry("pad as same", (1, 2, 6, 7), 3, (3, 5), pad=(1, 2)),
    _entry("pad larger than kernel", (1, 1, 2, 3), 2, (2, 2), pad=(3, 4)),
    _entry("stride 2x3", (1, 2, 9, 8), 3, (3, 2), stride=(2, 3)),
    _entry("stride 2, pad 1, even size", (1, 2, 8, 8), 3, (3, 3), stride=(2, 2), pad=(1, 1)),
    _entry("stride 3x1, pad 1x2", (1, 2, 7, 6), 3, (3, 4), stride=(3, 1), pad=(1, 2)),
    _entry("stride 4, kernel 2", (1, 2, 11, 10), 2, (2, 2), stride=(4, 4)),
    _entry("dilation 2x3", (1, 2, 8, 10), 3, (3, 3), dilation=(2, 3)),
    _entry("dilation 1x2, pad 2x1", (1, 2, 6, 7), 2, (2, 3), dilation=(1, 2), pad=(2, 1)),
    _entry("dilation as same", (1, 2, 7, 9), 2, (3, 3), dilation=(2, 4), pad=(2, 4)),
    _entry("groups of unequal sides", (1, 6, 5, 6), 9, (3, 2), group=3),
    _entry("group 2, stride 2x1, pad 0x2", (2, 4, 7, 5), 6, (2, 3), group=2, stride=(2, 1), pad=(0, 2)),
    _entry("group 2, dilation 2x1", (1, 4, 7, 5), 2, (3, 2), group=2, dilation=(2, 1)),
    _entry("depthwise", (1, 4, 6, 5), 4, (3, 2), group=4, pad=(1, 0)),
    _entry("depthwise, two filters per channel", (1, 3, 6, 5), 6, (2, 3), group=3),
    _entry("depthwise, stride 2", (1, 4, 7, 6), 4, (3, 3), group=4, stride=(2, 2), pad=(1, 1)),
    _entry("depthwise, dilation 2", (1, 3, 8, 7), 3, (3, 3), group=3, dilation=(2, 2)),
    _entry("depthwise, stride 2 and dilation 2", (1, 3, 9, 9), 3, (3, 2), group=3, stride=(2, 2), dilation=(2, 2)),
    _entry("many terms", (1, 40, 5, 5), 8, (3, 3), pad=(1, 1)),
)

KERAS_LACKS = (
    _entry("stride 2x1 and dilation 1x3", (1, 2, 9, 9), 2, (3, 3), stride=(2, 1), dilation=(1, 3)),
    _entry("stride 2 and dilation 2", (1, 2, 9, 9), 2, (3, 3), stride=(2, 2), dilation=(2, 2)),
    _entry("depthwise, stride 2x1", (1, 2, 7, 7), 2, (3, 3), group=2, stride=(2, 1)),
)

ENTRIES = (*KERAS_HAS, *lacking(KERAS_LACKS))


def tops_of(entry: Sliding, blobs, bottoms):
    """The plain loops."""
    w, b = (*blobs, None)[:2]
    return [loops.convolution(bottoms[0], w, b, entry.stride, entry.pad, entry.dilation, entry.group)]


def draw(choose: Choice) -> Sliding:
    """Any group, depthwise too, and any window that fits."""
    group = choose.one_of([1, 1, 2, 3])
    inputs, outputs = group * choose.whole(1, 3), group * choose.whole(1, 3)
    kernel, pad = two(choose, 1, 4), two(choose, 0, 3)
    moves = choose.one_of(["by one", "stride", "dilation", "both"])
    stride = two(choose, 1, 3) if moves in ("stride", "both") else (1, 1)
    dilation = two(choose, 1, 3) if moves in ("dilation", "both") else (1, 1)
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [max(1, e - 2 * p) + choose.whole(0, 6) for e, p in zip(extent, pad, strict=True)]
    more = {"stride": stride, "pad": pad, "dilation": dilation, "group": group, "bias": choose.flag()}
    return _entry("drawn", (choose.whole(1, 2), inputs, *size), outputs, kernel, **more)
