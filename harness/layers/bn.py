"""BN: SegNet's normalisation by the batch, with a learned scale and shift in the same layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.along import FLUSH, Along, axis_argument
from harness.layers.arity import check_counts, check_rank
from harness.layers.base import Blobs, Float32, KerasCall, U, Unit
from harness.layers.moments import but_channels, moments, normalized_unit, terms_of
from harness.layers.scale import NORMALIZATIONS
from harness.layers.whole import Whole
from harness.layout import Held

EPSILON = float(np.float32(1e-9))


@register("BN")
class BN(Whole):
    """LEARN: top = (bottom − mean) / √(variance + 1e-9) · scale + shift, of the batch. INFERENCE: bottom · scale + shift.

    Source: SegNet's fork of Caffe (alexgkendall/caffe-segnet), bn_layer.cpp; it works the variance out as the mean of x²
    less the mean squared. BVLC Caffe does not have the type.
    """

    keras_classes = ("BN", "Scale", "BatchStatistics", "BatchNormalization")
    parameter_rounding = U  # of 1e-9, which is beside a variance and under a root

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 1)  # tops for mean and variance are what training looks at
        check_rank(layer, bottoms[0], 4, 4, "N, C, H, W is what it takes")
        return (bottoms[0],)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((1, bottoms[0][1], 1, 1),) * 2

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((0.7, 1.3), (-0.05, 0.05))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments: dict[str, Any] = axis_argument([bottoms[0].axis(1)], bottoms[0].rank)
        if _learns(layer):
            return (KerasCall("BatchStatistics", arguments | {"epsilon": 1e-9}, main=True, custom=True),)
        return (KerasCall("Scale", arguments | {"use_bias": True}, main=True, custom=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """As our Scale holds them, or as a normalisation of Keras does."""
        scale, shift = (blob.reshape(-1) for blob in blobs)
        if keras_class in NORMALIZATIONS:
            held = {"gamma": scale, "beta": shift}
            if (
                keras_class == "BatchNormalization"
            ):  # its statistics are to do nothing, which they do if its epsilon is 0
                held |= {"moving_mean": np.zeros_like(scale), "moving_variance": np.ones_like(scale)}
            return held
        along = Along(bottoms[0].rank, 1, scale.shape)
        return {"scale": along.variable(scale, bottoms[0]), "bias": along.variable(shift, bottoms[0])}

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        scale, shift = (blob.reshape(1, -1, 1, 1) for blob in blobs)
        if not _learns(layer):
            return (x * scale + shift,)
        found = moments(x, but_channels(x))
        return ((x - found.mean) / np.sqrt(found.variance + EPSILON) * scale + shift,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """INFERENCE: |x·scale| + |shift|.

        LEARN: ((|x| + mean|x|) / √(variance + 1e-9) + |y|·mean x² / (variance + 1e-9)) · |scale| + |shift|, y the normalised
        x: what is left of the mean of x² less the mean squared has the rounding errors of both.
        """
        (x,) = bottoms
        scale, shift = (np.abs(blob.reshape(1, -1, 1, 1)) for blob in blobs)
        sizes = np.abs(x)
        sizes += FLUSH
        if not _learns(layer):
            return (sizes * (scale + FLUSH) + shift,)
        found = moments(x, but_channels(x))
        variance = found.variance + EPSILON
        sizes += found.size
        sizes += np.abs(x - found.mean) * (found.square / variance)
        sizes *= scale / np.sqrt(variance)
        sizes += shift
        return (sizes,)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """INFERENCE: u · scale. LEARN: that of what is normalised."""
        if not _learns(layer):
            return super().unit(layer, blobs, bottoms, top, position)
        with np.errstate(all="ignore"):
            (scale,) = self.scale(layer, blobs, bottoms, [top])
        return normalized_unit(scale, top - blobs[1].reshape(1, -1, 1, 1), self.floor(layer, bottoms))

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 2 * terms_of(bottoms[0], (0, *range(2, len(bottoms[0])))) + 10 if _learns(layer) else 2


def _learns(layer: Layer) -> bool:
    """True where mean and variance are the batch's, as they are unless the net says INFERENCE."""
    spec = layer.parameters.bn_param
    return bool(spec.bn_mode == spec.LEARN)
