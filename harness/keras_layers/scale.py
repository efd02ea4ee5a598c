"""Scale."""

from __future__ import annotations

from typing import Any

import keras

from harness.keras_layers._along import Axis, is_pair, laid_along, variable_shape


@keras.saving.register_keras_serializable(package="caffe")
class Scale(keras.layers.Layer):
    """x · scale + bias, the two variables lying along `axis` of x; one number each if `axis` is empty.

    Of two tensors the second is the scale, and its axes are `axis` of the first, in that order. `batch_size` is given where a
    variable has a number for each image of a batch.
    """

    def __init__(self, axis: Axis = -1, use_bias: bool = False, batch_size: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.use_bias, self.batch_size = use_bias, batch_size
        self.scale = self.bias = None

    def build(self, input_shape: Any) -> None:
        pair = is_pair(input_shape)
        shape = variable_shape(self.axis, input_shape[0] if pair else input_shape, self.batch_size)
        if not pair:
            self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=shape, initializer="zeros")

    def call(self, inputs: Any) -> Any:
        if self.scale is None:
            x, scale = inputs
            product = x * laid_along(scale, self.axis, len(x.shape))
        else:
            product = inputs * self.scale
        return product if self.bias is None else product + self.bias

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "use_bias": self.use_bias, "batch_size": self.batch_size}
        return {**super().get_config(), **own}
