"""Eltwise: the sum, the product or the largest of several blobs, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall, U, flush_floor, largest_size
from harness.layers.whole import Whole
from harness.layout import Held

PROD, SUM, MAX = 0, 1, 2


@register("Eltwise")
class Eltwise(Whole):
    """SUM: ((c₀·x₀ + c₁·x₁) + c₂·x₂) + …, the coefficients c being 1 unless given. PROD: (x₀·x₁)·x₂ … MAX: the largest.

    Source: BVLC Caffe 1.0, eltwise_layer.cpp.
    """

    keras_classes = ("Add", "Subtract", "Multiply", "Maximum", "Average", "WeightedSum")
    parameter_rounding = 2 * U

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, at_least=2)
        spec = layer.parameters.eltwise_param
        if spec.operation == SUM:
            check_not_in_place(layer)  # Caffe sets the top to zero before it adds
        problem, fix = None, ""
        if len(spec.coeff) not in (0, len(bottoms)):
            problem, fix = f"{len(spec.coeff)} coeff for {len(bottoms)} bottoms", "give one for each, or none"
        elif spec.operation == PROD and spec.coeff:
            problem, fix = "coeff of a product, which Caffe takes for sums only", "leave coeff out"
        for bottom, shape in zip(layer.bottoms, bottoms, strict=True):
            if shape != bottoms[0]:
                problem, fix = f"{bottom.blob!r} is {shape}, the first bottom {bottoms[0]}", "all must be of one shape"
        if problem:
            raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix=fix)
        return (bottoms[0],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        operation, coefficients = layer.parameters.eltwise_param.operation, _coefficients(layer)
        if operation != SUM:
            return (KerasCall("Multiply" if operation == PROD else "Maximum", main=True),)
        if set(coefficients) == {1.0}:
            return (KerasCall("Add", main=True),)
        if coefficients == [1.0, -1.0]:
            return (KerasCall("Subtract", main=True),)
        rounded = [float(f"{one:.8g}") for one in coefficients]
        return (KerasCall("WeightedSum", {"coefficients": rounded}, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        operation = layer.parameters.eltwise_param.operation
        if operation == SUM:
            parts = (c * x for c, x in zip(_coefficients(layer), bottoms, strict=True))
            return (reduce(np.add, parts),)
        return (reduce(np.multiply if operation == PROD else np.maximum, bottoms),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """Σ|c·x| of a sum, |top| of a product; choosing the largest rounds nothing."""
        operation = layer.parameters.eltwise_param.operation
        if operation == MAX:
            return None
        if operation == PROD:
            return (np.abs(tops[0]),)
        total = np.zeros_like(bottoms[0])
        for c, x in zip(_coefficients(layer), bottoms, strict=True):
            total += np.abs(c * x)
        return (total,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        """A rounding for each addition and one for the product with a coefficient; one for each product."""
        return len(bottoms)

    def floor(self, layer: Layer, bottoms: Sequence[np.ndarray]) -> float:
        """A product of two that was flushed to zero is missed times all further ones."""
        return flush_floor(len(bottoms), prod(max(1.0, largest_size(bottom)) for bottom in bottoms))


def _coefficients(layer: Layer) -> list[float]:
    """One for each bottom, as Caffe's float32 has it."""
    return [float(one) for one in layer.parameters.eltwise_param.coeff] or [1.0] * len(layer.bottoms)
