"""Softmax: exponentials over their sum, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.data import Layer, Shape
from harness.layers import register
from harness.layers.axes import axis_argument, canonical_axis, check_blobs
from harness.layers.base import TINY, Blobs, Exact, Float32, KerasCall, U, Unit, from_rows, rows_of
from harness.layers.whole import Whole
from harness.layout import Held


@register("Softmax")
class Softmax(Whole):
    """top_i = exp(x_i − max x) / Σ_j exp(x_j − max x), along `axis`. Source: BVLC Caffe 1.0, softmax_layer.cpp."""

    keras_classes = ("Softmax", "Activation")
    fuses = ("softmax",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        _axis(layer, len(bottoms[0]))
        return (bottoms[0],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        arguments = axis_argument(bottoms[0], _axis(layer, bottoms[0].rank))
        return (KerasCall("Softmax", arguments, main=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        axis = _axis(layer, bottoms[0].ndim)
        y = np.exp(bottoms[0] - bottoms[0].max(axis=axis, keepdims=True))
        y /= y.sum(axis=axis, keepdims=True)
        return (y,)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray]:
        """y · (2 + |d| + Σ_j y_j·|d_j|), d = x − max x.

        d is rounded once, which exp turns into a relative error of u·|d|; the sum weighs those of its terms by y; exp
        itself and the division add one each.
        """
        axis = _axis(layer, bottoms[0].ndim)
        d = bottoms[0].max(axis=axis, keepdims=True) - bottoms[0]
        return (_own(tops[0], d, axis),)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        """The sum's, and a few units in the last place of exp and division."""
        return bottoms[0][_axis(layer, len(bottoms[0]))] + 8

    def along(self, layer: Layer, rank: int) -> int:
        return _axis(layer, rank)

    def follow_unit(self, layer: Layer, blobs: Blobs, unit: Unit, top: Float32) -> Unit:
        """An error e in the bottom becomes y · (|e| + Σ_j y_j·|e_j|); the layer's own is added."""
        axis = self.along(layer, top.ndim)
        sites, channels = rows_of(top).shape
        before = from_rows(np.broadcast_to(unit.rows(0, sites), (sites, channels)), top.shape)
        with np.errstate(divide="ignore"):
            d = np.log(top.max(axis=axis, keepdims=True)) - np.log(top)
        d = np.minimum(d, np.float32(104.0))  # farther down, y is a denormal number
        carried = top * (before + (top * before).sum(axis=axis, keepdims=True))
        return Unit(dense=rows_of(carried + _own(top, d, axis) * np.float32(U)), floor=4 * TINY)

    def follow(self, layer: Layer, blobs: Blobs, exact: Exact) -> Exact:
        d = exact.value - exact.value.max(axis=1, keepdims=True)
        y = np.exp(d)
        y /= y.sum(axis=1, keepdims=True)
        carried = y * (exact.scale + (y * exact.scale).sum(axis=1, keepdims=True))
        return replace(
            exact,
            value=y,
            scale=carried + _own(y, np.abs(d)),
            terms=exact.terms + y.shape[1] + 8,
            floor=4 * TINY,
        )


def _own(y: np.ndarray, d: np.ndarray, axis: int = 1) -> np.ndarray:
    own: np.ndarray = y * (2 + d + (y * d).sum(axis=axis, keepdims=True))
    return own


def _axis(layer: Layer, rank: int) -> int:
    return canonical_axis(layer, int(layer.parameters.softmax_param.axis), rank)
