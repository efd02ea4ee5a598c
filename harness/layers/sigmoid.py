"""Sigmoid: 1 / (1 + exp(−x))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import KerasCall
from harness.layers.neuron import Neuron
from harness.layout import Held


@register("Sigmoid")
class Sigmoid(Neuron):
    """top = 1 / (1 + exp(−bottom)). Source: BVLC Caffe 1.0, sigmoid_layer.cpp, which computes ½·tanh(½·x) + ½."""

    keras_classes = ("Activation", "Sigmoid")
    fuses = ("sigmoid",)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Activation", {"activation": "sigmoid"}, positional=1, main=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = 0.5 * np.tanh(0.5 * x) + 0.5
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        slope: np.ndarray = y * (1 - y)
        return slope

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """2, relative to 1 and not to y: what Caffe adds ½ to may be as large as ½, and Keras' errs by two units as well."""
        return np.full_like(y, 2)

    def own_terms(self, layer: Layer) -> int:
        return 4  # a few units in the last place of tanh, on either side
