"""AveragePooling."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._pools import Pool, average_pool


@keras.saving.register_keras_serializable(package="caffe")
class AveragePooling(Pool):
    """The mean of each window of N, H, W, C, with Caffe's padding, sizes and divisor.

    The divisor counts the padding (`padding`, one number or one for rows and one for columns, on both sides), but not
    what a window reaches over it. Sizes are rounded up, with `floor` down.
    """

    def call(self, x: Any) -> Any:
        return average_pool(x, self.pool_size, self.strides, self.padding, self.floor)
