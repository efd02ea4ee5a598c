"""TanH."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import KerasCall
from harness.layers.neuron import Neuron
from harness.layout import Held


@register("TanH")
class TanH(Neuron):
    """top = tanh(bottom). Source: BVLC Caffe 1.0, tanh_layer.cpp."""

    keras_classes = ("Activation", "Tanh")
    fuses = ("tanh",)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Activation", {"activation": "tanh"}, positional=1, main=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = np.tanh(x)
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        slope: np.ndarray = 1 - y * y
        return slope

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """3·|y|: a tanh in float32 is wrong by one to three units in the last place, on either side."""
        own: np.ndarray = 3 * np.abs(y)
        return own

    def own_terms(self, layer: Layer) -> int:
        return 4
