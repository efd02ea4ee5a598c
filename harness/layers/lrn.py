"""LRN: each number over a power of the squares around it, in other channels or in its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.along import FLUSH, axis_argument
from harness.layers.arity import check_counts, check_rank
from harness.layers.base import Blobs, Float32, KerasCall, U, Unit, rows_of
from harness.layers.decimals import as_written
from harness.layers.whole import Whole
from harness.layout import Held


@register("LRN")
class LRN(Whole):
    """top = bottom · (k + alpha / n · Σ x²)^−beta; the sum runs over `local_size` = n channels around the own one.

    With WITHIN_CHANNEL it runs over n × n positions of the own channel, zeros around the image; it is divided by n², at the
    border too, since Caffe averages with a padded pool, and k is 1 whatever the net says.
    Source: BVLC Caffe 1.0, lrn_layer.cpp.
    """

    keras_classes = ("LRN", "LocalResponseNormalization")
    parameter_rounding = 8 * U  # of alpha, k and beta, the last in an exponent

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 1)
        check_rank(layer, bottoms[0], 4, 4, "N, C, H, W is what it takes")
        size = int(_spec(layer).local_size)
        if size % 2 == 0:
            raise UnsupportedError(
                f"local_size is {size}: it has no middle, and Caffe refuses it too",
                layer=layer.name,
                line=layer.line,
                fix="give an odd local_size",
            )
        return (bottoms[0],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec = _spec(layer)
        alpha, beta, k = (as_written(value) for value in (spec.alpha, spec.beta, spec.k))
        arguments: dict[str, Any] = {"size": int(spec.local_size), "alpha": alpha, "beta": beta}
        if _is_within(layer):
            arguments["within_channel"] = True
        elif k != 1:
            arguments["k"] = k
        arguments |= axis_argument([bottoms[0].axis(1)], bottoms[0].rank)
        return (KerasCall("LRN", arguments, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        return (x * base_of(layer, x) ** -float(_spec(layer).beta),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|y| · (1 + beta · m / s): s is what is raised to the power, m the largest s of this channel and those before.

        Caffe carries s from channel to channel, adds one square and takes one away, so that it keeps the rounding errors of
        the channels before. Within a channel m is s.
        """
        (x,) = bottoms
        return (_sizes(layer, x, 1.0),)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · |y| · (2 + beta · √(n + c) · m / s) in channel c: what is carried along adds up as a random walk does."""
        (x,) = bottoms
        steps = int(_spec(layer).local_size) + (0 if _is_within(layer) else np.arange(x.shape[1]))
        walk = np.sqrt(np.float32(steps)).reshape(-1, 1, 1)
        with np.errstate(all="ignore"):
            dense = rows_of(_sizes(layer, x, walk)).astype(np.float32)
        return Unit(dense=np.float32(U) * dense, floor=self.floor(layer, bottoms))

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        size = int(_spec(layer).local_size)
        return (size * size if _is_within(layer) else size + 2 * bottoms[0][1]) + 12


def base_of(layer: Layer, x: np.ndarray) -> np.ndarray:
    """What is raised to the power −beta, of an N, C, H, W bottom."""
    spec = _spec(layer)
    size, alpha = int(spec.local_size), float(spec.alpha)
    base: np.ndarray
    if _is_within(layer):
        base = alpha / size**2 * _around(_around(np.square(x), 2, size), 3, size)
        base += 1
    else:
        base = alpha / size * _around(np.square(x), 1, size)
        base += float(spec.k)
    return base


def _around(x: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Σ of `size` neighbours along an axis, nothing beyond the ends."""
    total: np.ndarray = x.copy()
    for distance in range(1, min(size // 2 + 1, x.shape[axis])):
        low = (slice(None),) * axis + (slice(None, -distance),)
        high = (slice(None),) * axis + (slice(distance, None),)
        total[high] += x[low]
        total[low] += x[high]
    return total


def _sizes(layer: Layer, x: np.ndarray, walk: np.ndarray | float) -> np.ndarray:
    """|y| · (2 + beta · walk · m / s)."""
    beta, base = float(_spec(layer).beta), base_of(layer, x)
    largest = base if _is_within(layer) else np.maximum.accumulate(np.abs(base), axis=1)
    sizes: np.ndarray = largest / base
    sizes *= abs(beta) * walk
    sizes += 2
    sizes *= np.abs(x) + FLUSH
    sizes *= base**-beta
    return sizes


def _is_within(layer: Layer) -> bool:
    spec = _spec(layer)
    return bool(spec.norm_region == spec.WITHIN_CHANNEL)


def _spec(layer: Layer) -> Any:
    return layer.parameters.lrn_param
