"""DummyData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class DummyData(keras.layers.Layer):
    """A tensor for each of `shapes`, batch and all, filled with the number of `values` at its place.

    It is called on any tensor of the model, which it does not look at: a Keras graph begins at its inputs.
    """

    def __init__(self, shapes: Sequence[Sequence[int]], values: Sequence[float], **options: Any) -> None:
        super().__init__(**options)
        self.shapes = [tuple(shape) for shape in shapes]
        self.values = list(values)

    def call(self, x: Any) -> Any:
        filled = zip(self.shapes, self.values, strict=True)
        tops = [ops.full(shape, value, dtype=self.compute_dtype) for shape, value in filled]
        return tops if len(tops) > 1 else tops[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shapes": self.shapes, "values": self.values}
