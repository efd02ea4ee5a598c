"""Power."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Power(keras.layers.Layer):
    """(shift + scale · x)^power. Parameters are float32, as Caffe keeps them.

    Where power · scale is zero, x is not looked at: shift^power, and 1 for a power of zero.
    """

    def __init__(self, power: float, scale: float = 1.0, shift: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.power = power
        self.scale = scale
        self.shift = shift

    def call(self, x: Any) -> Any:
        power, scale, shift = (float(np.float32(one)) for one in (self.power, self.scale, self.shift))
        if np.float32(power) * np.float32(scale) == 0:
            with np.errstate(all="ignore"):
                return keras.ops.full_like(x, 1.0 if power == 0 else np.power(shift, power))
        if scale != 1:
            x = scale * x
        if shift != 0:
            x = x + shift
        return x if power == 1 else keras.ops.power(x, power)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power": self.power, "scale": self.scale, "shift": self.shift}
