"""Log."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Log(keras.layers.Layer):
    """The logarithm of scale · x + shift in a base; a base of None is e. Parameters are float32, as Caffe keeps them."""

    def __init__(self, base: float | None = None, scale: float = 1.0, shift: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.base = base
        self.scale = scale
        self.shift = shift
        self.factor = 1.0 if base is None else float(np.float32(1) / np.float32(np.log(np.float64(np.float32(base)))))

    def call(self, x: Any) -> Any:
        if self.scale != 1:
            x = float(np.float32(self.scale)) * x
        if self.shift != 0:
            x = x + float(np.float32(self.shift))
        y = keras.ops.log(x)
        return y if self.factor == 1 else self.factor * y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "base": self.base, "scale": self.scale, "shift": self.shift}
