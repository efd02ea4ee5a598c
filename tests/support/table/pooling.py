"""Pooling."""

from __future__ import annotations

from support import loops
from support.choice import Choice, two
from support.table import Entry, Sliding, lacking, plain, window

KIND = "Pooling"

KERAS_HAS = (
    window(KIND, "max 2, even size", (2, 3, 6, 8), (2, 2), stride=(2, 2)),
    window(KIND, "max 2, odd size, over the edge", (1, 3, 7, 9), (2, 2), stride=(2, 2)),
    window(KIND, "max 3, stride 2, even size, over the edge", (1, 3, 8, 6), (3, 3), stride=(2, 2)),
    window(KIND, "max 3x2, stride 1x2", (1, 2, 6, 8), (3, 2), stride=(1, 2)),
    window(KIND, "max 2x3, stride 2x3, over one edge", (1, 2, 7, 9), (2, 3), stride=(2, 3)),
    window(KIND, "max 3, pad 1, stride 1", (1, 2, 5, 6), (3, 3), pad=(1, 1)),
    window(KIND, "max 3, pad 1, stride 2, odd size", (1, 2, 7, 9), (3, 3), stride=(2, 2), pad=(1, 1)),
    window(KIND, "max 5x3, pad 2x1", (1, 2, 6, 7), (5, 3), pad=(2, 1)),
    window(KIND, "max, FLOOR, odd size", (1, 2, 7, 9), (2, 2), stride=(2, 2), floor=True),
    window(KIND, "max, FLOOR, kernel 3x2, stride 3x2", (1, 2, 8, 7), (3, 2), stride=(3, 2), floor=True),
    window(KIND, "ave 2x3", (2, 3, 5, 7), (2, 3), stride=(1, 2), average=True),
    window(KIND, "ave 3, stride 3", (1, 2, 9, 6), (3, 3), stride=(3, 3), average=True),
    window(KIND, "ave, FLOOR, odd size", (1, 2, 7, 9), (2, 2), stride=(2, 2), average=True, floor=True),
)

KERAS_LACKS = (
    window(KIND, "max 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1)),
    window(KIND, "max 2, pad 1, stride 2, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1)),
    window(KIND, "max 3x2, over one edge only", (1, 2, 6, 7), (3, 2), stride=(1, 2)),
    window(KIND, "max 3x2, pad 0x1", (1, 2, 6, 6), (3, 2), stride=(2, 2), pad=(0, 1)),
    window(KIND, "max 3x3, pad 2x1, stride 3x2", (1, 2, 8, 7), (3, 3), stride=(3, 2), pad=(2, 1)),
    window(KIND, "ave 2, odd size, over the edge", (1, 2, 7, 9), (2, 2), stride=(2, 2), average=True),
    window(KIND, "ave 3, stride 2, even size, over the edge", (1, 2, 8, 6), (3, 3), stride=(2, 2), average=True),
    window(KIND, "ave 3, pad 1, stride 1", (1, 2, 5, 6), (3, 3), pad=(1, 1), average=True),
    window(KIND, "ave 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1), average=True),
    window(KIND, "ave 2, pad 1, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1), average=True),
    window(KIND, "ave 4x3, pad 2x1, stride 3x2", (1, 2, 9, 8), (4, 3), stride=(3, 2), pad=(2, 1), average=True),
    window(KIND, "ave, FLOOR, pad 1x0", (1, 2, 8, 7), (3, 2), stride=(2, 2), pad=(1, 0), average=True, floor=True),
    window(KIND, "max, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3)),
    window(KIND, "ave, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3), average=True),
    window(KIND, "max, kernel larger than the image", (1, 2, 3, 4), (4, 4), stride=(2, 2)),
)


GLOBAL_POOLINGS = (
    plain("Pooling", "global max", (2, 3, 4, 5), "pooling_param { global_pooling: true }"),
    plain("Pooling", "global ave", (2, 3, 4, 5), "pooling_param { global_pooling: true pool: AVE }"),
)

ENTRIES = (*KERAS_HAS, *lacking(KERAS_LACKS), *GLOBAL_POOLINGS)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    (x,) = bottoms
    if isinstance(entry, Sliding):
        return [loops.pooling(x, entry.kernel, entry.stride, entry.pad, average=entry.average, floor=entry.floor)]
    average = "AVE" in entry.parameters
    return [loops.pooling(x, (x.shape[2], x.shape[3]), (1, 1), (0, 0), average=average)]


def draw(choose: Choice) -> Entry:
    """Any window that Caffe takes, hanging over the edge or not, and whole pictures."""
    average, shape = choose.flag(), (choose.whole(1, 2), choose.whole(1, 3))
    if choose.whole(0, 5) == 5:
        kind = " pool: AVE" if average else ""
        parameters = f"pooling_param {{ global_pooling: true{kind} }}"
        return plain(KIND, "drawn", (*shape, *two(choose, 1, 6)), parameters)
    kernel, stride = two(choose, 1, 4), two(choose, 1, 3)
    pad = tuple(choose.whole(0, k - 1) for k in kernel) if choose.flag() else (0, 0)
    size = [max(1, k - 2 * p) + choose.whole(0, 6) for k, p in zip(kernel, pad, strict=True)]
    masked = not average and choose.flag()
    more = {"stride": stride, "pad": pad, "average": average, "floor": choose.flag(), "tops": 1 + masked}
    return window(KIND, "drawn", (*shape, *size), kernel, **more)
