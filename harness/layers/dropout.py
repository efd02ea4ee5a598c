"""Dropout: nothing at all at inference."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data import Layer
from harness.layers import register
from harness.layers.base import KerasCall, LayerType
from harness.layout import Held


@register("Dropout")
class Dropout(LayerType):
    """top = bottom: Caffe scales while it trains, as Keras does. Source: BVLC Caffe 1.0, dropout_layer.cpp."""

    identity = True
    exact = True
    keras_classes = ("Dropout", "SpatialDropout2D")

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        rate = float(f"{layer.parameters.dropout_param.dropout_ratio:.6g}")
        return (KerasCall("Dropout", {"rate": rate}, positional=1, main=True),)
