"""Tensors and variables that lie along some axes of another tensor: what Scale and Bias have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

Axis = int | Sequence[int]


def is_pair(shape: Any) -> bool:
    """True for the shapes of two tensors, False for that of one."""
    return bool(shape) and isinstance(shape[0], (list, tuple))


def axes_of(axis: Axis, rank: int) -> list[int]:
    """The axes counted from the front."""
    return [one % rank for one in ([axis] if isinstance(axis, int) else axis)]


def variable_shape(axis: Axis, shape: Sequence[int], batch_size: int | None) -> tuple[int, ...]:
    """The shape of a variable along `axis` of a tensor, without the axes before them.

    Where the batch is among them, it is as long as `batch_size`, or 1: whatever a batch holds.
    """
    axes = axes_of(axis, len(shape))
    sizes = [size if position in axes else 1 for position, size in enumerate((batch_size or 1, *shape[1:]))]
    first = min((one for one in axes if one or batch_size), default=len(shape))
    return tuple(sizes[first:])


def laid_along(tensor: Any, axis: Axis, rank: int) -> Any:
    """A tensor whose axes are `axis` of another, in that order, so that the two can be multiplied or added."""
    axes = axes_of(axis, rank)
    tensor = ops.transpose(tensor, sorted(range(len(axes)), key=axes.__getitem__))
    for position in range(rank):
        if position not in axes:
            tensor = ops.expand_dims(tensor, position)
    return tensor
