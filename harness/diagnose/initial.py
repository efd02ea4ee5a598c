"""Numbers that no one has trained: what Keras' initializers draw."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt

import numpy as np

from harness.data import Shape

TRUNCATED = 0.87962566103423978
"""Standard deviation of a normal distribution that is cut off at two of its own."""

SIGMAS = 4.0
"""How far a sample's statistics may lie from the distribution's, in standard errors."""


def initializer_of(values: np.ndarray, keras_shape: Shape) -> str | None:
    """The initializer that draws such numbers, or what constant they all are; None for numbers that none would draw.

    Args:
        keras_shape: of the variable: its last two axes are inputs and outputs, those before them the kernel's sides.
    """
    first = values.flat[0]
    if (values == first).all():
        return {0.0: "zeros", 1.0: "ones"}.get(float(first), f"the constant {first:.6g}")
    if len(keras_shape) < 2:
        return None
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    largest = max(float(values.max()), -float(values.min()))
    error = SIGMAS / sqrt(values.size)
    for name, spread, limit in _distributions(keras_shape):
        if largest <= limit * (1 + 1e-6) and abs(deviation / spread - 1) <= error and abs(mean) <= error * spread:
            return name
    return None


def bilinear(sides: Shape) -> np.ndarray:
    """The kernel that interpolates: 1 − |x/⌈k/2⌉ − c|, c = (k − 1)/(2·⌈k/2⌉), along rows times the same along columns.

    Source: BilinearFiller in BVLC Caffe 1.0, filler.hpp, for sides that may differ.
    """
    lines = []
    for side in sides:
        half = -(-side // 2)
        lines.append(1 - np.abs(np.arange(side) / half - (side - 1) / (2 * half)))
    return np.outer(*lines)


def _distributions(shape: Shape) -> Iterator[tuple[str, float, float]]:
    """Name, standard deviation and largest number. Source: keras/src/initializers/random_initializers.py."""
    field = prod(shape[:-2])
    inputs, outputs = shape[-2] * field, shape[-1] * field
    scales = {"glorot": 2.0 / (inputs + outputs), "he": 2.0 / inputs, "lecun": 1.0 / inputs}
    for name, variance in scales.items():
        yield f"{name}_uniform", sqrt(variance), sqrt(3 * variance)
        yield f"{name}_normal", sqrt(variance), 2 * sqrt(variance) / TRUNCATED
    yield "random_uniform", 0.05 / sqrt(3), 0.05
    yield "random_normal", 0.05, np.inf
