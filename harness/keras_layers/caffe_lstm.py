"""CaffeLSTM."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class CaffeLSTM(keras.layers.Layer):
    """Caffe's LSTM: [x, cont] or [x, cont, x_static] → h; with `expose_hidden` […, h_0, c_0] → [h, h_T, c_T].

    x is steps × streams × …, cont steps × streams (0 where a sequence begins: what came before is multiplied by it),
    x_static streams × …, a state 1 × streams × units, h steps × streams × units. keras.layers.LSTM has the streams
    first, and no cont. The variables are those of keras.layers.LSTM, the gates in its order.
    Without `expose_hidden` the state before the first step is zero.
    """

    def __init__(self, units: int, expose_hidden: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.expose_hidden = expose_hidden

    def build(self, shapes: Any) -> None:
        x, _, *rest = shapes
        gates = 4 * self.units
        self.kernel = self.add_weight(shape=(math.prod(x[2:]), gates), name="kernel", initializer="glorot_uniform")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, gates), name="recurrent_kernel", initializer="orthogonal"
        )
        self.bias = self.add_weight(shape=(gates,), name="bias", initializer="zeros")
        self.static_kernel = None
        if len(rest) > 2 * self.expose_hidden:
            self.static_kernel = self.add_weight(
                shape=(math.prod(rest[0][1:]), gates), name="static_kernel", initializer="glorot_uniform"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        x, cont, *rest = inputs
        z = ops.matmul(ops.reshape(x, (*ops.shape(x)[:2], -1)), self.kernel) + self.bias
        if self.static_kernel is not None:
            static, *rest = rest
            z = z + ops.matmul(ops.reshape(static, (ops.shape(static)[0], -1)), self.static_kernel)
        zero = ops.zeros_like(z[0, :, : self.units])
        before = (rest[0][0], rest[1][0]) if self.expose_hidden else (zero, zero)

        def step(state: Any, given: Any) -> Any:
            h, c = state
            z_t, cont_t = given[:, :-1], given[:, -1:]
            z_t = z_t + ops.matmul(cont_t * h, self.recurrent_kernel)
            i, f, g, o = ops.split(z_t, 4, axis=-1)
            c = cont_t * ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(c)
            return (h, c), (h, c)  # two of each: TensorFlow wants the outputs built like the state

        (h_last, c_last), (h, _) = ops.scan(step, before, ops.concatenate([z, cont[..., None]], axis=-1))
        return [h, h_last[None], c_last[None]] if self.expose_hidden else h

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "expose_hidden": self.expose_hidden}
