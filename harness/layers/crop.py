"""Crop: a piece of a blob, as large as another blob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import canonical_axis, check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held, last_order


@register("Crop")
class Crop(Whole):
    """From `axis` on, each axis of the first bottom from its offset on, in the second bottom's size.

    One `offset` serves all of these axes; without any it is 0. Source: BVLC Caffe 1.0, crop_layer.cpp.
    """

    exact = True
    keras_classes = ("Cropping1D", "Cropping2D", "Cropping3D", "Crop", "Identity")
    shape_only = (1,)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=2)
        check_not_in_place(layer)
        return (tuple(stop - start for start, stop in _spans(layer, *bottoms)),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return None, None

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        bottom = bottoms[0]
        spans = _spans(layer, bottom.shape, bottoms[1].shape)
        cut = {axis: span for axis, span in enumerate(spans) if span != (0, bottom.shape[axis])}
        if not cut:
            return (KerasCall("Identity", comment="as large as that already", main=True, reads=(-1,)),)
        if bottom.rank == 4 and bottom.order == last_order(4) and cut.keys() <= {2, 3}:
            (top, below), (left, right) = ((spans[a][0], bottom.shape[a] - spans[a][1]) for a in (2, 3))
            cropping: Any = ((top, below), (left, right))
            if (top, left) == (below, right):
                cropping = top if top == left else (top, left)
            return (KerasCall("Cropping2D", {"cropping": cropping}, positional=1, main=True, reads=(-1,)),)
        pieces = {bottom.axis(axis): span for axis, span in cut.items()}
        arguments = {"pieces": {axis: pieces[axis] for axis in sorted(pieces)}}
        return (KerasCall("Crop", arguments, positional=1, main=True, custom=True, reads=(-1,)),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        spans = _spans(layer, bottoms[0].shape, bottoms[1].shape)
        return (bottoms[0][tuple(slice(start, stop) for start, stop in spans)],)


def _spans(layer: Layer, bottom: Shape, like: Shape) -> list[tuple[int, int]]:
    """For each axis of the bottom where the piece begins, and where it ends.

    Raises:
        UnsupportedError: there are too few or too many offsets, or the piece reaches over the edge.
    """
    spec = layer.parameters.crop_param
    first = canonical_axis(layer, int(spec.axis), len(bottom))
    count, offsets = len(bottom) - first, [int(offset) for offset in spec.offset] or [0]
    if len(offsets) not in (1, count):
        raise UnsupportedError(
            f"{len(offsets)} offset for {count} axes from axis {first} on",
            layer=layer.name,
            line=layer.line,
            fix="give one for each of them, one for all, or none",
        )
    if len(like) < len(bottom):
        raise UnsupportedError(
            f"the second bottom has {len(like)} axes, the first {len(bottom)}",
            layer=layer.name,
            line=layer.line,
            fix="both must have as many",
        )
    spans = [(0, size) for size in bottom[:first]]
    for axis, offset in zip(range(first, len(bottom)), offsets * (count if len(offsets) == 1 else 1), strict=True):
        if offset + like[axis] > bottom[axis]:
            raise UnsupportedError(
                f"{like[axis]} from {offset} on reaches over the end of axis {axis}, which has {bottom[axis]}",
                layer=layer.name,
                line=layer.line,
                fix="give a smaller offset",
            )
        spans.append((offset, offset + like[axis]))
    return spans
