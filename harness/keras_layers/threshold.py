"""Threshold."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Threshold(keras.layers.Layer):
    """1 where x is above `threshold`, a float32 as in Caffe, and 0 elsewhere. It has no gradient."""

    def __init__(self, threshold: float, **options: Any) -> None:
        super().__init__(**options)
        self.threshold = threshold

    def call(self, x: Any) -> Any:
        return keras.ops.cast(x > float(np.float32(self.threshold)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}
