"""Swish."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Swish(keras.layers.Layer):
    """x · sigmoid(beta · x)."""

    def __init__(self, beta: float, **options: Any) -> None:
        super().__init__(**options)
        self.beta = beta

    def call(self, x: Any) -> Any:
        return x * keras.ops.sigmoid(float(np.float32(self.beta)) * x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta": self.beta}
