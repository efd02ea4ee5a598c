"""Softmax: exponentials over their sum, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import TINY, Blobs, Exact, Float32, KerasCall, LayerType, U, Unit, channels_last
from harness.layout import Held


@register("Softmax")
class Softmax(LayerType):
    """top_i = exp(x_i − max x) / Σ_j exp(x_j − max x). Source: BVLC Caffe 1.0, softmax_layer.cpp."""

    keras_classes = ("Softmax", "Activation")
    fuses = ("softmax",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        axis = int(layer.parameters.softmax_param.axis) % len(bottoms[0])
        if axis != 1:
            raise UnsupportedError(f"axis {axis}: only axis 1 is supported", layer=layer.name, line=layer.line)
        return (bottoms[0],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        return (KerasCall("Softmax", main=True),)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · y · (2 + |d| + Σ_j y_j·|d_j|), d = x − max x.

        d is rounded once, which exp turns into a relative error of u·|d|; the sum weighs those of its terms by y; exp
        itself and the division add one each.
        """
        d = _rows(bottoms[0])
        d = d - d.max(axis=1, keepdims=True)
        return Unit(dense=_own(_rows(top), np.abs(d)) * np.float32(U), floor=4 * TINY)

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """An error e in the bottom becomes y · (|e| + Σ_j y_j·|e_j|); the layer's own is added."""
        y = _rows(top)
        before = unit.rows(0, len(y))
        with np.errstate(divide="ignore"):
            d = np.maximum(np.log(y) - np.log(y.max(axis=1, keepdims=True)), -104.0)  # below, y is a denormal number
        carried = y * (before + (y * before).sum(axis=1, keepdims=True))
        return Unit(dense=carried + _own(y, np.abs(d)) * np.float32(U), floor=4 * TINY)

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        d = exact.value - exact.value.max(axis=1, keepdims=True)
        y = np.exp(d)
        y /= y.sum(axis=1, keepdims=True)
        carried = y * (exact.scale + (y * exact.scale).sum(axis=1, keepdims=True))
        return replace(
            exact,
            value=y,
            scale=carried + _own(y, np.abs(d)),
            terms=exact.terms + y.shape[1] + 8,  # the sum's, and a few units in the last place of exp and division
            floor=4 * TINY,
        )


def _own(y: np.ndarray, d: np.ndarray) -> np.ndarray:
    own: np.ndarray = y * (2 + d + (y * d).sum(axis=1, keepdims=True))
    return own


def _rows(array: Float32) -> Float32:
    """N, C, H, W → sites × channels."""
    return np.ascontiguousarray(channels_last(array)).reshape(-1, array.shape[1])
