"""Exp: a base to the power of scale · x + shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import TINY, Blobs, KerasCall, U
from harness.layers.neuron import Neuron, single, unless_infinite
from harness.layout import Held

NATURAL = -1.0
"""What stands for e as a base."""


@register("Exp")
class Exp(Neuron):
    """top = outer · exp(inner · bottom), inner = log(base) · scale and outer = base^shift, both float32.

    Source: BVLC Caffe 1.0, exp_layer.cpp. A base of −1 is e.
    """

    keras_classes = ("Activation", "Exp")
    fuses = ("exponential",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_base(layer, float(layer.parameters.exp_param.base))
        return super().output_shapes(layer, bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments = affine_arguments(layer, layer.parameters.exp_param)
        if not arguments:
            return (KerasCall("Activation", {"activation": "exponential"}, positional=1, main=True),)
        return (KerasCall("Exp", arguments, main=True, custom=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        inner, outer = _constants(layer)
        value: np.ndarray = np.exp(x if inner == 1 else inner * x)
        return value if outer == 1 else outer * value

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        slope: np.ndarray = abs(_constants(layer)[0]) * np.abs(y)
        return slope

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """y · (2 + |inner·x|): an exponential and a product; exp turns what inner·x is rounded by into a relative error.

        Here from y alone; a Keras layer that takes the function in has no parameters, so inner·x is exact.
        """
        own: np.ndarray = 2 * np.abs(y)
        return own

    def own_terms(self, layer: Layer) -> int:
        return 6

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """`own` with |inner·x|. Where the exponential is denormal or infinite, outer may bring back what float32 has lost."""
        (x, y), (inner, outer) = (bottoms[0], tops[0]), _constants(layer)
        own = self.own(layer, y)
        if inner != 1:
            own += np.abs(y) * np.abs(inner * x)
        if outer != 1:
            exponential = y / outer
            own += np.where(np.abs(exponential) < TINY, abs(outer) * TINY / U, 0).astype(y.dtype)
            own = unless_infinite(exponential, own)
        return (own,)


def check_base(layer: Layer, base: float) -> None:
    """Refuse a base as Caffe does. Raises UnsupportedError."""
    if base != NATURAL and not 0 < base < np.inf:
        raise UnsupportedError(
            f"base: {base:.6g}, which Caffe refuses",
            layer=layer.name,
            line=layer.line,
            fix="give a base above 0, or −1 for e",
        )


def affine_arguments(layer: Layer, spec: Any) -> dict[str, Any]:
    """What of base, scale and shift is not Caffe's default, as arguments of our Keras layers."""
    given = {"base": (spec.base, NATURAL), "scale": (spec.scale, 1.0), "shift": (spec.shift, 0.0)}
    return {name: single(layer, name, value) for name, (value, default) in given.items() if value != default}


def _constants(layer: Layer) -> tuple[float, float]:
    """inner and outer as Caffe keeps them, float32."""
    spec = layer.parameters.exp_param
    base, shift = float(spec.base), float(spec.shift)
    natural = base == NATURAL
    with np.errstate(all="ignore"):
        log = np.float32(1.0 if natural else np.log(base))
        inner = np.float32(log * np.float32(spec.scale))
        outer = np.float32(1.0 if shift == 0 else np.exp(shift) if natural else np.power(base, shift))
    return float(inner), float(outer)
