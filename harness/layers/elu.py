"""ELU: x, or an exponential below zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import Blobs, KerasCall, U
from harness.layers.neuron import Neuron, single
from harness.layout import Held


@register("ELU")
class ELU(Neuron):
    """top = max(bottom, 0) + alpha · (exp(min(bottom, 0)) − 1). Source: BVLC Caffe 1.0, elu_layer.cpp."""

    keras_classes = ("ELU", "Elu", "Activation")
    fuses = ("elu",)
    parameter_rounding = 2 * U

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        alpha = single(layer, "alpha", _alpha(layer))
        return (KerasCall("ELU", {} if alpha == 1 else {"alpha": alpha}, main=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = np.maximum(x, 0) + _alpha(layer) * np.expm1(np.minimum(x, 0))
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """1, or alpha·exp(x) = y + alpha below zero."""
        alpha = _alpha(layer)
        slope: np.ndarray = np.where(y < 0, np.maximum(y + alpha, 0), max(1.0, alpha))
        return slope

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """Below zero, where y = alpha·(e − 1): |alpha|·e + 2·|y|, for Caffe rounds e = exp(x) before it takes 1 from it."""
        alpha = _alpha(layer)
        return np.where(y < 0, np.maximum(y + alpha, 0) + 2 * np.abs(y), 0).astype(y.dtype)

    def own_terms(self, layer: Layer) -> int:
        return 4

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """`own`, where the bottom and not the top says which side of zero it is; alpha may be negative."""
        x, y, alpha = bottoms[0], tops[0], _alpha(layer)
        return (np.where(x < 0, np.abs(y + alpha) + 2 * np.abs(y), 0).astype(y.dtype),)


def _alpha(layer: Layer) -> float:
    return float(layer.parameters.elu_param.alpha)
