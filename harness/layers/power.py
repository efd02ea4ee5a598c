"""Power: (shift + scale · x) to a power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.data import Layer, Order, Shape
from harness.layers import register
from harness.layers.base import Blobs, KerasCall, U
from harness.layers.log import rounding_inside
from harness.layers.neuron import Neuron, any_denormal, flushed, lost, single, unless_infinite
from harness.layout import Held


class _Parameters(NamedTuple):
    power: float
    scale: float
    shift: float

    @property
    def constant(self) -> bool:
        """True if Caffe does not look at the bottom: power · scale, a float32, is zero."""
        return float(np.float32(self.power) * np.float32(self.scale)) == 0

    @property
    def linear(self) -> bool:
        return self.power == 1 and not self.constant


@register("Power")
class Power(Neuron):
    """top = (shift + scale · bottom)^power. Source: BVLC Caffe 1.0, power_layer.cpp.

    Where power · scale is zero the bottom is not looked at, be it infinite or no number: the top is shift^power, and 1 for
    a power of zero.
    """

    keras_classes = ("Power", "Rescaling", "Identity", "Square", "Sqrt", "Rsqrt", "Reciprocal", "Negative")
    parameter_rounding = 2 * U

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec = layer.parameters.power_param
        own = _parameters(layer)
        scale, shift = single(layer, "scale", spec.scale), single(layer, "shift", spec.shift)
        if own == (1, 1, 0):
            return (KerasCall("Identity", main=True),)
        offset: dict[str, Any]
        if own.linear:
            offset = {"offset": shift} if shift else {}
            return (KerasCall("Rescaling", {"scale": scale, **offset}, positional=1, main=True),)
        arguments: dict[str, Any] = {"power": single(layer, "power", spec.power)}
        arguments |= {} if scale == 1 else {"scale": scale}
        arguments |= {"shift": shift} if shift else {}
        return (KerasCall("Power", arguments, positional=1, main=True, custom=True),)

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        """One that leaves its bottom as it is needs no Keras layer."""
        return bottom.order if _parameters(layer) == (1, 1, 0) else None

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        own = _parameters(layer)
        if own.constant:
            return np.full_like(x, 1.0 if own.power == 0 else np.power(np.float64(own.shift), own.power))
        return self.after(layer, self.before(layer, x))

    def before(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        """What the power is taken of."""
        own = _parameters(layer)
        scaled = x if own.scale == 1 else own.scale * x
        return scaled if own.shift == 0 else scaled + own.shift

    def after(self, layer: Layer, inside: np.ndarray) -> np.ndarray:
        """The power."""
        power = _parameters(layer).power
        value: np.ndarray = inside if power == 1 else np.power(inside, power)
        return value

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 4

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """2·|y| for a power + |power| · |t|^(power−1) · δ, t = scale·x + shift.

        δ is what t is rounded by, |scale·x| for the product and |t| for the sum; t^(power−1) is taken where it is largest
        within that. An x that is denormal may be taken for zero.
        """
        own, x, y = _parameters(layer), bottoms[0], tops[0]
        if own == (1, 1, 0):
            return None
        if own.constant:
            return (2 * np.abs(y),)
        inside = self.before(layer, x)
        rounded = rounding_inside(own.scale, own.shift, x, inside)
        if own.linear:
            errors = rounded
        else:
            margin = 4 * U * rounded
            worst = np.abs(inside) + margin if own.power > 1 else np.maximum(np.abs(inside) - margin, 0)
            carried = np.where(rounded > 0, abs(own.power) * np.power(worst, own.power - 1) * rounded, 0)
            errors = unless_infinite(inside, (2 * np.abs(y) + carried).astype(y.dtype))
        if any_denormal(x, inside):
            errors = errors + lost(y, self.after(layer, flushed(self.before(layer, flushed(x)))))
        return (errors,)


def _parameters(layer: Layer) -> _Parameters:
    spec = layer.parameters.power_param
    return _Parameters(float(spec.power), float(spec.scale), float(spec.shift))
