"""SPP: a pyramid of pools over ever finer grids of the whole image, end to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.pools import MAX, check_pool, maxima, means, pooled_size, pooling_mode
from harness.layers.whole import Whole
from harness.layers.window import Window, check_counts, check_picture
from harness.layout import Held, last_order


@register("SPP")
class SPP(Whole):
    """Level l pools over 2^l × 2^l windows, which lie side by side; each level is flattened C, H, W, and all are joined.

    Along an axis the window is ceil(size / 2^l) large, its stride is the same, and its pad half of what the windows are
    larger than the image, rounded up. The top is N × C · (4^height − 1) / 3; a pyramid of one level keeps its N, C, 1, 1.
    Source: BVLC Caffe 1.0, spp_layer.cpp `GetPoolingParam`.
    """

    keras_classes = ("SpatialPyramidPooling", "Concatenate", "GlobalMaxPooling2D", "GlobalAveragePooling2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        pooling_mode(layer, _spec(layer))
        check_counts(layer, bottoms)
        check_picture(layer, bottoms[0])
        number, channels = bottoms[0][:2]
        if _height(layer) < 1:
            raise UnsupportedError(
                "no pyramid_height", layer=layer.name, line=layer.line, fix="give pyramid_height: 1 or more"
            )
        for window in _levels(layer, bottoms[0]):
            check_pool(layer, window, bottoms[0])
        if _height(layer) == 1:
            return ((number, channels, 1, 1),)
        return ((number, channels * sum(4**level for level in range(_height(layer)))),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        mode = "max" if pooling_mode(layer, _spec(layer)) == MAX else "average"
        if _height(layer) == 1:
            return (KerasCall(f"Global{mode.title()}Pooling2D", {"keepdims": True}, main=True),)
        arguments: dict[str, Any] = {"height": _height(layer)}
        if mode == "average":
            arguments["pool"] = mode
        return (KerasCall("SpatialPyramidPooling", arguments, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        if pooling_mode(layer, _spec(layer)) == MAX:
            return (self._joined(layer, bottoms[0], maxima),)
        return (self._joined(layer, bottoms[0], means),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """Nothing for MAX. For AVE Σ|x| / divisor: the levels' windows are large, so no root of it is taken."""
        if pooling_mode(layer, _spec(layer)) == MAX:
            return None
        return (self._joined(layer, np.abs(bottoms[0]), means),)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return int(np.prod(_levels(layer, bottoms[0])[0].kernel)) + 1

    def _joined(self, layer: Layer, bottom: np.ndarray, pool: Any) -> np.ndarray:
        pooled = [pool(bottom, window, pooled_size(window, bottom.shape)) for window in _levels(layer, bottom.shape)]
        if len(pooled) == 1:
            return np.asarray(pooled[0])
        return np.concatenate([level.reshape(len(bottom), -1) for level in pooled], axis=1)


def _levels(layer: Layer, bottom: Shape) -> list[Window]:
    """Caffe's pooling parameters for each level."""
    windows = []
    for level in range(_height(layer)):
        bins = 2**level
        kernel = tuple(-(-size // bins) for size in bottom[2:])
        pad = tuple((window * bins - size + 1) // 2 for window, size in zip(kernel, bottom[2:], strict=True))
        windows.append(Window(kernel, stride=kernel, pad=pad))
    return windows


def _height(layer: Layer) -> int:
    return int(_spec(layer).pyramid_height)


def _spec(layer: Layer) -> Any:
    return layer.parameters.spp_param
