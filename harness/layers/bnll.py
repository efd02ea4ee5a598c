"""BNLL: the logarithm of 1 + exp(x), which Keras calls softplus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import KerasCall
from harness.layers.neuron import Neuron
from harness.layout import Held

COARSE = 2.0**-28
"""Caffe adds 1 in float64, where exp(x) below is rounded to multiples of 2⁻⁵²; over float32's roundoff."""


@register("BNLL")
class BNLL(Neuron):
    """top = max(bottom, 0) + log(1 + exp(−|bottom|)). Source: BVLC Caffe 1.0, bnll_layer.cpp."""

    keras_classes = ("Activation", "Softplus")
    fuses = ("softplus",)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Activation", {"activation": "softplus"}, positional=1, main=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        slope: np.ndarray = -np.expm1(-y)
        return slope

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """3·y + 2⁻²⁸: an exponential and a logarithm, on either side, and what Caffe's 1 + exp(x) leaves of a small one."""
        own: np.ndarray = 3 * y
        own += COARSE
        return own

    def own_terms(self, layer: Layer) -> int:
        return 4
