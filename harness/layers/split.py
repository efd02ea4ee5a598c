"""Split: the same blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.base import KerasCall, LayerType
from harness.layout import Held


@register("Split")
class Split(LayerType):
    """Every top = bottom. Source: BVLC Caffe 1.0, split_layer.cpp."""

    identity = True
    exact = True

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return tuple(bottoms[:1]) * len(layer.tops)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return ()
