"""Caffe's layout and Keras': the same numbers, their axes in another order.

Caffe keeps channels on axis 1 and says so by number; a Keras model keeps them last, as a rule. An *order* says which
Caffe axis each axis of a Keras tensor holds: `(0, 2, 3, 1)` is channels last, `(0, 1, 2, 3)` is Caffe's own. Inside the
harness arrays are compared channels last, because that is how the candidate computes most of them; indices are reported
in Caffe's order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.data import Order, Shape, View

_ROWS = 32


def caffe_order(rank: int) -> Order:
    """The axes as Caffe has them."""
    return tuple(range(rank))


def last_order(rank: int) -> Order:
    """Channels last; what has no more than two axes looks the same in every order."""
    return (0, *range(2, rank), 1) if rank > 2 else caffe_order(rank)


@dataclass(frozen=True)
class Held:
    """A Caffe blob as a Keras tensor holds it."""

    shape: Shape  # in Caffe's order
    order: Order

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def keras_shape(self) -> Shape:
        """The shape in Keras' order, the batch among it."""
        return tuple(self.shape[axis] for axis in self.order)

    def axis(self, caffe_axis: int) -> int:
        """Where a Caffe axis lies in the Keras tensor; a negative axis counts from behind, as Caffe's do."""
        return self.order.index(caffe_axis % self.rank)


def channels_last(array: np.ndarray) -> np.ndarray:
    """N, C, … → N, …, C, contiguous."""
    # Not `ascontiguousarray`, which makes an array of one axis out of a single number.
    return np.asarray(last_view(array), order="C")


def in_one_piece(array: np.ndarray) -> np.ndarray:
    """The same numbers in C order; the array itself if it is so already.

    A kernel that is turned, O, I, H, W → H, W, I, O, is copied some output channels at a time: few enough for what is read of
    them to stay in the processor's cache, which for 400 MB is four times as fast as to copy it at once.
    """
    if array.flags.c_contiguous:
        return array
    slowest = int(np.argmax(np.abs(array.strides)))
    copy = np.empty(array.shape, array.dtype)
    for start in range(0, array.shape[slowest], _ROWS):
        some = (slice(None),) * slowest + (slice(start, start + _ROWS),)
        copy[some] = array[some]
    return copy


def last_view(array: np.ndarray) -> np.ndarray:
    """A view of N, C, … as N, …, C."""
    return np.moveaxis(array, 1, -1) if array.ndim > 2 else array


def channels_first(array: np.ndarray) -> np.ndarray:
    """A view of N, …, C as N, C, …."""
    return np.moveaxis(array, -1, 1) if array.ndim > 2 else array


def caffe_shape(last: Shape) -> Shape:
    """The shape N, …, C as Caffe writes it: N, C, …."""
    return (last[0], last[-1], *last[1:-1]) if len(last) > 2 else last


def channel_count(last: Shape) -> int:
    """The last axis of N, …, C; with less than two axes there is one channel."""
    return last[-1] if len(last) > 1 else 1


def caffe_index(last: tuple[int, ...]) -> tuple[int, ...]:
    """An index into N, …, C as an index into N, C, …."""
    return caffe_shape(last)


def last_shape(caffe: Shape) -> Shape:
    """The shape N, C, … with its channels last."""
    return (caffe[0], *caffe[2:], caffe[1]) if len(caffe) > 2 else caffe


def to_candidate(array_last: np.ndarray, rank: int, order: Order | View | None = None) -> np.ndarray:
    """A channels-last array as a Keras tensor of that rank and order wants it.

    Rank 3 for a 4-D blob is N, H·W, C (flattened for a pixel-wise softmax); rank 2 drops axes of size 1.
    """
    if isinstance(order, View):
        return _into_view(array_last, order)
    if array_last.ndim == rank:
        return _reordered(array_last, last_order(rank), order or last_order(rank))
    if rank == 3 and array_last.ndim == 4:
        return array_last.reshape(array_last.shape[0], -1, array_last.shape[-1])
    if rank == 2 and all(size == 1 for size in array_last.shape[1:-1]):
        return array_last.reshape(array_last.shape[0], -1)
    return array_last


def from_candidate(array: np.ndarray, reference_last: Shape, order: Order | View | None = None) -> np.ndarray:
    """What Keras computed, channels last, in as many axes as the reference where that is a mere change of view.

    An array that cannot be viewed so comes back as it is; its shape then differs from the reference's.
    """
    rank = len(reference_last)
    if isinstance(order, View):
        return _out_of_view(array, order, reference_last)
    if array.ndim == rank:
        return _reordered(array, order or last_order(rank), last_order(rank))
    if array.size != math.prod(reference_last):
        return array
    if _but_for_ones(array.shape) == _but_for_ones(reference_last):
        return array.reshape(reference_last)
    if array.ndim and rank and array.shape[-1] == reference_last[-1] and array.shape[0] == reference_last[0]:
        return array.reshape(reference_last)
    return array


def _into_view(array_last: np.ndarray, view: View) -> np.ndarray:
    """A blob as the tensor that views it; as it is where it has too few or too many numbers for that."""
    seen = (-1, *view.through[1:])
    if array_last.size % math.prod(view.through[1:]):
        return array_last
    turned = channels_first(array_last).reshape(seen).transpose(view.order)
    known = [turned.shape[0], *view.shape[1:]]
    if known.count(None) > 1:  # only a tensor that is not reshaped may leave more open
        return np.ascontiguousarray(turned)
    target = [-1 if size is None else size for size in known]
    if turned.size % abs(math.prod(target)) or (-1 not in target and turned.size != math.prod(target)):
        return array_last
    return np.ascontiguousarray(turned).reshape(target)


def _out_of_view(array: np.ndarray, view: View, reference_last: Shape) -> np.ndarray:
    """The blob that a tensor views; the array as it is where it has another number of elements, or another batch."""
    if array.size != math.prod(reference_last) or array.shape[:1] != reference_last[:1]:
        return array
    seen = [(array.shape[0], *view.through[1:])[axis] for axis in view.order]
    back = array.reshape(seen).transpose(np.argsort(view.order))
    return channels_last(back.reshape(caffe_shape(reference_last)))


def _but_for_ones(shape: Shape) -> Shape:
    """A shape without its axes of size 1, the batch kept."""
    return (*shape[:1], *(size for size in shape[1:] if size != 1))


def _reordered(array: np.ndarray, have: Sequence[int], want: Sequence[int]) -> np.ndarray:
    if tuple(have) == tuple(want):
        return array
    return np.ascontiguousarray(array.transpose([tuple(have).index(axis) for axis in want]))
