"""Reduction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Reduction(keras.layers.Layer):
    """`coefficient` times the "sum", "asum" (of absolute values), "sumsq" (of squares) or "mean" over `axis`."""

    def __init__(self, operation: str, axis: int | Sequence[int], coefficient: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        if operation not in ("sum", "asum", "sumsq", "mean"):
            raise ValueError(f'operation is {operation!r}: it may be "sum", "asum", "sumsq" or "mean"')
        self.operation = operation
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.coefficient = coefficient

    def call(self, x: Any) -> Any:
        terms = {"asum": ops.abs, "sumsq": ops.square}.get(self.operation, lambda x: x)(x)
        total = (ops.mean if self.operation == "mean" else ops.sum)(terms, axis=self.axis)
        return total if self.coefficient == 1 else self.coefficient * total

    def get_config(self) -> dict[str, Any]:
        options = {"operation": self.operation, "axis": self.axis, "coefficient": self.coefficient}
        return {**super().get_config(), **options}
