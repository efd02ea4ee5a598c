"""Eltwise."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "Eltwise"
FOUR = ((2, 3, 4, 5),) * 4


def _param(text: str) -> str:
    return f"eltwise_param {{ {text} }}"


def large(rng: np.random.Generator, shape) -> np.ndarray:
    """Numbers that lose each other's digits when they are added."""
    return rng.normal(size=shape) * 10.0 ** rng.integers(-3, 5, size=shape)


ENTRIES = (
    plain(KIND, "sum", FOUR[:2]),
    plain(KIND, "sum of four", FOUR),
    plain(KIND, "sum of unequal sizes", FOUR, draws=(large,)),
    plain(KIND, "sum of vectors", ((3, 7),) * 3),
    plain(KIND, "sum of sequences", ((2, 5, 3),) * 2),
    plain(KIND, "difference", FOUR[:2], _param("coeff: 1 coeff: -1")),
    plain(KIND, "coefficients", FOUR[:3], _param("operation: SUM coeff: 0.1 coeff: -2.5 coeff: 3")),
    plain(KIND, "negative difference", FOUR[:2], _param("coeff: -1 coeff: 1")),
    plain(KIND, "coefficients of one", FOUR[:3], _param("coeff: 1 coeff: 1 coeff: 1")),
    plain(KIND, "a coefficient of zero", FOUR[:2], _param("coeff: 0 coeff: 1")),
    plain(KIND, "product", FOUR[:2], _param("operation: PROD")),
    plain(KIND, "product of four", FOUR, _param("operation: PROD"), draws=(large,)),
    plain(KIND, "largest", FOUR[:2], _param("operation: MAX")),
    plain(KIND, "largest of four", FOUR, _param("operation: MAX")),
    plain(KIND, "largest, with coefficients that nobody reads", FOUR[:2], _param("operation: MAX coeff: 2 coeff: 3")),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One element after the other, the bottoms in their order."""
    spec = entry.net["layer"].parameters.eltwise_param
    top = np.zeros(bottoms[0].shape)
    for index in np.ndindex(top.shape):
        numbers = [float(bottom[index]) for bottom in bottoms]
        if spec.operation == spec.SUM:
            result = 0.0
            for place, number in enumerate(numbers):
                result += (float(spec.coeff[place]) if spec.coeff else 1.0) * number
        elif spec.operation == spec.PROD:
            result = 1.0
            for number in numbers:
                result *= number
        else:
            result = max(numbers)
        top[index] = result
    return [top]
