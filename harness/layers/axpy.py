"""Axpy: a · x + y, a number for each channel of each image; the shortcut of a squeeze-and-excitation net."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.along import FLUSH
from harness.layers.arity import check_counts, check_rank
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Axpy")
class Axpy(Whole):
    """top = a · x + y; the first bottom, a, is N × C × 1 × 1, the others are x and y.

    Source: the fork of Caffe of "Squeeze-and-Excitation Networks" (hujie-frank/SENet), axpy_layer.cpp. BVLC Caffe does not
    have the type.
    """

    keras_classes = ("Add",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, 3)
        check_rank(layer, bottoms[1], 2, 4, "N, C, H, W is what it takes")
        a, x, y = bottoms
        if a[:2] != x[:2] or any(size != 1 for size in a[2:]) or x != y:
            raise UnsupportedError(
                f"bottoms of {a}, {x} and {y}: the first must be N × C × 1 × 1, the others alike",
                layer=layer.name,
                line=layer.line,
            )
        return (x,)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        order = bottoms[1].order
        return (order if bottoms[0].rank == bottoms[1].rank else None, None, order)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        held = bottoms[1]
        add = KerasCall("Add", main=True, reads=(0, -3))
        if bottoms[0].rank == held.rank:
            return (KerasCall("Multiply", reads=(-1, -2)), add)
        target = tuple(held.shape[axis] if axis == 1 else 1 for axis in held.order[1:])
        reshape = KerasCall("Reshape", {"target_shape": target}, 1, reads=(-1,))
        return (reshape, KerasCall("Multiply", reads=(0, -2)), KerasCall("Add", main=True, reads=(1, -3)))

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        return (bottoms[1].order,)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        a, x, y = bottoms
        return (a.reshape(*a.shape[:2], *(1,) * (x.ndim - 2)) * x + y,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|a·x| + |y|: one rounding of the product, one of the sum."""
        a, x, y = bottoms
        sizes = np.abs(x)
        sizes += FLUSH
        sizes *= np.abs(a.reshape(*a.shape[:2], *(1,) * (x.ndim - 2))) + FLUSH
        sizes += np.abs(y)
        return (sizes,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 2
