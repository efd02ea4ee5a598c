"""Pooling."""

from __future__ import annotations

import numpy as np
from support import loops
from support.choice import Choice, two
from support.table import Entry, Sliding, plain, window

from harness.data import Shape

KIND = "Pooling"


def with_gaps(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers among which some are NaN and −∞, but not all of a window of 2×2."""
    x = rng.normal(size=shape)
    x[..., ::3, ::2] = np.nan
    x[..., 1::4, :] = -np.inf
    return x


def full_of_gaps(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers among which whole windows are NaN and −∞."""
    x = with_gaps(rng, shape)
    x[..., :3, :3] = np.nan
    x[..., 3:, 3:] = -np.inf
    return x


def few_values(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Whole numbers, most of which are met several times in a window."""
    return rng.integers(-1, 2, size=shape).astype(np.float64)


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
    window(KIND, "max 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1)),
    window(KIND, "max 2, pad 1, stride 2, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1)),
    window(KIND, "max 3x2, over one edge only", (1, 2, 6, 7), (3, 2), stride=(1, 2)),
    window(KIND, "max 3x2, pad 0x1", (2, 2, 6, 6), (3, 2), stride=(2, 2), pad=(0, 1)),
    window(KIND, "max 3x3, pad 2x1, stride 3x2", (1, 2, 8, 7), (3, 3), stride=(3, 2), pad=(2, 1)),
    window(KIND, "max, FLOOR, pad 1", (1, 2, 8, 7), (3, 3), stride=(2, 2), pad=(1, 1), floor=True),
    window(KIND, "max 4, pad 3, stride 1", (1, 2, 3, 5), (4, 4), pad=(3, 3)),
    window(KIND, "ave 2, odd size, over the edge", (1, 2, 7, 9), (2, 2), stride=(2, 2), average=True),
    window(KIND, "ave 3, stride 2, even size, over the edge", (1, 2, 8, 6), (3, 3), stride=(2, 2), average=True),
    window(KIND, "ave 5, stride 3, far over the edge", (1, 2, 9, 7), (5, 5), stride=(3, 3), average=True),
    window(KIND, "ave 3, pad 1, stride 1", (1, 2, 5, 6), (3, 3), pad=(1, 1), average=True),
    window(KIND, "ave 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1), average=True),
    window(KIND, "ave 2, pad 1, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1), average=True),
    window(KIND, "ave 4x3, pad 2x1, stride 3x2", (2, 2, 9, 8), (4, 3), stride=(3, 2), pad=(2, 1), average=True),
    window(KIND, "ave, FLOOR, pad 1x0", (1, 2, 8, 7), (3, 2), stride=(2, 2), pad=(1, 0), average=True, floor=True),
    window(KIND, "max, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3)),
    window(KIND, "ave, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3), average=True),
    window(KIND, "max, kernel larger than the image", (1, 2, 3, 4), (4, 4), stride=(2, 2)),
    window(KIND, "ave, kernel larger than the image", (1, 2, 3, 4), (4, 5), stride=(2, 2), average=True),
    window(KIND, "max, kernel 1, stride 2", (1, 2, 6, 7), (1, 1), stride=(2, 2), floor=True),
    window(KIND, "ave of very many taps", (1, 2, 36, 40), (35, 33), stride=(2, 3), pad=(1, 0), average=True),
    window(KIND, "max of very many taps", (1, 2, 36, 40), (35, 33), stride=(2, 3), pad=(1, 0)),
    window(KIND, "max of NaN and −∞", (1, 2, 6, 6), (2, 2), stride=(2, 2), draws=(with_gaps,)),
    window(KIND, "max of NaN and −∞, pad 1", (1, 2, 6, 6), (3, 3), pad=(1, 1), draws=(with_gaps,)),
    window(KIND, "mask 2", (2, 3, 6, 8), (2, 2), stride=(2, 2), tops=2),
    window(KIND, "mask 2, odd size, over the edge", (1, 3, 7, 9), (2, 2), stride=(2, 2), tops=2),
    window(KIND, "mask 3, stride 2, pad 1", (1, 2, 8, 7), (3, 3), stride=(2, 2), pad=(1, 1), tops=2),
    window(KIND, "mask 3x2, pad 2x1, stride 1x2", (2, 2, 5, 7), (3, 2), stride=(1, 2), pad=(2, 1), tops=2),
    window(KIND, "mask of equal numbers", (1, 2, 6, 7), (3, 3), stride=(2, 2), tops=2, draws=(few_values,)),
    window(KIND, "mask, FLOOR, pad 1", (1, 2, 8, 7), (3, 3), stride=(2, 2), pad=(1, 1), floor=True, tops=2),
    window(KIND, "mask, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3), tops=2),
    window(
        KIND, "mask of small numbers, NaN left out", (1, 2, 6, 7), (2, 2), stride=(2, 2), tops=2, draws=(with_gaps,)
    ),
)


GLOBAL_POOLINGS = (
    plain("Pooling", "global max", (2, 3, 4, 5), "pooling_param { global_pooling: true }"),
    plain("Pooling", "global ave", (2, 3, 4, 5), "pooling_param { global_pooling: true pool: AVE }"),
    plain("Pooling", "global max, with mask", (2, 3, 4, 5), "pooling_param { global_pooling: true }", tops=2),
    plain(
        "Pooling", "global ave, stride 1", (1, 2, 5, 4), "pooling_param { global_pooling: true pool: AVE stride: 1 }"
    ),
)

ENTRIES = (*KERAS_HAS, *GLOBAL_POOLINGS)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    (x,) = bottoms
    if isinstance(entry, Sliding):
        sides, average, floor = (entry.kernel, entry.stride, entry.pad), entry.average, entry.floor
    else:
        sides, average, floor = ((x.shape[2], x.shape[3]), (1, 1), (0, 0)), "AVE" in entry.parameters, False
    tops = [loops.pooling(x, *sides, average=average, floor=floor)]
    return tops if entry.tops == 1 else [*tops, loops.pooling_mask(x, *sides, floor=floor)]


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
