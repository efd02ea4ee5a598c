"""Scale: a product with a learned blob, or with a second bottom, laid along some axes; a bias may follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.data import KerasNode, Layer, Order, Shape
from harness.layers import register
from harness.layers.along import FLUSH, axis_argument, merged, read_along, second_order, variable_call
from harness.layers.base import Blobs, Exact, Float32, KerasCall, U, Unit, rows_of
from harness.layers.whole import Whole
from harness.layout import Held

NORMALIZATIONS = ("BatchNormalization", "BatchStatistics", "GroupNormalization", "LayerNormalization")
"""Keras classes that hold a scale and a shift per channel, `gamma` and `beta`, behind what they normalise."""


@register("Scale")
class Scale(Whole):
    """top = bottom · s, plus b with `bias_term`; s and b lie along `num_axes` axes of the bottom from `axis` on.

    s is learned, or the second bottom, whose own axes then count; with num_axes: -1 all axes from `axis` on, with 0 one
    number. Source: BVLC Caffe 1.0, scale_layer.cpp and bias_layer.cpp.
    """

    keras_classes = ("Scale", "Multiply", "Rescaling")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        read_along(layer, _spec(layer), bottoms)
        return (bottoms[0],)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        shape = read_along(layer, _spec(layer), bottoms).shape
        return (shape,) * ((len(bottoms) == 1) + bool(_spec(layer).bias_term))

    def blob_ranges(self, layer: Layer) -> tuple[tuple[float, float], ...]:
        ranges = ((0.7, 1.3),) if len(layer.bottoms) == 1 else ()
        return (*ranges, (-0.05, 0.05)) if _spec(layer).bias_term else ranges

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None, *(second_order(layer, _spec(layer), bottoms) for _ in bottoms[1:]))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
        bias = bool(_spec(layer).bias_term)
        stock = merged(layer, along, bottoms, "Multiply") if len(bottoms) > 1 and not bias else None
        if stock is not None:
            return stock
        more: dict[str, Any] = {"use_bias": True} if bias else {}
        if len(bottoms) == 1:
            return (variable_call(along, bottoms[0], "Scale", **more),)
        if bias and along.batched:
            more["batch_size"] = along.shape[0]
        arguments = axis_argument([bottoms[0].axis(axis) for axis in along.axes], along.rank)
        return (KerasCall("Scale", arguments | more, main=True, custom=True),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        learned = len(layer.bottoms) == 1
        if keras_class in NORMALIZATIONS:
            return {name: blob.reshape(-1) for name, blob in zip(("gamma", "beta"), blobs, strict=False)}
        along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
        names = ("scale", "bias") if learned else ("bias",)
        return {name: along.variable(blob, bottoms[0]) for name, blob in zip(names, blobs, strict=False)}

    def is_within(self, layer: Layer, node: KerasNode) -> bool:
        """True for a learned scale of the channels where the Keras layer has a `gamma` or a `beta` of its own."""
        holds = node.config.get("scale", True) or node.config.get("center", True)
        return node.class_name in NORMALIZATIONS and bool(holds) and is_per_channel(layer)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        scale, bias = _operands(layer, blobs, bottoms)
        top = bottoms[0] * scale
        return (top if bias is None else top + bias,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """|x·s| + |b|: one rounding of the product, one of the sum."""
        scale, bias = _operands(layer, blobs, bottoms)
        size = np.abs(bottoms[0])
        size += FLUSH
        size *= np.abs(scale) + FLUSH
        if bias is not None:
            size += np.abs(bias)
        return (size,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 2

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        gamma, beta = per_channel(blobs)
        scale = exact.scale * np.abs(gamma) + np.abs(beta)
        return replace(exact, value=exact.value * gamma + beta, scale=scale, terms=exact.terms + 2)

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """The unit before, scaled, and u · (|x·γ| + 6·|β|).

        Keras adds β to what is the same for a whole channel and rounds that once, so the error is systematic.
        """
        gamma, beta = per_channel(blobs)
        y = rows_of(top)
        with np.errstate(all="ignore"):
            own = np.abs(y - beta)
            own += 6 * np.abs(beta)
            own *= np.float32(U)
            own += unit.rows(0, len(y)) * np.abs(gamma)
        return Unit(dense=own, floor=unit.floor)


def is_per_channel(layer: Layer) -> bool:
    """True if the layer learns a number for each channel, which is what a normalisation of Keras can hold."""
    spec = _spec(layer)
    return len(layer.bottoms) == 1 and int(spec.axis) == 1 and int(spec.num_axes) == 1


def absorb_scale(follower: Layer, call: KerasCall) -> KerasCall | None:
    """A normalisation's call with the Scale behind it as its `gamma` and, if it has a bias, its `beta`."""
    if follower.type != "Scale" or not is_per_channel(follower) or call.arguments.get("scale", True):
        return None
    taken = ("scale", "center") if _spec(follower).bias_term else ("scale",)
    return replace(call, arguments={key: value for key, value in call.arguments.items() if key not in taken})


def per_channel(blobs: Blobs) -> tuple[Float32, Float32]:
    """Scale and bias of each channel, the bias zero where there is none."""
    gamma = blobs[0].reshape(-1)
    return gamma, blobs[1].reshape(-1) if len(blobs) > 1 else np.zeros_like(gamma)


def _operands(layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    along = read_along(layer, _spec(layer), [bottom.shape for bottom in bottoms])
    learned = [*bottoms[1:], *blobs]
    return along.spread(learned[0]), along.spread(learned[1]) if _spec(layer).bias_term else None


def _spec(layer: Layer) -> Any:
    return layer.parameters.scale_param
