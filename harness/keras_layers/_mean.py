"""Means over several axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def mean_over(x: Any, axes: Sequence[int]) -> Any:
    """The mean over some axes, which are kept with size 1.

    One axis after the other: summed up at once, a whole image adds up to a hundred times the rounding errors.
    """
    for axis in reversed(axes):
        x = ops.mean(x, axis, keepdims=True)
    return x
