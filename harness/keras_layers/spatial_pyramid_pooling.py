"""SpatialPyramidPooling."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.keras_layers._pools import average_pool, max_pool


@keras.saving.register_keras_serializable(package="caffe")
class SpatialPyramidPooling(keras.layers.Layer):
    """N, H, W, C pooled over 1×1, 2×2, 4×4 … windows side by side, `height` levels of them, end to end.

    Each level is flattened as Caffe does, channels first. H and W must be known when the model is built.
    """

    def __init__(self, height: int, pool: str = "max", **options: Any) -> None:
        super().__init__(**options)
        self.height = height
        self.pool = pool

    def call(self, x: Any) -> Any:
        pool, levels = {"max": max_pool, "average": average_pool}[self.pool], []
        for level in range(self.height):
            bins = 2**level
            kernel = [-(-size // bins) for size in x.shape[1:3]]
            padding = [(window * bins - size + 1) // 2 for window, size in zip(kernel, x.shape[1:3], strict=True)]
            pooled = ops.transpose(pool(x, kernel, kernel, padding), (0, 3, 1, 2))
            levels.append(ops.reshape(pooled, (-1, bins * bins * x.shape[-1])))
        return ops.concatenate(levels, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "pool": self.pool}
