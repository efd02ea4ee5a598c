"""Flatten and Reshape have in common that the numbers stay as they lie: only the axes are counted otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.layers.axes import check_blobs, check_not_in_place, reshaped_order
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order


class Reshaping(Whole):
    """The bottom's numbers one after the other, in Caffe's order of axes, in a new shape.

    A tensor whose channels are last is reshaped as it is where that comes to the same, and else brought into Caffe's
    order before. Keras' Reshape leaves the batch alone; where Caffe's does not, it is a layer of ours.
    """

    exact = True
    moves = True
    reshapes = True
    keras_classes = ("Reshape", "Flatten", "ReshapeBatch")

    def new_shape(self, layer: Layer, bottom: Shape) -> Shape:
        """The top's shape."""
        raise NotImplementedError

    def inferred(self, layer: Layer, bottom: Shape) -> int | None:
        """The top's axis that takes what is left, which Keras writes as −1."""
        raise NotImplementedError

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        return (self.new_shape(layer, bottoms[0]),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None if self._order(layer, bottoms[0]) is not None else caffe_order(bottoms[0].rank),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        shape, order = self.new_shape(layer, bottom.shape), self.gives(layer, bottoms)[0]
        inferred = self.inferred(layer, bottom.shape)
        target = tuple(-1 if axis == inferred else shape[axis] for axis in order)
        if self._order(layer, bottom) is None:
            return (KerasCall("ReshapeBatch", {"target_shape": target}, positional=1, main=True, custom=True),)
        if len(shape) == 2 and bottom.rank > 2:
            return (KerasCall("Flatten", main=True),)
        return (KerasCall("Reshape", {"target_shape": target[1:]}, positional=1, main=True),)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        return (self._order(layer, bottoms[0]) or caffe_order(len(self.new_shape(layer, bottoms[0].shape))),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (bottoms[0].reshape(self.new_shape(layer, bottoms[0].shape)),)

    def _order(self, layer: Layer, bottom: Held) -> Order | None:
        """How the top is held where the tensor is reshaped as it is; None where it must be in Caffe's order, or whole."""
        return reshaped_order(bottom.shape, bottom.order, self.new_shape(layer, bottom.shape))
