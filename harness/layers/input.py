"""Input: what the net is fed."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.base import KerasCall, LayerType
from harness.layout import Held


@register("Input")
class Input(LayerType):
    """Declares the tops that are fed. Source: BVLC Caffe 1.0, input_layer.cpp."""

    identity = True
    keras_classes = ("InputLayer",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        shapes = [tuple(int(d) for d in shape.dim) for shape in layer.parameters.input_param.shape]
        return tuple(shapes * len(layer.tops) if len(shapes) == 1 else shapes)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return ()
