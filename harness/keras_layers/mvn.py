"""MVN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from harness.keras_layers._mean import mean_over


@keras.saving.register_keras_serializable(package="caffe")
class MVN(keras.layers.Layer):
    """(x − mean) / (√variance + epsilon) over some axes of each image; less the mean alone without `normalize_variance`."""

    def __init__(
        self, axis: Sequence[int], normalize_variance: bool = True, epsilon: float = 1e-9, **options: Any
    ) -> None:
        super().__init__(**options)
        self.axis, self.normalize_variance, self.epsilon = list(axis), normalize_variance, epsilon

    def call(self, x: Any) -> Any:
        x = x - mean_over(x, self.axis)
        if not self.normalize_variance:
            return x
        return x / (ops.sqrt(mean_over(ops.square(x), self.axis)) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "normalize_variance": self.normalize_variance, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
