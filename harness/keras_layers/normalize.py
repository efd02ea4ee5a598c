"""Normalize."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Normalize(keras.layers.Layer):
    """x / √(Σ x² + epsilon) · scale: over the channels on `axis`, or over all of an image with `across_spatial`.

    `scale` is a number for each channel, or one for all with `channel_shared`.
    """

    def __init__(
        self,
        axis: int = -1,
        across_spatial: bool = False,
        channel_shared: bool = False,
        epsilon: float = 1e-10,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.axis, self.epsilon = axis, epsilon
        self.across_spatial, self.channel_shared = across_spatial, channel_shared

    def build(self, input_shape: Any) -> None:
        shape = () if self.channel_shared else (input_shape[self.axis],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, x: Any) -> Any:
        rank = len(x.shape)
        over = list(range(1, rank)) if self.across_spatial else self.axis
        x = x / ops.sqrt(ops.sum(ops.square(x), over, keepdims=True) + self.epsilon)
        if self.channel_shared:
            return x * self.scale
        return x * ops.reshape(self.scale, [-1 if one == self.axis % rank else 1 for one in range(rank)])

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "epsilon": self.epsilon}
        shared = {"across_spatial": self.across_spatial, "channel_shared": self.channel_shared}
        return {**super().get_config(), **own, **shared}
