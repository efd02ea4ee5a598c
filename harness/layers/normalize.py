"""Normalize: SSD's division by the Euclidean norm, with a learned scale."""

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
from harness.layers.moments import normalized_unit
from harness.layers.whole import Whole
from harness.layout import Held


@register("Normalize")
class Normalize(Whole):
    """top = bottom / √(Σ x² + eps) · scale, over the channels, with `across_spatial` over the whole image.

    The scale is one number with `channel_shared`, else one for each channel. Source: SSD's fork of Caffe (weiliu89/caffe),
    normalize_layer.cpp. BVLC Caffe does not have the type.
    """

    keras_classes = ("Normalize", "UnitNormalization")
    parameter_rounding = U  # of eps, which is beside the squares and under a root

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 1)
        check_rank(layer, bottoms[0], 2, 4, "N, C, H, W is what it takes")
        return (bottoms[0],)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return (() if _spec(layer).channel_shared else (bottoms[0][1],),)

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((10.0, 20.0),)  # as SSD learns it

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments: dict[str, Any] = axis_argument([bottoms[0].axis(1)], bottoms[0].rank)
        arguments |= {name: True for name in ("across_spatial", "channel_shared") if getattr(_spec(layer), name)}
        arguments["epsilon"] = as_written(_spec(layer).eps)
        return (KerasCall("Normalize", arguments, main=True, custom=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        if keras_class == "UnitNormalization":
            return {}
        return {"scale": blobs[0].reshape(() if _spec(layer).channel_shared else (-1,))}

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        top = x / _norm(layer, x)
        top *= _scale(layer, blobs, x)
        return (top,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|y|: the norm is a sum of squares, which keeps its relative error, and all that follows are products."""
        (x,) = bottoms
        sizes = np.abs(x)
        sizes += FLUSH
        sizes /= _norm(layer, x)
        sizes *= np.abs(_scale(layer, blobs, x)) + FLUSH
        return (sizes,)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """That of what is normalised: a norm is rounded once for all that is divided by it."""
        with np.errstate(all="ignore"):
            (scale,) = self.scale(layer, blobs, bottoms, [top])
        return normalized_unit(scale, top, self.floor(layer, bottoms))

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        shape = bottoms[0]
        return int(np.prod(shape[1:])) + 8 if _spec(layer).across_spatial else shape[1] + 8


def _norm(layer: Layer, x: np.ndarray) -> np.ndarray:
    axes = tuple(range(1, x.ndim)) if _spec(layer).across_spatial else (1,)
    squares = np.square(x).sum(axis=axes, keepdims=True)
    norm: np.ndarray = np.sqrt(squares + float(_spec(layer).eps))
    return norm


def _scale(layer: Layer, blobs: Blobs, x: np.ndarray) -> np.ndarray:
    return blobs[0].reshape(1, -1, *(1,) * (x.ndim - 2))


def _spec(layer: Layer) -> Any:
    return layer.parameters.norm_param
