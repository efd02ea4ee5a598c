"""MaxPoolingWithMask."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.keras_layers._pools import LOWEST, Pool, padded, windows


@keras.saving.register_keras_serializable(package="caffe")
class MaxPoolingWithMask(Pool):
    """The largest of each window of N, H, W, C as MaxPooling gives it, and where it lies: row · width + column.

    The first of several wins. Where nothing is larger than −FLT_MAX, the place is −1. Places are float32, as Caffe's are.
    """

    def call(self, x: Any) -> Any:
        width = ops.shape(x)[2]
        counts = rows, columns = windows(x, self.pool_size, self.strides, self.padding, self.floor)
        (stride_y, stride_x), (pad_y, pad_x) = self.strides, self.padding
        x = padded(x, counts, self.pool_size, self.strides, self.padding, LOWEST)
        best: Any = None
        place: Any = None
        for row in range(self.pool_size[0]):
            for column in range(self.pool_size[1]):
                met = x[
                    :,
                    row : row + (rows - 1) * stride_y + 1 : stride_y,
                    column : column + (columns - 1) * stride_x + 1 : stride_x,
                ]
                if best is None:
                    best, place = ops.full_like(met, LOWEST), ops.full_like(met, -1, dtype="int32")
                larger = met > best
                best = ops.where(larger, met, best)
                place = ops.where(larger, row * width + column, place)
        steps_y, steps_x = (ops.arange(count, dtype="int32") for count in counts)
        start = (steps_y * stride_y - pad_y)[:, None] * width + steps_x * stride_x - pad_x
        return best, ops.cast(ops.where(place < 0, place, place + start[..., None]), "float32")
