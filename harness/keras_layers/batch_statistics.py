"""BatchStatistics."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from harness.keras_layers._mean import mean_over


@keras.saving.register_keras_serializable(package="caffe")
class BatchStatistics(keras.layers.Layer):
    """(x − mean) / √(variance + epsilon) · gamma + beta, by the batch's own mean and variance, at inference too.

    A BatchNormalization that keeps no moving averages.
    """

    def __init__(
        self, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True, **options: Any
    ) -> None:
        super().__init__(**options)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.gamma = self.beta = None

    def build(self, input_shape: Any) -> None:
        channels = (input_shape[self.axis],)
        if self.scale:
            self.gamma = self.add_weight(name="gamma", shape=channels, initializer="ones")
        if self.center:
            self.beta = self.add_weight(name="beta", shape=channels, initializer="zeros")

    def call(self, x: Any) -> Any:
        rank = len(x.shape)
        axis = self.axis % rank
        others = [one for one in range(rank) if one != axis]
        x = x - mean_over(x, others)
        x = x / ops.sqrt(mean_over(ops.square(x), others) + self.epsilon)
        laid = [-1 if one == axis else 1 for one in range(rank)]
        if self.gamma is not None:
            x = x * ops.reshape(self.gamma, laid)
        return x if self.beta is None else x + ops.reshape(self.beta, laid)

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "epsilon": self.epsilon, "center": self.center, "scale": self.scale}
        return {**super().get_config(), **own}
