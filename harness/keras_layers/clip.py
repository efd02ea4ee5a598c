"""Clip."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Clip(keras.layers.Layer):
    """What is below `min_value` or above `max_value` brought to it; a side that is None is open.

    What is no number becomes `min_value`, as in Caffe; and both are float32, as Caffe keeps them.
    """

    def __init__(self, min_value: float | None = None, max_value: float | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.min_value = min_value
        self.max_value = max_value

    def call(self, x: Any) -> Any:
        if self.max_value is not None:
            x = keras.ops.minimum(x, float(np.float32(self.max_value)))
        if self.min_value is not None:
            low = float(np.float32(self.min_value))
            x = keras.ops.where(x > low, x, keras.ops.full_like(x, low))
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "min_value": self.min_value, "max_value": self.max_value}
