"""SlopedReLU."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class SlopedReLU(keras.layers.Layer):
    """max(x, 0) + negative_slope · min(x, 0), for the slopes below zero that LeakyReLU does not take."""

    def __init__(self, negative_slope: float, **options: Any) -> None:
        super().__init__(**options)
        self.negative_slope = negative_slope

    def call(self, x: Any) -> Any:
        return keras.ops.maximum(x, 0) + float(np.float32(self.negative_slope)) * keras.ops.minimum(x, 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}
