"""Reduction."""

from __future__ import annotations

import math

import numpy as np
from support.table import Entry, plain

KIND = "Reduction"


def _entries():
    for operation in ("SUM", "ASUM", "SUMSQ", "MEAN"):
        for id, shape, more in (
            ("everything", (2, 3, 4, 5), ""),
            ("channels and all", (2, 3, 4, 5), "axis: 1"),
            ("rows and columns", (2, 3, 4, 5), "axis: 2"),
            ("columns", (2, 3, 4, 5), "axis: -1"),
            ("rows and columns, coefficient", (2, 3, 4, 5), "axis: 2 coeff: -0.3"),
            ("a sequence", (2, 3, 4), "axis: 2 coeff: 2.5"),
            ("a vector", (3, 7), "axis: 1"),
        ):
            parameters = f"reduction_param {{ operation: {operation} {more} }}"
            yield plain(KIND, f"{operation.lower()} of {id}", shape, parameters)
    yield plain(KIND, "sum of many", (2, 600), "reduction_param { axis: 1 }")
    yield plain(KIND, "mean of numbers", (5,), "reduction_param { operation: MEAN }")


ENTRIES = tuple(_entries())


def tops_of(entry: Entry, blobs, bottoms):
    """Number after number, added without rounding."""
    (x,) = bottoms
    spec = entry.net["layer"].parameters.reduction_param
    axis = spec.axis % x.ndim
    top = np.zeros(x.shape[:axis])
    for place in np.ndindex(top.shape):
        numbers = [float(number) for number in x[place].reshape(-1)]
        if spec.operation == spec.ASUM:
            numbers = [abs(number) for number in numbers]
        elif spec.operation == spec.SUMSQ:
            numbers = [number * number for number in numbers]
        total = math.fsum(numbers) * float(spec.coeff)
        top[place] = total / len(numbers) if spec.operation == spec.MEAN else total
    return [top]
