"""Concat: blobs joined along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import axis_argument, canonical_axis, check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Concat")
class Concat(Whole):
    """The bottoms one after the other along `axis`. Source: BVLC Caffe 1.0, concat_layer.cpp.

    `concat_dim` is an old name of `axis` that takes no negative number. One bottom alone is the top as it is.
    """

    exact = True
    keras_classes = ("Concatenate",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, at_least=1)
        if len(bottoms) > 1:
            check_not_in_place(layer)
        axis = concat_axis(layer, len(bottoms[0]))
        for bottom, shape in zip(layer.bottoms, bottoms, strict=True):
            if len(shape) != len(bottoms[0]) or any(
                one != other for at, (one, other) in enumerate(zip(shape, bottoms[0], strict=True)) if at != axis
            ):
                raise UnsupportedError(
                    f"{bottom.blob!r} is {shape}, which cannot be joined to {bottoms[0]} along axis {axis}",
                    layer=layer.name,
                    line=layer.line,
                    fix="all sizes but that one must be equal",
                )
        return ((*bottoms[0][:axis], sum(shape[axis] for shape in bottoms), *bottoms[0][axis + 1 :]),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        if len(bottoms) == 1:
            return ()
        arguments = axis_argument(bottoms[0], concat_axis(layer, bottoms[0].rank))
        return (KerasCall("Concatenate", arguments, main=True),)

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        return bottom.order if len(layer.bottoms) == 1 else None

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (np.concatenate(bottoms, axis=concat_axis(layer, bottoms[0].ndim)),)


def concat_axis(layer: Layer, rank: int) -> int:
    """The axis along which bottoms of that rank are joined. Raises UnsupportedError for none that there is."""
    spec = layer.parameters.concat_param
    if spec.HasField("axis") and spec.HasField("concat_dim"):
        raise UnsupportedError("both axis and concat_dim", layer=layer.name, line=layer.line, fix="give axis alone")
    if spec.HasField("concat_dim"):
        return canonical_axis(layer, int(spec.concat_dim), rank, "concat_dim")
    return canonical_axis(layer, int(spec.axis), rank)
