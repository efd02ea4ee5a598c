"""How Caffe lays the windows of a pooling layer, for tensors N, H, W, C whose size may not be known yet."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

LOWEST = -3.4028234663852886e38
"""−FLT_MAX, from which Caffe's search for the largest begins: NaN, −∞ and what lies behind the edge never win."""


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width; one number stands for both."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


class Pool(keras.layers.Layer):
    """What the pools have in common.

    `padding` is one number, or one for rows and one for columns, on both sides; `floor` rounds sizes down.
    """

    def __init__(
        self,
        pool_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        floor: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.pool_size, self.strides, self.padding = pair(pool_size), pair(strides), pair(padding)
        self.floor = floor

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding, "floor": self.floor}
        return {**super().get_config(), **own}


def windows(x: Any, kernel: Any, strides: Any, padding: Any, floor: bool) -> list[Any]:
    """How many windows there are along each of the two axes: a number, or a tensor for a size that is not known yet.

    The size is rounded up; where there is padding, a last window that would begin behind it is left out.
    """
    found = []
    for size, window, stride, pad in zip(ops.shape(x)[1:3], kernel, strides, padding, strict=True):
        reach = size + 2 * pad - window
        count = (reach // stride if floor else -(-reach // stride)) + 1
        if any(padding):
            late = (count - 1) * stride >= size + pad
            count = count - (int(late) if isinstance(late, bool) else ops.cast(late, "int32"))
        found.append(count)
    return found


def padded(x: Any, counts: Any, kernel: Any, strides: Any, padding: Any, value: float) -> Any:
    """The picture with all that its windows reach over: the padding before, as much as it takes behind."""
    borders = []
    for size, count, window, stride, pad in zip(ops.shape(x)[1:3], counts, kernel, strides, padding, strict=True):
        behind = (count - 1) * stride + window - pad - size
        borders.append((pad, max(0, behind) if isinstance(behind, int) else ops.maximum(0, behind)))
    if all(isinstance(side, int) and side == 0 for border in borders for side in border):
        return x
    return ops.pad(x, ((0, 0), *borders, (0, 0)), constant_values=value)


def max_pool(x: Any, kernel: Any, strides: Any, padding: Any, floor: bool = False) -> Any:
    """The largest of each window."""
    x = padded(x, windows(x, kernel, strides, padding, floor), kernel, strides, padding, LOWEST)
    return ops.max_pool(x, kernel, strides, "valid", "channels_last")


def average_pool(x: Any, kernel: Any, strides: Any, padding: Any, floor: bool = False) -> Any:
    """The sum of each window over its size where it is clipped to the padded picture."""
    counts = windows(x, kernel, strides, padding, floor)
    means = ops.average_pool(
        padded(x, counts, kernel, strides, padding, 0.0), kernel, strides, "valid", "channels_last"
    )
    sizes = ops.shape(x)[1:3]
    known = all(isinstance(size, int) for size in (*sizes, *counts))
    numbers = np if known else ops
    sides = []
    for size, count, window, stride, pad in zip(sizes, counts, kernel, strides, padding, strict=True):
        start = numbers.arange(count) * stride - pad
        sides.append(numbers.minimum(start + window, size + pad) - start)
    area = sides[0][:, None] * sides[1]
    if known and (area == kernel[0] * kernel[1]).all():
        return means
    with np.errstate(divide="ignore"):  # a window behind the picture altogether is 0 / 0, in Caffe as well
        share = numbers.divide(kernel[0] * kernel[1], area if known else ops.cast(area, means.dtype))
    return means * ops.cast(share, means.dtype)[..., None]
