"""ReshapeBatch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class ReshapeBatch(keras.layers.Layer):
    """A tensor in another shape, its batch reshaped with the rest; −1 once, for what is left."""

    def __init__(self, target_shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.target_shape = tuple(target_shape)

    def call(self, x: Any) -> Any:
        return ops.reshape(x, self.target_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
