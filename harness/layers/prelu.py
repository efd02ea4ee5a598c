"""PReLU: a learned slope below zero, for each channel or for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, Float32, KerasCall
from harness.layers.neuron import any_denormal, flushed, lost, one_to_one
from harness.layers.whole import Whole
from harness.layout import Held


@register("PReLU")
class PReLU(Whole):
    """top = max(bottom, 0) + slope[c] · min(bottom, 0), c the index on axis 1; one slope if `channel_shared`.

    Its blob has as many numbers as the bottom has channels, or is a single number without axes.
    Source: BVLC Caffe 1.0, prelu_layer.cpp.
    """

    keras_classes = ("PReLU", "LeakyReLU")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        shapes = one_to_one(layer, bottoms)
        if not 2 <= len(bottoms[0]) <= 4:
            raise UnsupportedError(
                f"PReLU reads a blob of {len(bottoms[0])} axes: Caffe takes two to four",
                layer=layer.name,
                line=layer.line,
            )
        return shapes

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((),) if _is_shared(layer) else ((bottoms[0][1],),)

    def fan_in(self, layer: Layer, kernel: Shape) -> float:
        """As if it summed a hundred: synthetic slopes then are of the size of trained ones, a few tenths."""
        return 100.0

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((0.1, 0.4),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        axes = _shared_axes(layer, bottoms[0])
        return (KerasCall("PReLU", {"shared_axes": axes} if axes else {}, main=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The slopes in the tensor's order, 1 on every shared axis; a LeakyReLU has its one slope in its configuration."""
        if keras_class == "LeakyReLU":
            return {}
        shared = _shared_axes(layer, bottoms[0])
        shape = [1 if axis in shared else size for axis, size in enumerate(bottoms[0].keras_shape)]
        return {"alpha": blobs[0].reshape(shape[1:])}

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (_apply(blobs[0], bottoms[0]),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|y| below zero, for the one multiplication, and all of it where the bottom is denormal."""
        x, y = bottoms[0], tops[0]
        own = np.where(x < 0, np.abs(y), 0).astype(y.dtype)
        return (own + lost(y, _apply(blobs[0], flushed(x))) if any_denormal(x) else own,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 1


def _is_shared(layer: Layer) -> bool:
    return bool(layer.parameters.prelu_param.channel_shared)


def _shared_axes(layer: Layer, bottom: Held) -> list[int]:
    """The axes of the Keras tensor along which the slope is the same."""
    own = () if _is_shared(layer) else (bottom.axis(1),)
    return [axis for axis in range(1, bottom.rank) if axis not in own]


def _apply(slopes: np.ndarray, x: np.ndarray) -> np.ndarray:
    slope = slopes.reshape(1, -1, *[1] * (x.ndim - 2)).astype(x.dtype)
    value: np.ndarray = np.maximum(x, 0) + slope * np.minimum(x, 0)
    return value
