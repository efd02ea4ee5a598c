"""What the tables of Caffe's neuron layers share: numbers from every corner, and one number after the other."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from harness.data import Shape

INFINITE = (math.inf, -math.inf, math.nan)
HUGE = (3e38, -3e38, 1e30, -1e30, 1e10, -1e10)
TINY = (1e-20, -1e-20, 1.2e-38, -1.2e-38)  # the last ones are just not denormal
DENORMAL = (1.1e-38, -1.1e-38, 3e-39, -3e-39, 1e-40, -1e-40, 1e-45, -1e-45)
SATURATED = (9.0, -9.0, 17.0, -17.0, 19.0, -19.0, 36.0, -36.0, 50.0, -50.0, 87.0, -87.0, 88.0, -88.0, 89.0, -89.0)
SATURATED += (100.0, -100.0, 104.0, -104.0, 1000.0, -1000.0)
ZERO = (0.0, -0.0)
EVERYTHING = (*ZERO, *INFINITE, *HUGE, *TINY, *DENORMAL, *SATURATED, 1.0, -1.0, 0.5, -0.5)


def laid_out(*values: float) -> Callable[[np.random.Generator, Shape], np.ndarray]:
    """A draw of the given numbers, again and again until the blob is full."""
    return lambda rng, shape: np.resize(np.array(values, np.float64), shape)


def spread(size: float, mean: float = 0.0) -> Callable[[np.random.Generator, Shape], np.ndarray]:
    """A draw of normal numbers of a size."""
    return lambda rng, shape: size * rng.normal(size=shape) + mean


def each(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    """One number after the other."""
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        top[index] = function(float(x[index]))
    return top


def power(base: float, exponent: float) -> float:
    """C's pow, where Python raises an error."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:  # a negative base and a fractional exponent, or zero and a negative one
        if base != 0:
            return math.nan
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf


def exp(x: float) -> float:
    """C's exp."""
    return power(math.e, x) if abs(x) > 700 else math.exp(x)


def log(x: float) -> float:
    """C's log."""
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan
