"""Bias."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._along import Axis, is_pair, laid_along, variable_shape


@keras.saving.register_keras_serializable(package="caffe")
class Bias(keras.layers.Layer):
    """x + bias, a variable that lies along `axis` of x; one number if `axis` is empty.

    Of two tensors the second is the bias, and its axes are `axis` of the first, in that order. `batch_size` is given where a
    variable has a number for each image of a batch.
    """

    def __init__(self, axis: Axis = -1, batch_size: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.batch_size = batch_size
        self.bias = None

    def build(self, input_shape: Any) -> None:
        if not is_pair(input_shape):
            shape = variable_shape(self.axis, input_shape, self.batch_size)
            self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        if self.bias is not None:
            return inputs + self.bias
        x, bias = inputs
        return x + laid_along(bias, self.axis, len(x.shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "batch_size": self.batch_size}
