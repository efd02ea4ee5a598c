"""CaffeRNN."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class CaffeRNN(keras.layers.Layer):
    """Caffe's RNN: [x, cont] or [x, cont, x_static] → o; with `expose_hidden` […, h_0] → [o, h_T].

    x is steps × streams × …, cont steps × streams (0 where a sequence begins: what came before is multiplied by it),
    x_static streams × …, a state 1 × streams × units, o steps × streams × units. keras.layers.SimpleRNN has the streams
    first, no cont, and gives the hidden state where this one gives an output of it.
    Without `expose_hidden` the state before the first step is zero.
    """

    def __init__(self, units: int, expose_hidden: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.expose_hidden = expose_hidden

    def build(self, shapes: Any) -> None:
        x, _, *rest = shapes
        units = self.units
        self.kernel = self.add_weight(shape=(math.prod(x[2:]), units), name="kernel", initializer="glorot_uniform")
        self.recurrent_kernel = self.add_weight(shape=(units, units), name="recurrent_kernel", initializer="orthogonal")
        self.bias = self.add_weight(shape=(units,), name="bias", initializer="zeros")
        self.output_kernel = self.add_weight(shape=(units, units), name="output_kernel", initializer="glorot_uniform")
        self.output_bias = self.add_weight(shape=(units,), name="output_bias", initializer="zeros")
        self.static_kernel = None
        if len(rest) > self.expose_hidden:
            self.static_kernel = self.add_weight(
                shape=(math.prod(rest[0][1:]), units), name="static_kernel", initializer="glorot_uniform"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        x, cont, *rest = inputs
        z = ops.matmul(ops.reshape(x, (*ops.shape(x)[:2], -1)), self.kernel) + self.bias
        if self.static_kernel is not None:
            static, *rest = rest
            z = z + ops.matmul(ops.reshape(static, (ops.shape(static)[0], -1)), self.static_kernel)
        before = rest[0][0] if self.expose_hidden else ops.zeros_like(z[0])

        def step(h: Any, given: Any) -> Any:
            z_t, cont_t = given[:, :-1], given[:, -1:]
            h = ops.tanh(z_t + ops.matmul(cont_t * h, self.recurrent_kernel))
            return h, h

        h_last, h = ops.scan(step, before, ops.concatenate([z, cont[..., None]], axis=-1))
        o = ops.tanh(ops.matmul(h, self.output_kernel) + self.output_bias)
        return [o, h_last[None]] if self.expose_hidden else o

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "expose_hidden": self.expose_hidden}
