"""Filter: those items of a batch that a selector names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Filter")
class Filter(Whole):
    """top k = those items of bottom k whose number in the last bottom, the selector, is not zero.

    How many there are is known only when the net runs: `output_shapes` gives the most there can be.
    Source: BVLC Caffe 1.0, filter_layer.cpp.
    """

    exact = True
    drops_items = True
    keras_classes = ("Filter",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        problem, counts = None, f"{len(bottoms)} bottoms, {len(layer.tops)} tops"
        if len(bottoms) < 2 or len(layer.tops) != len(bottoms) - 1:
            problem = f"{counts}: it takes a selector last, and gives a top for each of the others"
        elif any(size != 1 for size in bottoms[-1][1:]):
            problem = f"the selector has the shape {bottoms[-1]}: it takes one number for each item"
        elif any(bottom[:1] != bottoms[-1][:1] for bottom in bottoms):
            problem = f"the selector is for {bottoms[-1][0]} items, the others have {', '.join(map(str, bottoms[:-1]))}"
        if problem:
            raise UnsupportedError(problem, layer=layer.name, line=layer.line)
        return tuple(bottoms[:-1])

    def whole_numbers(self, layer: Layer, position: int, bottoms: Sequence[Shape]) -> int | None:
        return 2 if position == len(bottoms) - 1 else None

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None,) * len(bottoms)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        return tuple(bottom.order for bottom in bottoms[:-1])

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Filter", main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        chosen = bottoms[-1].reshape(-1) != 0
        return [bottom[chosen] for bottom in bottoms[:-1]]
