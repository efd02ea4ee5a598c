"""ReLU: max(x, 0), or a leaky slope below zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import Blobs, KerasCall, U
from harness.layers.neuron import Neuron, any_denormal, flushed, lost, single
from harness.layout import Held


@register("ReLU")
class ReLU(Neuron):
    """top = max(bottom, 0) + negative_slope · min(bottom, 0). Source: BVLC Caffe 1.0, relu_layer.cpp.

    Without a slope Caffe gives NaN for −∞, which it multiplies by zero.
    """

    keras_classes = ("ReLU", "Relu", "LeakyReLU", "LeakyRelu", "SlopedReLU", "Activation")
    fuses = ("relu", "leaky_relu")
    parameter_rounding = 2 * U

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        slope = single(layer, "negative_slope", _slope(layer))
        if not slope:
            return (KerasCall("ReLU", main=True),)
        if slope < 0:
            return (KerasCall("SlopedReLU", {"negative_slope": slope}, main=True, custom=True),)
        return (KerasCall("LeakyReLU", {"negative_slope": slope}, main=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = np.maximum(x, 0) + _slope(layer) * np.minimum(x, 0)
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> float:
        """max(x, 0) moves two numbers no farther apart, so the unit before it holds behind it too."""
        return max(1.0, abs(_slope(layer)))

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray | None:
        """|y| with a slope, for its one multiplication; choosing rounds nothing."""
        return np.abs(y) if _slope(layer) else None

    def own_terms(self, layer: Layer) -> int:
        return 1 if _slope(layer) else 0

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """|y| below zero, and all of it where the bottom is denormal."""
        if not _slope(layer):
            return None
        x, y = bottoms[0], tops[0]
        own = np.where(x < 0, np.abs(y), 0).astype(y.dtype)
        return (own + lost(y, self.function(layer, flushed(x))) if any_denormal(x) else own,)


def _slope(layer: Layer) -> float:
    return float(layer.parameters.relu_param.negative_slope)
