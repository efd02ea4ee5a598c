"""AbsVal: |x|."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.neuron import one_to_one
from harness.layers.whole import Whole
from harness.layout import Held


@register("AbsVal")
class AbsVal(Whole):
    """top = |bottom|. Source: BVLC Caffe 1.0, absval_layer.cpp, which refuses to work in place."""

    exact = True
    keras_classes = ("AbsVal", "Abs", "Absolute")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        if layer.in_place:
            raise UnsupportedError(
                "AbsVal works in place, which Caffe refuses",
                layer=layer.name,
                line=layer.line,
                fix="give its top a name of its own",
            )
        return one_to_one(layer, bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("AbsVal", main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (np.abs(bottoms[0]),)
