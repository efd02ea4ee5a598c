"""Log: the logarithm of scale · x + shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall, U
from harness.layers.exp import NATURAL, affine_arguments, check_base
from harness.layers.neuron import Neuron, any_denormal, flushed, lost, unless_infinite
from harness.layout import Held


@register("Log")
class Log(Neuron):
    """top = factor · log(scale · bottom + shift), factor = 1 / log(base) in float32.

    Source: BVLC Caffe 1.0, log_layer.cpp. A base of −1 is e.
    """

    keras_classes = ("Log",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        base = float(layer.parameters.log_param.base)
        check_base(layer, base)
        if base == 1:
            raise UnsupportedError(
                "base: 1 has no logarithms, and Caffe refuses it",
                layer=layer.name,
                line=layer.line,
                fix="give another base, or −1 for e",
            )
        return super().output_shapes(layer, bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Log", affine_arguments(layer, layer.parameters.log_param), main=True, custom=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        return self.after(layer, self.before(layer, x))

    def before(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        """What the logarithm is taken of."""
        spec = layer.parameters.log_param
        scaled = x if spec.scale == 1 else float(spec.scale) * x
        return scaled if spec.shift == 0 else scaled + float(spec.shift)

    def after(self, layer: Layer, inside: np.ndarray) -> np.ndarray:
        """The logarithm, in the base."""
        factor = _factor(layer)
        value: np.ndarray = np.log(inside)
        return value if factor == 1 else factor * value

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 6

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """2·|y| + |factor| · δ / |t|, t = scale·x + shift.

        δ is what t is rounded by, |scale·x| for the product and |t| for the sum. An x that is denormal may be taken for
        zero.
        """
        spec, x, y = layer.parameters.log_param, bottoms[0], tops[0]
        inside = self.before(layer, x)
        own: np.ndarray = 2 * np.abs(y)
        if spec.scale != 1 or spec.shift != 0:
            rounded = rounding_inside(float(spec.scale), float(spec.shift), x, inside)
            own += abs(_factor(layer)) * rounded / np.maximum(np.abs(inside) - 4 * U * rounded, 0)
            own = unless_infinite(inside, own)
        if any_denormal(x, inside):
            own = own + lost(y, self.after(layer, flushed(self.before(layer, flushed(x)))))
        return (own,)


def rounding_inside(scale: float, shift: float, x: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What the rounding of scale · x + shift is relative to."""
    product = np.abs(scale * x) if scale != 1 else np.zeros_like(x)
    return product + np.abs(inside) if shift != 0 else product


def _factor(layer: Layer) -> float:
    """1 / log(base) as Caffe keeps it, float32."""
    base = float(layer.parameters.log_param.base)
    return 1.0 if base == NATURAL else float(np.float32(1) / np.float32(np.log(base)))
