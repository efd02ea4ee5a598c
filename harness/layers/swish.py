"""Swish: x · sigmoid(beta · x)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.neuron import Neuron, single
from harness.layout import Held

STEEPEST = 1.1
"""The largest slope, 1.0998, wherever beta puts it."""

DEEPEST = 0.279
"""How far below zero beta · top goes; and how far beta · bottom is above beta · top, where it is above zero."""

SILENT = 18.1
"""Caffe's sigmoid, ½·tanh(½·z) + ½, is zero for z below −18.02."""


@register("Swish")
class Swish(Neuron):
    """top = bottom · σ(beta · bottom). Source: BVLC Caffe 1.0, swish_layer.cpp; σ is its Sigmoid layer's."""

    keras_classes = ("Activation", "Swish", "Silu")
    fuses = ("silu", "swish")

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        beta = single(layer, "beta", _beta(layer))
        if beta == 1:
            return (KerasCall("Activation", {"activation": "swish"}, positional=1, main=True),)
        return (KerasCall("Swish", {"beta": beta}, positional=1, main=True, custom=True),)

    def function(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        value: np.ndarray = x * (0.5 * np.tanh(0.5 * (_beta(layer) * x)) + 0.5)
        return value

    def slope(self, layer: Layer, y: np.ndarray) -> float:
        return STEEPEST

    def carried(self, layer: Layer, before: np.ndarray, value: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """By the largest slope, since the function falls and rises again."""
        return STEEPEST * reach

    def own(self, layer: Layer, y: np.ndarray) -> np.ndarray:
        """2·|x|, the largest that it can be where the top is y.

        For beta·y = z·σ(z) ≥ 0, z is at most 0.279 above it. Below zero there are two z, the farther of them no farther than
        −2·log|beta·y|, and behind −18 Caffe has zero.
        """
        beta = _beta(layer) or 1.0
        scaled = beta * y
        far = np.clip(-2 * np.log(np.abs(scaled)), 0, SILENT)
        return (2 / abs(beta) * np.where(scaled > 0, scaled + DEEPEST, far)).astype(y.dtype)

    def own_terms(self, layer: Layer) -> int:
        return 6

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """2·|x| and not 2·|y|: Caffe adds ½ to what may be as large as ½. No more than where its sigmoid becomes zero."""
        x, beta = bottoms[0], _beta(layer)
        size: np.ndarray = 2 * np.abs(x)
        return (np.where(beta * x < -SILENT, 2 * SILENT / abs(beta), size).astype(x.dtype) if beta else size,)


def _beta(layer: Layer) -> float:
    return float(layer.parameters.swish_param.beta)
