"""ReLU: max(x, 0), or a leaky slope below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.data import Layer
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, Exact, Float32, KerasCall, LayerType, U, Unit, channels_last
from harness.layout import Held


@register("ReLU")
class ReLU(LayerType):
    """top = max(bottom, 0) + negative_slope · min(bottom, 0). Source: BVLC Caffe 1.0, relu_layer.cpp."""

    keras_classes = ("ReLU", "LeakyReLU", "Activation")
    fuses = ("relu", "leaky_relu")
    parameter_rounding = 2 * U

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        slope = float(layer.parameters.relu_param.negative_slope)
        if slope < 0:
            raise UnsupportedError(
                f"Keras' LeakyReLU takes no slope below zero: {slope:.6g}", layer=layer.name, line=layer.line
            )
        if slope:
            return (KerasCall("LeakyReLU", {"negative_slope": float(f"{slope:.8g}")}, main=True),)
        return (KerasCall("ReLU", main=True),)

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        slope = float(layer.parameters.relu_param.negative_slope)
        value = np.where(exact.value > 0, exact.value, slope * exact.value)
        scale = exact.scale * max(1.0, abs(slope)) + (np.abs(value) if slope else 0.0)
        return replace(exact, value=value, scale=scale, terms=exact.terms + (1 if slope else 0))

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """Zero without a slope: choosing rounds nothing. With one, u·|top| for the one multiplication."""
        return self.follow_unit(layer, blobs, Unit(), top)

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """max(x, 0) moves two numbers no farther apart, so the unit before it holds behind it too."""
        if not layer.parameters.relu_param.negative_slope:
            return unit
        size = channels_last(top).reshape(-1, top.shape[1] if top.ndim > 1 else 1)
        return Unit(dense=unit.rows(0, len(size)) + np.float32(U) * np.abs(size), floor=unit.floor)
