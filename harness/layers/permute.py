"""Permute: the axes in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order, last_order


@register("Permute")
class Permute(Whole):
    """Axis j of the top is axis `order`[j] of the bottom; axes that `order` leaves out follow as they are.

    Source: permute_layer.cpp of the SSD fork (weiliu89/caffe); BVLC Caffe has it not.
    Keras needs no layer for it where the top's axes, as the tensor has them already, are channels last or Caffe's own:
    0 2 3 1 over a tensor with its channels last is that tensor in Caffe's order.
    """

    exact = True
    moves = True
    keras_classes = ("Permute", "Transpose")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        return (tuple(bottoms[0][axis] for axis in _order(layer, len(bottoms[0]))),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        if self.renames(layer, bottom) is not None:
            return ()
        order = _order(layer, bottom.rank)
        axes = tuple(bottom.axis(order[axis]) for axis in self.gives(layer, bottoms)[0])
        if axes[0] == 0:
            return (KerasCall("Permute", {"dims": axes[1:]}, positional=1, main=True),)
        return (KerasCall("Transpose", {"axes": axes}, positional=1, main=True, custom=True),)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        """As the tensor is, where that is an order that others know; else in the bottom's kind of order."""
        (bottom,) = bottoms
        last = bottom.order == last_order(bottom.rank)
        return (self.renames(layer, bottom) or (last_order if last else caffe_order)(bottom.rank),)

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        order = _order(layer, bottom.rank)
        renamed = tuple(order.index(axis) for axis in bottom.order)
        return renamed if renamed in (last_order(bottom.rank), caffe_order(bottom.rank)) else None

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (bottoms[0].transpose(_order(layer, bottoms[0].ndim)),)


def _order(layer: Layer, rank: int) -> tuple[int, ...]:
    order = [int(axis) for axis in layer.parameters.permute_param.order]
    if len(set(order)) != len(order) or any(axis >= rank for axis in order):
        raise UnsupportedError(
            f"order {order} of a blob of {rank} axes",
            layer=layer.name,
            line=layer.line,
            fix=f"write each axis, of 0 to {rank - 1}, once",
        )
    return (*order, *(axis for axis in range(rank) if axis not in order))
