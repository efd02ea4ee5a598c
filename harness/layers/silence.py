"""Silence: swallows blobs that nobody reads."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.base import KerasCall, LayerType
from harness.layout import Held


@register("Silence")
class Silence(LayerType):
    """No top. Source: BVLC Caffe 1.0, silence_layer.cpp."""

    identity = True
    exact = True

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return ()

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return ()
