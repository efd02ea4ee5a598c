"""Clip: what is below one number or above another is brought to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import KerasCall, U
from harness.layers.neuron import Neuron, single
from harness.layout import Held


@register("Clip")
class Clip(Neuron):
    """top = max(min, min(bottom, max)): min where it is above max, and for what is no number.

    Source: BVLC Caffe 1.0, clip_layer.cpp.
    """

    exact = True
    keras_classes = ("Clip", "ReLU", "Relu", "Relu6", "Activation")
    fuses = ("relu6",)
    parameter_rounding = 2 * U

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        """A side that is open is left out, so that its infinity need not be written."""
        low, high = _range(layer)
        if low == 0 < high < math.inf:
            return (KerasCall("ReLU", {"max_value": single(layer, "max", high)}, main=True),)
        sides = {"min_value": (low, -math.inf, "min"), "max_value": (high, math.inf, "max")}
        arguments = {key: single(layer, name, value) for key, (value, no, name) in sides.items() if value != no}
        return (KerasCall("Clip", arguments, main=True, custom=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        low, high = _range(layer)
        below = np.where(x > high, high, x)
        return np.where(below > low, below, low).astype(x.dtype)


def _range(layer: Layer) -> tuple[float, float]:
    spec = layer.parameters.clip_param
    return float(spec.min), float(spec.max)
