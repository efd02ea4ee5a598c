"""AveragePooling."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._pools import average_pool, pair


@keras.saving.register_keras_serializable(package="caffe")
class AveragePooling(keras.layers.Layer):
    """The mean of each window of N, H, W, C, with Caffe's padding, sizes and divisor.

    The divisor counts the padding (`padding`, one number or one for rows and one for columns, on both sides), but not
    what a window reaches over it. Sizes are rounded up, with `floor` down.
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

    def call(self, x: Any) -> Any:
        return average_pool(x, self.pool_size, self.strides, self.padding, self.floor)

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding, "floor": self.floor}
        return {**super().get_config(), **own}
