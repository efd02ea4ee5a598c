"""Mean and variance over some axes: what BatchNorm, SegNet's BN and MVN have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from harness.data import Shape
from harness.layers.base import U, Unit, rows_of


@dataclass(frozen=True)
class Moments:
    """Of an array over some of its axes, which are kept with size 1."""

    mean: np.ndarray
    size: np.ndarray  # the mean of |x|, which a rounding error of the mean is relative to
    variance: np.ndarray  # the mean of (x − mean)²
    square: np.ndarray  # the mean of x²


def moments(x: np.ndarray, axes: Sequence[int]) -> Moments:
    """In the precision of x."""
    over = tuple(axes)
    mean = x.mean(axis=over, keepdims=True)
    centred = x - mean
    np.square(centred, out=centred)
    variance = centred.mean(axis=over, keepdims=True)
    size = np.abs(x, out=centred).mean(axis=over, keepdims=True)
    return Moments(mean, size, variance, variance + mean * mean)


def but_channels(x: np.ndarray) -> tuple[int, ...]:
    """Every axis but the channels'."""
    return (0, *range(2, x.ndim))


def terms_of(shape: Shape, axes: Sequence[int]) -> int:
    """How many numbers a mean over these axes is of."""
    return prod(shape[axis] for axis in axes)


def normalized_unit(scale: np.ndarray, normal: np.ndarray, floor: float) -> Unit:
    """u · (5 · scale + 18 · |y|), y = `normal` being what was divided by a deviation, before any shift.

    A deviation and a shift are rounded once for a whole channel, on both sides: that error is not random, but a slope (up to
    5 u · |y|: half of the variance's, the root, its inverse, the products) and an offset (2 u · |mean| / deviation), and no
    more than a quarter unit of either is let through. Real Caffe against TensorFlow: hardly ever more than 0.2 in the worst
    of 2,048 channels. An epsilon of 2e-5 for 1e-5 is 84 u · |y| where the variance is 1.
    """
    with np.errstate(all="ignore"):
        dense = rows_of(np.abs(normal))
        dense *= 18
        dense += 5 * rows_of(scale)
        dense = np.float32(U) * dense.astype(np.float32)
    return Unit(dense=dense, floor=floor)
