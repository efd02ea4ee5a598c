"""BatchReindex: the items of a batch in another order, some of them several times or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.embed import rows_at
from harness.layers.whole import Whole
from harness.layout import Held


@register("BatchReindex")
class BatchReindex(Whole):
    """top[i] = bottom[index[i]]; the second bottom is the index. Source: BVLC Caffe 1.0, batch_reindex_layer.cpp."""

    exact = True
    keras_classes = ("BatchReindex",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        problem = None
        if len(bottoms) != 2 or len(layer.tops) != 1:
            problem = f"{len(bottoms)} bottoms, {len(layer.tops)} tops: it takes a blob and its index, and gives a blob"
        elif len(bottoms[1]) != 1:
            problem = f"the index has the shape {bottoms[1]}: it takes one axis"
        if problem:
            raise UnsupportedError(problem, layer=layer.name, line=layer.line)
        return ((*bottoms[1], *bottoms[0][1:]),)

    def whole_numbers(self, layer: Layer, position: int, bottoms: Sequence[Shape]) -> int | None:
        return bottoms[0][0] if position == 1 else None

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None, None)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("BatchReindex", main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (rows_at(bottoms[0], bottoms[1]),)
