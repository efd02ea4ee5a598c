"""Reduction: everything from one axis on becomes one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod, sqrt
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.layers import register
from harness.layers.axes import canonical_axis, check_blobs, check_not_in_place
from harness.layers.base import Blobs, Float32, KerasCall, U, Unit
from harness.layers.whole import Whole
from harness.layout import Held, last_order

SUM, ASUM, SUMSQ, MEAN = 1, 2, 3, 4
NAMES = {SUM: "sum", ASUM: "asum", SUMSQ: "sumsq", MEAN: "mean"}


@register("Reduction")
class Reduction(Whole):
    """`coeff` times the sum, the sum of the absolute values, that of the squares, or the mean, over `axis` and all behind.

    The top has the axes before `axis`; with axis 0 it is a single number without any.
    Source: BVLC Caffe 1.0, reduction_layer.cpp; MEAN divides the coefficient by the number of elements before it
    multiplies the sum.
    """

    keras_classes = (
        "Reduction", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "Sum", "Mean",
    )  # fmt: skip
    parameter_rounding = 2 * U

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        return (bottoms[0][: _axis(layer, len(bottoms[0]))],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        spec, axis = layer.parameters.reduction_param, _axis(layer, bottom.rank)
        is_pool = spec.operation == MEAN and spec.coeff == 1 and axis == 2
        if is_pool and bottom.order == last_order(bottom.rank) and bottom.rank in (3, 4, 5):
            return (KerasCall(f"GlobalAveragePooling{bottom.rank - 2}D", main=True),)
        axes = tuple(sorted(bottom.axis(one) for one in range(axis, bottom.rank)))
        arguments: dict[str, Any] = {"operation": NAMES[spec.operation], "axis": axes if len(axes) > 1 else axes[0]}
        if spec.coeff != 1:
            arguments["coefficient"] = float(f"{spec.coeff:.8g}")
        return (KerasCall("Reduction", arguments, positional=1, main=True, custom=True),)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        """The axes that are left, in the order in which the tensor has them."""
        axis = _axis(layer, bottoms[0].rank)
        return (tuple(one for one in bottoms[0].order if one < axis),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        spec, (rows, shape) = layer.parameters.reduction_param, self._rows(layer, bottoms[0])
        total = _sizes(rows, spec.operation) if spec.operation in (ASUM, SUMSQ) else rows.sum(axis=1)
        if spec.operation == MEAN:
            total = total / rows.shape[1]
        return (np.asarray(total * float(spec.coeff)).reshape(shape),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """|coeff|·Σ|x|, or |coeff|·Σx², over the number of elements for a mean."""
        spec, (rows, shape) = layer.parameters.reduction_param, self._rows(layer, bottoms[0])
        size = _sizes(rows, spec.operation) * abs(float(spec.coeff))
        return (np.asarray(size / rows.shape[1] if spec.operation == MEAN else size).reshape(shape),)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · scale · (1 + √n / 3): the roundings of n partial sums of one sign, taken one by one, add up as a random walk.

        Each is u / √3 of its partial sum, and these grow evenly to the whole: their squares are a third of its on average.
        """
        unit = super().unit(layer, blobs, bottoms, top, position)
        walk = np.float32(1 + sqrt(self.terms(layer, [bottom.shape for bottom in bottoms])) / 3)
        return unit if unit.dense is None else replace(unit, dense=unit.dense * walk)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        """The sum's, and one for each of the square, the coefficient, its division and its product."""
        return prod(bottoms[0][_axis(layer, len(bottoms[0])) :]) + 3

    def _rows(self, layer: Layer, bottom: np.ndarray) -> tuple[np.ndarray, Shape]:
        """The bottom as what is left × what is summed, and the top's shape."""
        shape = bottom.shape[: _axis(layer, bottom.ndim)]
        return bottom.reshape(prod(shape), -1), shape


def _sizes(rows: np.ndarray, operation: int) -> np.ndarray:
    """Σ|x| or Σx² of each row, without a temporary as large as the blob for the squares."""
    if operation == SUMSQ:
        squares: np.ndarray = np.einsum("ij,ij->i", rows, rows)
        return squares
    sizes: np.ndarray = np.abs(rows).sum(axis=1)
    return sizes


def _axis(layer: Layer, rank: int) -> int:
    return canonical_axis(layer, int(layer.parameters.reduction_param.axis), rank)
