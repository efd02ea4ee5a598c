"""MaxPooling."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._pools import max_pool, pair


@keras.saving.register_keras_serializable(package="caffe")
class MaxPooling(keras.layers.Layer):
    """The largest of each window of N, H, W, C, with Caffe's padding and its way of rounding sizes up.

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

    def call(self, x: Any) -> Any:
        return max_pool(x, self.pool_size, self.strides, self.padding, self.floor)

    def get_config(self) -> dict[str, Any]:
        own = {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding, "floor": self.floor}
        return {**super().get_config(), **own}
