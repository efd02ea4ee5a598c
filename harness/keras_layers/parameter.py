"""Parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Parameter(keras.layers.Layer):
    """A learned tensor of a shape, batch and all.

    It is called on any tensor of the model, which it does not look at: a Keras graph begins at its inputs.
    """

    def __init__(self, shape: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.shape = tuple(shape)

    def build(self, input_shape: Any) -> None:
        self.blob = self.add_weight(name="blob", shape=self.shape, initializer="zeros")

    def call(self, x: Any) -> Any:
        return ops.cast(self.blob, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shape": self.shape}
