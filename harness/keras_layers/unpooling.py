"""Unpooling."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.keras_layers._pools import pair


@keras.saving.register_keras_serializable(package="caffe")
class Unpooling(keras.layers.Layer):
    """Numbers put back to where a MaxPoolingWithMask found them: [N, H, W, C, the mask] → N, height, width, C.

    The result has `size`, height and width, or `scale` times the numbers'. What no place of the mask names is zero; of
    several numbers for one place the last one stays. A place outside of the plane is an error where the tensors are on a
    CPU.
    """

    def __init__(self, scale: int | tuple[int, int] = 2, size: tuple[int, int] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.scale = pair(scale)
        self.size = None if size is None else pair(size)

    def call(self, inputs: Any) -> Any:
        values, mask = inputs
        number, rows, columns, channels = ops.shape(values)
        height, width = self.size or (rows * self.scale[0], columns * self.scale[1])
        place = ops.cast(mask, "int32")
        plane = ops.reshape(ops.arange(number, dtype="int32"), (-1, 1, 1, 1)) * (height * width)
        flat = (plane + place) * channels + ops.arange(channels, dtype="int32")
        # A place outside of the plane must not land in the next picture: no tensor has a place −1.
        flat = ops.where((place >= 0) & (place < height * width), flat, -1)
        empty = ops.zeros((number * height * width * channels,), values.dtype)
        filled = ops.scatter_update(empty, ops.reshape(flat, (-1, 1)), ops.reshape(values, (-1,)))
        return ops.reshape(filled, (-1, height, width, channels))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "size": self.size}
