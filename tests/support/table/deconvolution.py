"""Deconvolution."""

from __future__ import annotations

from support import loops
from support.choice import Choice, two
from support.table import Sliding, Two, lacking, window

from harness.data import Shape

KIND = "Deconvolution"


def _entry(id: str, shape: Shape, outputs: int, kernel: Two, **more) -> Sliding:
    return window(KIND, id, shape, kernel, outputs, **more)


KERAS_HAS = (
    _entry("kernel 2, stride 2", (1, 2, 3, 4), 3, (2, 2), stride=(2, 2)),
    _entry("kernel 3x2", (1, 2, 4, 3), 2, (3, 2)),
    _entry("bilinear, pad 1", (1, 3, 4, 5), 3, (4, 4), stride=(2, 2), pad=(1, 1), bias=False),
    _entry("odd kernel, even pad", (1, 2, 4, 5), 2, (5, 3), stride=(2, 3), pad=(2, 0)),
    _entry("stride 1x3, pad 0x1", (1, 2, 4, 3), 2, (2, 4), stride=(1, 3), pad=(0, 1)),
    _entry("stride 3 > kernel 2", (2, 2, 3, 4), 3, (2, 2), stride=(3, 3)),
    _entry("stride 4x1 > kernel 2x1", (1, 2, 3, 4), 2, (2, 1), stride=(4, 1)),
    _entry("stride 3 > kernel 2, pad 1", (1, 2, 4, 3), 2, (2, 2), stride=(3, 3), pad=(1, 1)),
    _entry("kernel - stride odd", (1, 2, 4, 5), 2, (4, 5), stride=(3, 2), pad=(1, 1)),
    _entry("group 2", (1, 4, 3, 4), 6, (3, 2), stride=(2, 1), group=2),
    _entry("group of one channel each", (1, 3, 4, 4), 3, (4, 4), stride=(2, 2), pad=(1, 1), group=3, bias=False),
    _entry("no bias, pad 2x1", (1, 2, 5, 4), 3, (6, 4), stride=(3, 2), pad=(2, 1), bias=False),
)

KERAS_LACKS = (
    _entry("dilation 2x3", (1, 2, 4, 3), 2, (3, 2), dilation=(2, 3)),
    _entry("dilation 2, pad 1x2", (1, 2, 4, 4), 2, (3, 3), dilation=(2, 2), pad=(1, 2)),
    _entry("stride 2 and dilation 2", (1, 2, 3, 4), 2, (3, 2), stride=(2, 2), dilation=(2, 2)),
)

ENTRIES = (*KERAS_HAS, *lacking(KERAS_LACKS))


def tops_of(entry: Sliding, blobs, bottoms):
    """The plain loops."""
    w, b = (*blobs, None)[:2]
    return [loops.deconvolution(bottoms[0], w, b, entry.stride, entry.pad, entry.dilation, entry.group)]


def draw(choose: Choice) -> Sliding:
    """Any group, and any stride, kernel, pad and dilation that leave something."""
    group = choose.one_of([1, 1, 2, 3])
    inputs, outputs = group * choose.whole(1, 2), group * choose.whole(1, 2)
    kernel, stride, size = two(choose, 1, 5), two(choose, 1, 4), two(choose, 1, 4)
    dilation = two(choose, 1, 3) if choose.flag() else (1, 1)
    full = [s * (n - 1) + (k - 1) * d + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)]
    pad = tuple(choose.whole(0, min(k - 1, (f - 1) // 2)) for k, f in zip(kernel, full, strict=True))
    more = {"stride": stride, "pad": pad, "dilation": dilation, "group": group, "bias": choose.flag()}
    return _entry("drawn", (choose.whole(1, 2), inputs, *size), outputs, kernel, **more)
