"""LSTM: a cell with three gates, unrolled over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import KerasNode, Layer, Shape
from harness.layers import register
from harness.layers.base import Blobs, Float32
from harness.layers.recurrent import Bottoms, Recurrent, Rounded, Rounding, flattened, units_of
from harness.layout import Held


@register("LSTM")
class LSTM(Recurrent):
    """c ← cont·f·c + i·g, h ← o·tanh c, where σ⁻¹(i), σ⁻¹(f), σ⁻¹(o), tanh⁻¹(g) = W_xc·x + b_c + W_hc·(cont·h).

    An x_static adds W_xc_static·x_static to these, at every step.
    blobs: W_xc, b_c, W_xc_static if there is an x_static, W_hc; their rows are the gates i, f, o, g, num_output each.
    tops: h, and with `expose_hidden` h_T and c_T. The rest is said at `Recurrent`.
    Source: BVLC Caffe 1.0, lstm_layer.cpp and lstm_unit_layer.cpp.
    """

    states = ("h", "c")
    gates = 4
    keras_class = "CaffeLSTM"
    keras_classes = ("CaffeLSTM", "LSTM")
    shape_only = (1,)  # keras.layers.LSTM has no cont; without one it is right where no sequence begins on the way

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        given = self.split(layer, bottoms)
        rows = 4 * units_of(layer)
        static = [(rows, int(np.prod(given.static[1:])))] if given.static else []
        return ((rows, int(np.prod(given.x[2:]))), (rows,), *static, (rows, units_of(layer)))

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """As keras.layers.LSTM has them: inputs × gates, the gates in the order i, f, g, o."""
        kernel, bias, *static, recurrent = (_keras_gates(blob, units_of(layer)) for blob in blobs)
        more = {"static_kernel": static[0].T} if static else {}
        return {"kernel": kernel.T, "recurrent_kernel": recurrent.T, "bias": bias.reshape(-1), **more}

    def trails(self, layer: Layer, segment: Sequence[KerasNode], node: KerasNode) -> bool:
        """A keras.layers.LSTM has the streams first: what brings the steps to the front again belongs to it."""
        config = node.config
        if node.class_name == "Transpose":
            return tuple(config.get("axes") or ()) == (1, 0, 2)
        if node.class_name == "Swapaxes":
            return {config.get("axis1"), config.get("axis2")} == {0, 1}
        ends = (config.get("source"), config.get("destination"))
        return node.class_name == "Moveaxis" and ends in ((0, 1), (1, 0), ([0], [1]), ([1], [0]))

    def run(self, layer: Layer, blobs: Blobs, bottoms: Bottoms, rounding: Rounding) -> list[Rounded]:
        w_xc, b_c, *w_static, w_hc = (blob.astype(np.float64) for blob in blobs)
        z = rounding.dot(rounding.exact(flattened(bottoms.x, 2)), w_xc)
        z = rounding.add(z, rounding.exact(b_c.reshape(-1)))
        if w_static:
            z = rounding.add(z, rounding.dot(rounding.exact(flattened(bottoms.static, 1)), w_static[0]))
        steps, streams, _ = z.value.shape
        zero = np.zeros((streams, units_of(layer)))
        h, c = (rounding.exact(state[0]) for state in bottoms.states or (zero[None], zero[None]))
        outputs = []
        for step in range(steps):
            cont = rounding.exact(bottoms.cont[step][:, None])
            before = rounding.dot(rounding.multiply(cont, h), w_hc)
            z_i, z_f, z_o, z_g = _gates(rounding.add(Rounded(z.value[step], z.error[step]), before))
            i, f, o, g = rounding.sigmoid(z_i), rounding.sigmoid(z_f), rounding.sigmoid(z_o), rounding.tanh(z_g)
            kept = rounding.multiply(rounding.multiply(cont, f), c)
            c = rounding.add(kept, rounding.multiply(i, g))
            h = rounding.multiply(o, rounding.tanh(c))
            outputs.append(h)
        top = Rounded(np.stack([one.value for one in outputs]), np.stack([one.error for one in outputs]))
        last = [Rounded(one.value[None], one.error[None]) for one in (h, c)]
        return [top, *last][: len(layer.tops)]


def _gates(z: Rounded) -> list[Rounded]:
    parts = zip(*(np.split(one, 4, axis=-1) for one in z), strict=True)
    return [Rounded(value, error) for value, error in parts]


def _keras_gates(blob: Float32, units: int) -> Float32:
    """Rows of the gates i, f, o, g as Keras has them: i, f, g, o."""
    i, f, o, g = np.split(blob.reshape(4 * units, -1), 4)
    reordered: Float32 = np.concatenate([i, f, g, o])
    return reordered
