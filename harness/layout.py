"""Caffe's layout and Keras': the same numbers, their axes in another order.

Caffe keeps channels on axis 1, Keras (as a rule) on the last. Inside the harness arrays are compared channels last,
because that is how the candidate computes them; indices are reported in Caffe's order.
"""

from __future__ import annotations

import math

import numpy as np

from harness.data import Shape


def channels_last(array: np.ndarray) -> np.ndarray:
    """N, C, … → N, …, C, contiguous."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim > 2 else np.ascontiguousarray(array)


def channels_first(array: np.ndarray) -> np.ndarray:
    """A view of N, …, C as N, C, …."""
    return np.moveaxis(array, -1, 1) if array.ndim > 2 else array


def caffe_shape(last: Shape) -> Shape:
    """The shape N, …, C as Caffe writes it: N, C, …."""
    return (last[0], last[-1], *last[1:-1]) if len(last) > 2 else last


def caffe_index(last: tuple[int, ...]) -> tuple[int, ...]:
    """An index into N, …, C as an index into N, C, …."""
    return caffe_shape(last)


def last_shape(caffe: Shape) -> Shape:
    """The shape N, C, … with its channels last."""
    return (caffe[0], *caffe[2:], caffe[1]) if len(caffe) > 2 else caffe


def to_candidate(array_last: np.ndarray, rank: int, *, data_format: str = "channels_last") -> np.ndarray:
    """A channels-last array as a Keras tensor of that rank wants it.

    Rank 3 for a 4-D blob is N, H·W, C (flattened for a pixel-wise softmax); rank 2 drops axes of size 1.
    """
    if data_format == "channels_first" and array_last.ndim == rank:
        return np.ascontiguousarray(channels_first(array_last))
    if array_last.ndim == rank:
        return array_last
    if rank == 3 and array_last.ndim == 4:
        return array_last.reshape(array_last.shape[0], -1, array_last.shape[-1])
    if rank == 2 and all(size == 1 for size in array_last.shape[1:-1]):
        return array_last.reshape(array_last.shape[0], -1)
    return array_last


def from_candidate(array: np.ndarray, reference_last: Shape, *, data_format: str = "channels_last") -> np.ndarray:
    """What Keras computed, channels last, in as many axes as the reference where that is a mere change of view.

    An array that cannot be viewed so comes back as it is; its shape then differs from the reference's.
    """
    if data_format == "channels_first" and array.ndim == len(reference_last):
        return channels_last(array)
    if array.ndim > 2 and array.shape == caffe_shape(reference_last) != reference_last:
        return channels_last(array)
    if array.ndim == len(reference_last) or array.size != math.prod(reference_last):
        return array
    same_channels = array.shape[-1] == reference_last[-1] and array.shape[0] == reference_last[0]
    return array.reshape(reference_last) if same_channels else array
