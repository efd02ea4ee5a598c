"""Slice: a blob cut into several along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Slice")
class Slice(Whole):
    """top k = bottom[…, point k−1 : point k, …] along `axis`; without points, in equal parts.

    Source: BVLC Caffe 1.0, slice_layer.cpp.
    """

    exact = True
    keras_classes = ("Slice", "Split")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        axis = _axis(layer, len(bottoms[0]))
        points = _points(layer, bottoms[0])
        return tuple((*bottoms[0][:axis], stop - start, *bottoms[0][axis + 1 :]) for start, stop in pairwise(points))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        axis = bottoms[0].axis(_axis(layer, bottoms[0].rank))
        points = list(_points(layer, bottoms[0].shape)[1:-1])
        return (KerasCall("Slice", {"points": points, "axis": axis}, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        axis = _axis(layer, bottoms[0].ndim)
        return np.split(bottoms[0], _points(layer, bottoms[0].shape)[1:-1], axis=axis)


def _axis(layer: Layer, rank: int) -> int:
    spec = layer.parameters.slice_param
    return int(spec.slice_dim) if spec.HasField("slice_dim") else int(spec.axis) % rank


def _points(layer: Layer, bottom: Shape) -> tuple[int, ...]:
    """Where the pieces begin, and the end of the last."""
    size = bottom[_axis(layer, len(bottom))]
    points = [int(point) for point in layer.parameters.slice_param.slice_point]
    count = len(layer.tops)
    problem = None
    if points and len(points) != count - 1:
        problem = f"{len(points)} slice_point for {count} tops"
    elif not points and size % count:
        problem = f"{size} cannot be cut into {count} equal parts"
    elif points and not all(low < high for low, high in pairwise((0, *points, size))):
        problem = f"slice_point {points} do not rise from 0 to {size}"
    if problem:
        raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix="give one slice_point less than tops")
    return (0, *(points or [size // count * part for part in range(1, count)]), size)
