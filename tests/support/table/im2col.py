"""Im2col."""

from __future__ import annotations

from itertools import product

import numpy as np
from support.table import Sides, Sliding, window

from harness.data import Shape

KIND = "Im2col"


def _entry(id: str, shape: Shape, kernel: Sides, **more) -> Sliding:
    return window(KIND, id, shape, kernel, **more)


ENTRIES = (
    _entry("kernel 3x2", (2, 3, 5, 6), (3, 2)),
    _entry("1x1", (1, 3, 4, 5), (1, 1)),
    _entry("stride 2x3, pad 1x2", (1, 2, 6, 7), (3, 2), stride=(2, 3), pad=(1, 2)),
    _entry("dilation 2x1, pad 0x1", (2, 2, 7, 5), (3, 3), dilation=(2, 1), pad=(0, 1)),
    _entry("stride 2, dilation 3", (1, 2, 9, 10), (2, 3), stride=(2, 2), dilation=(3, 3)),
    _entry("the whole image", (1, 3, 4, 5), (4, 5)),
    _entry("of a sequence", (2, 3, 7), (3,), stride=(2,), pad=(1,)),
    _entry("of a volume", (1, 2, 3, 4, 5), (2, 1, 3), stride=(1, 2, 1), pad=(1, 0, 1)),
)


def tops_of(entry: Sliding, blobs, bottoms):
    """One window after the other, one number after the other."""
    (x,) = bottoms
    n, channels, *size = x.shape
    kernel, axes = entry.kernel, range(len(entry.kernel))
    extent = [(kernel[a] - 1) * entry.dilation[a] + 1 for a in axes]
    out = [(size[a] + 2 * entry.pad[a] - extent[a]) // entry.stride[a] + 1 for a in axes]
    top = np.zeros((n, channels * int(np.prod(kernel)), *out))
    for image, *at in product(range(n), *map(range, out)):
        for channel, (c, *tap) in enumerate(product(range(channels), *map(range, kernel))):
            place = [at[a] * entry.stride[a] - entry.pad[a] + tap[a] * entry.dilation[a] for a in axes]
            if all(0 <= place[a] < size[a] for a in axes):
                top[(image, channel, *at)] = x[(image, c, *place)]
    return [top]
