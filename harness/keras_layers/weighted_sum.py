"""WeightedSum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="caffe")
class WeightedSum(keras.layers.Layer):
    """c₀·x₀ + c₁·x₁ + …, added from the first to the last."""

    def __init__(self, coefficients: Sequence[float], **options: Any) -> None:
        super().__init__(**options)
        self.coefficients = list(coefficients)

    def call(self, tensors: Any) -> Any:
        total, *rest = [c * x for c, x in zip(self.coefficients, tensors, strict=True)]
        for part in rest:
            total = total + part
        return total

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "coefficients": self.coefficients}
