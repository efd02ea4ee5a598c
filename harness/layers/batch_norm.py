"""BatchNorm: less the mean, over the standard deviation, of each channel; learned, or those of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.along import FLUSH, axis_argument
from harness.layers.arity import check_counts, check_rank
from harness.layers.base import Blobs, Float32, KerasCall, U, Unit
from harness.layers.decimals import as_written
from harness.layers.moments import but_channels, moments, normalized_unit, terms_of
from harness.layers.scale import absorb_scale
from harness.layers.whole import Whole
from harness.layout import Held


@register("BatchNorm")
class BatchNorm(Whole):
    """top = (bottom − mean) / √(variance + eps), per channel.

    The first two blobs are sums of means and of variances, the third is their weight: Caffe multiplies by 1 / weight, by
    zero where the weight is zero, in float32. With `use_global_stats: false` mean and variance are those of the batch, at
    inference too. Source: BVLC Caffe 1.0, batch_norm_layer.cpp.
    """

    keras_classes = ("BatchNormalization", "BatchStatistics")
    parameter_rounding = U  # of eps, which is beside a variance and under a root

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 1)
        check_rank(layer, bottoms[0], 2, 32, "the channels are on axis 1")
        return (bottoms[0],)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        channels = (bottoms[0][1],)
        return (channels, channels, (1,))

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        """Mean and variance are divided by the third, which counts iterations: who forgets it is four times too large."""
        return ((-0.8, 0.8), (2.0, 8.0), (4.0, 4.0))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments: dict[str, Any] = axis_argument([bottoms[0].axis(1)], bottoms[0].rank)
        arguments |= {"epsilon": as_written(_eps(layer)), "center": False, "scale": False}
        if _is_global(layer):
            return (KerasCall("BatchNormalization", arguments, main=True),)
        return (KerasCall("BatchStatistics", arguments, main=True, custom=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        if keras_class == "BatchStatistics":
            return {}
        mean, variance = statistics(blobs)
        return {"moving_mean": mean, "moving_variance": variance}

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_scale(follower, call)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        mean, _, variance = _moments(layer, blobs, x)
        top = x - mean
        top /= np.sqrt(variance + _eps(layer))
        return (top,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """(|x| + |mean|) / √(variance + eps), since Keras computes x/√ − mean/√ where Caffe computes (x − mean)/√.

        For a batch's own mean it is the mean of |x| that an error is relative to.
        """
        (x,) = bottoms
        _, size, variance = _moments(layer, blobs, x)
        sizes = np.abs(x)
        sizes += size + FLUSH
        sizes /= np.sqrt(variance + _eps(layer))
        return (sizes,)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """That of what is normalised, which counts what is rounded once for a whole channel."""
        with np.errstate(all="ignore"):
            (scale,) = self.scale(layer, blobs, bottoms, [top])
        return normalized_unit(scale, top, self.floor(layer, bottoms))

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        """Of the variance and its root, of the products and sums; and of the sums over a batch."""
        own = 10  # TensorFlow's 1/√ may err by two units in the last place
        return own if _is_global(layer) else own + 2 * terms_of(bottoms[0], (0, *range(2, len(bottoms[0]))))


def statistics(blobs: Blobs) -> tuple[Float32, Float32]:
    """Mean and variance of each channel as Caffe works them out: the sums times 1 / weight, rounded to float32."""
    weight = np.float32(blobs[2].reshape(-1)[0])
    share = np.float32(1) / weight if weight else np.float32(0)
    return blobs[0].reshape(-1) * share, blobs[1].reshape(-1) * share


def _moments(layer: Layer, blobs: Blobs, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, what its error is relative to, and variance, to be broadcast over x."""
    if _is_global(layer):
        mean, variance = (one.reshape(1, -1, *(1,) * (x.ndim - 2)) for one in statistics(blobs))
        return mean, np.abs(mean), variance.astype(x.dtype)
    found = moments(x, but_channels(x))
    return found.mean, found.size, found.variance


def _is_global(layer: Layer) -> bool:
    """True unless the net says otherwise: that is what Caffe does at inference."""
    spec = layer.parameters.batch_norm_param
    return bool(spec.use_global_stats) or not spec.HasField("use_global_stats")


def _eps(layer: Layer) -> float:
    return float(layer.parameters.batch_norm_param.eps)
