"""Threshold: 1 above a number, 0 elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.neuron import any_denormal, flushed, lost, one_to_one, single
from harness.layers.whole import Whole
from harness.layout import Held


@register("Threshold")
class Threshold(Whole):
    """top = 1 where bottom > threshold, else 0. Source: BVLC Caffe 1.0, threshold_layer.cpp."""

    exact = True
    keras_classes = ("Threshold",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return one_to_one(layer, bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        threshold = single(layer, "threshold", layer.parameters.threshold_param.threshold)
        return (KerasCall("Threshold", {"threshold": threshold}, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return ((bottoms[0] > _threshold(layer)).astype(bottoms[0].dtype),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """Nothing is rounded; but a denormal number may be taken for zero, and so fall on the other side."""
        x, threshold = bottoms[0], np.array(_threshold(layer), bottoms[0].dtype)
        if not any_denormal(x, threshold):
            return None
        missed = lost(tops[0], (flushed(x) > flushed(threshold)).astype(x.dtype))
        return (missed,) if missed.any() else None

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 1


def _threshold(layer: Layer) -> float:
    return float(layer.parameters.threshold_param.threshold)
