"""MaxPooling."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._pools import Pool, max_pool


@keras.saving.register_keras_serializable(package="caffe")
class MaxPooling(Pool):
    """The largest of each window of N, H, W, C, with Caffe's padding and its way of rounding sizes up.

    `padding` is one number, or one for rows and one for columns, on both sides; `floor` rounds sizes down.
    """

    def call(self, x: Any) -> Any:
        return max_pool(x, self.pool_size, self.strides, self.padding, self.floor)
