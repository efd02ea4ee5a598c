"""Bias: a learned blob, or a second bottom, laid along some axes and added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.data import KerasNode, Layer, Order, Shape
from harness.layers import register
from harness.layers.along import axis_argument, merged, read_along, second_order, variable_call
from harness.layers.base import Blobs, Exact, Float32, KerasCall, U, Unit, rows_of
from harness.layers.whole import Whole
from harness.layout import Held


@register("Bias")
class Bias(Whole):
    """top = bottom + b; b lies along `num_axes` axes of the bottom from `axis` on, as a Scale's blob does.

    Source: BVLC Caffe 1.0, bias_layer.cpp.
    """

    keras_classes = ("Bias", "Add")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        read_along(layer, _spec(layer), bottoms)
        return (bottoms[0],)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return (read_along(layer, _spec(layer), bottoms).shape,) if len(bottoms) == 1 else ()

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        return ((-0.05, 0.05),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None, *(second_order(layer, _spec(layer), bottoms) for _ in bottoms[1:]))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
        if len(bottoms) == 1:
            return (variable_call(along, bottoms[0], "Bias"),)
        arguments = axis_argument([bottoms[0].axis(axis) for axis in along.axes], along.rank)
        own = (KerasCall("Bias", arguments, main=True, custom=True),)
        return merged(layer, along, bottoms, "Add") or own

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        if len(layer.bottoms) > 1:
            return {}
        along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
        return {"bias": along.variable(blobs[0], bottoms[0])}

    def is_within(self, layer: Layer, node: KerasNode) -> bool:
        """True for a learned bias of the channels where the Keras layer adds one, as a convolution does."""
        spec = _spec(layer)
        channels = len(layer.bottoms) == 1 and int(spec.axis) == 1 and int(spec.num_axes) == 1
        return channels and bool(node.config.get("use_bias", False))

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return (bottoms[0] + _bias(layer, blobs, bottoms),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|x| + |b|, for one rounding."""
        size = np.abs(bottoms[0])
        size += np.abs(_bias(layer, blobs, bottoms))
        return (size,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 1

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        bias = blobs[0].reshape(-1)
        return replace(exact, value=exact.value + bias, scale=exact.scale + np.abs(bias), terms=exact.terms + 1)

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """The unit before and u · (|x| + |b|)."""
        bias = blobs[0].reshape(-1)
        y = rows_of(top)
        with np.errstate(all="ignore"):
            own = np.abs(y - bias)
            own += np.abs(bias)
            own *= np.float32(U)
            own += unit.rows(0, len(y))
        return Unit(dense=own, floor=unit.floor)


def _bias(layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> np.ndarray:
    along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
    return along.spread([*bottoms[1:], *blobs][0])


def _spec(layer: Layer) -> Any:
    return layer.parameters.bias_param
