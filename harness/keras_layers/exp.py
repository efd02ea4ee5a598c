"""Exp."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="caffe")
class Exp(keras.layers.Layer):
    """base^(scale · x + shift), computed as Caffe does: exp(x · log(base) · scale) · base^shift. A base of None is e."""

    def __init__(self, base: float | None = None, scale: float = 1.0, shift: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.base = base
        self.scale = scale
        self.shift = shift
        self.inner, self.outer = self._constants()

    def _constants(self) -> tuple[float, float]:
        """log(base) · scale and base^shift as Caffe keeps them: float32, of float32 parameters."""
        scale, shift = np.float32(self.scale), np.float64(np.float32(self.shift))
        with np.errstate(all="ignore"):
            if self.base is None:
                return float(scale), float(np.float32(np.exp(shift)))
            base = np.float64(np.float32(self.base))
            return float(np.float32(np.log(base)) * scale), float(np.float32(np.power(base, shift)))

    def call(self, x: Any) -> Any:
        y = keras.ops.exp(x if self.inner == 1 else self.inner * x)
        return y if self.outer == 1 else self.outer * y

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "base": self.base, "scale": self.scale, "shift": self.shift}
