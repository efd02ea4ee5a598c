"""MVN: each image or each of its channels less its mean, over its standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.layers import register
from harness.layers.along import FLUSH
from harness.layers.arity import check_counts, check_rank
from harness.layers.base import Blobs, Float32, KerasCall, U, Unit
from harness.layers.decimals import as_written
from harness.layers.moments import moments, normalized_unit, terms_of
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order, last_order


@register("MVN")
class MVN(Whole):
    """top = (bottom − mean) / (√variance + eps), over H and W, with `across_channels` over C as well.

    Without `normalize_variance` the mean is all that is taken away. The top has four axes whatever the bottom has.
    Source: BVLC Caffe 1.0, mvn_layer.cpp.
    """

    keras_classes = ("MVN", "LayerNormalization", "GroupNormalization")
    parameter_rounding = U  # of eps, which is beside a deviation

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 1)
        check_rank(layer, bottoms[0], 2, 4, "N, C, H, W is what it takes")
        return (_whole(bottoms[0]),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        held = Held(_whole(bottom.shape), self.gives(layer, bottoms)[0])
        axes = sorted(held.axis(axis) for axis in _axes(layer))
        arguments: dict[str, Any] = {"axis": axes}
        if _spec(layer).normalize_variance:
            arguments["epsilon"] = as_written(_spec(layer).eps)
        else:
            arguments["normalize_variance"] = False
        main = KerasCall("MVN", arguments, main=True, custom=True)
        if bottom.rank == 4:
            return (main,)
        return (KerasCall("Reshape", {"target_shape": held.keras_shape[1:]}, 1), main)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        (bottom,) = bottoms
        if bottom.rank == 3 and bottom.order == caffe_order(3):
            return (caffe_order(4),)
        return (bottom.order if bottom.rank == 4 else last_order(4),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        x = bottoms[0].reshape(_whole(bottoms[0].shape))
        found = moments(x, _axes(layer))
        top = x - found.mean
        if _spec(layer).normalize_variance:
            top /= np.sqrt(found.variance) + _eps(layer)
        return (top,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """(|x| + mean |x|) / (√variance + eps): the mean is rounded, and so is the difference."""
        x = bottoms[0].reshape(_whole(bottoms[0].shape))
        found = moments(x, _axes(layer))
        sizes = np.abs(x)
        sizes += found.size + FLUSH
        if _spec(layer).normalize_variance:
            sizes /= np.sqrt(found.variance) + _eps(layer)
        return (sizes,)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """That of what is normalised, which counts what is rounded once for a whole channel."""
        with np.errstate(all="ignore"):
            (scale,) = self.scale(layer, blobs, bottoms, [top])
        return normalized_unit(scale, top, self.floor(layer, bottoms))

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 2 * terms_of(_whole(bottoms[0]), _axes(layer)) + 10


def _whole(shape: Shape) -> Shape:
    """N, C, H, W, with 1 for what is not there."""
    return (*shape, *(1,) * (4 - len(shape)))


def _axes(layer: Layer) -> tuple[int, ...]:
    return (1, 2, 3) if _spec(layer).across_channels else (2, 3)


def _eps(layer: Layer) -> float:
    return float(_spec(layer).eps)


def _spec(layer: Layer) -> Any:
    return layer.parameters.mvn_param
