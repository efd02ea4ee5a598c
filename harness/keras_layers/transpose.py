"""Transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Transpose(keras.layers.Layer):
    """A tensor whose axis i is axis `axes`[i] of another, the batch among them."""

    def __init__(self, axes: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.axes = tuple(axes)

    def call(self, x: Any) -> Any:
        return ops.transpose(x, self.axes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes}
