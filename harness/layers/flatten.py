"""Flatten: some axes become one."""

from __future__ import annotations

from math import prod

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import canonical_axis
from harness.layers.reshaping import Reshaping


@register("Flatten")
class Flatten(Reshaping):
    """The axes from `axis` to `end_axis` as one, all others as they are. Source: BVLC Caffe 1.0, flatten_layer.cpp."""

    def new_shape(self, layer: Layer, bottom: Shape) -> Shape:
        start, end = _span(layer, len(bottom))
        return (*bottom[:start], prod(bottom[start:end]), *bottom[end:])

    def inferred(self, layer: Layer, bottom: Shape) -> int | None:
        return _span(layer, len(bottom))[0]


def _span(layer: Layer, rank: int) -> tuple[int, int]:
    """The first axis that is merged, and the one behind the last."""
    spec = layer.parameters.flatten_param
    start = canonical_axis(layer, int(spec.axis), rank)
    end = canonical_axis(layer, int(spec.end_axis), rank, "end_axis") + 1
    if start > end:  # as far as Caffe goes: with end_axis just before axis it puts in an axis of size 1
        raise UnsupportedError(
            f"axis {start} lies behind end_axis {end - 1}",
            layer=layer.name,
            line=layer.line,
            fix="give an end_axis that is not before axis",
        )
    return start, end
