"""RNN: Caffe's plain recurrent layer, with an output of its own behind the hidden state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.base import Blobs, Float32
from harness.layers.recurrent import Bottoms, Recurrent, Rounded, Rounding, flattened, units_of
from harness.layout import Held


@register("RNN")
class RNN(Recurrent):
    """h ← tanh(W_xh·x + b_h (+ W_xh_static·x_static) + W_hh·(cont·h)), o = tanh(W_ho·h + b_o).

    blobs: W_xh, b_h, W_xh_static if there is an x_static, W_hh, W_ho, b_o. tops: o, and with `expose_hidden` h_T.
    The rest is said at `Recurrent`.
    Source: BVLC Caffe 1.0, rnn_layer.cpp.
    """

    states = ("h",)
    keras_class = "CaffeRNN"
    keras_classes = ("CaffeRNN",)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        given, units = self.split(layer, bottoms), units_of(layer)
        static = [(units, int(np.prod(given.static[1:])))] if given.static else []
        return ((units, int(np.prod(given.x[2:]))), (units,), *static, (units, units), (units, units), (units,))

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """Inputs × outputs."""
        units = units_of(layer)
        w_xh, b_h, *w_static, w_hh, w_ho, b_o = blobs
        kernels = {"kernel": w_xh, "recurrent_kernel": w_hh, "output_kernel": w_ho}
        if w_static:
            kernels["static_kernel"] = w_static[0]
        turned = {name: blob.reshape(units, -1).T for name, blob in kernels.items()}
        return {**turned, "bias": b_h.reshape(-1), "output_bias": b_o.reshape(-1)}

    def run(self, layer: Layer, blobs: Blobs, bottoms: Bottoms, rounding: Rounding) -> list[Rounded]:
        w_xh, b_h, *w_static, w_hh, w_ho, b_o = (blob.astype(np.float64) for blob in blobs)
        z = rounding.dot(rounding.exact(flattened(bottoms.x, 2)), w_xh)
        z = rounding.add(z, rounding.exact(b_h.reshape(-1)))
        if w_static:
            z = rounding.add(z, rounding.dot(rounding.exact(flattened(bottoms.static, 1)), w_static[0]))
        steps, streams, units = z.value.shape
        h = rounding.exact(bottoms.states[0][0] if bottoms.states else np.zeros((streams, units)))
        hidden = []
        for step in range(steps):
            cont = rounding.exact(bottoms.cont[step][:, None])
            before = rounding.dot(rounding.multiply(cont, h), w_hh)
            h = rounding.tanh(rounding.add(Rounded(z.value[step], z.error[step]), before))
            hidden.append(h)
        stacked = Rounded(np.stack([one.value for one in hidden]), np.stack([one.error for one in hidden]))
        o = rounding.tanh(rounding.add(rounding.dot(stacked, w_ho), rounding.exact(b_o.reshape(-1))))
        return [o, Rounded(h.value[None], h.error[None])][: len(layer.tops)]
