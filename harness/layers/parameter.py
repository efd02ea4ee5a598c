"""Parameter: a learned blob as a top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import check_blobs
from harness.layers.base import Blobs, Float32, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Parameter")
class Parameter(Whole):
    """The top is the blob. Source: BVLC Caffe 1.0, parameter_layer.hpp."""

    exact = True
    keras_classes = ("Parameter",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=0)
        return (_shape(layer),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return (_shape(layer),)

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((-1.0, 1.0),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Parameter", {"shape": _shape(layer)}, positional=1, main=True, custom=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        return {"blob": blobs[0].reshape(_shape(layer))}

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (blobs[0].reshape(_shape(layer)),)


def _shape(layer: Layer) -> Shape:
    shape = tuple(int(dim) for dim in layer.parameters.parameter_param.shape.dim)
    if not shape or min(shape) < 1:
        raise UnsupportedError(
            f"its shape is {shape}" if shape else "no shape",
            layer=layer.name,
            line=layer.line,
            fix="write parameter_param { shape { dim: … } }, each dim 1 or more",
        )
    return shape
