"""A small array laid along some axes of a blob: what Scale and Bias have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers.arity import canonical_axis, check_counts
from harness.layers.base import TINY, Float32, KerasCall, U
from harness.layout import Held

FLUSH = TINY / U
"""What a denormal operand that one side flushes to zero is worth, as a scale of rounding errors."""


@dataclass(frozen=True)
class Along:
    """An array of `shape` on the axes from `start` on of a blob of `rank` axes, all in Caffe's order."""

    rank: int
    start: int
    shape: Shape

    @property
    def axes(self) -> tuple[int, ...]:
        """The Caffe axes that it lies on."""
        return tuple(range(self.start, self.start + len(self.shape)))

    @property
    def batched(self) -> bool:
        """True if it has another number for each image of a batch."""
        return 0 in self.axes and self.shape[0] > 1

    def spread(self, array: np.ndarray) -> np.ndarray:
        """The array with axes of size 1 around its own, so that it can be multiplied with the blob."""
        behind = self.rank - self.start - len(self.shape)
        return array.reshape((1,) * self.start + self.shape + (1,) * behind)

    def variable(self, array: Float32, held: Held) -> Float32:
        """The array as a Keras variable that is broadcast over the blob as Keras holds it."""
        laid: Float32 = self.spread(array).transpose(held.order)
        first = min(self.keras_axes(held), default=held.rank)
        return laid.reshape(laid.shape[first:])

    def keras_axes(self, held: Held) -> tuple[int, ...]:
        """The axes of the Keras tensor that a variable lies on, ascending; a batch of one image is none of them."""
        return tuple(sorted(held.axis(axis) for axis in self.axes if axis or self.batched))


def read_along(layer: Layer, spec: Any, bottoms: Sequence[Shape]) -> Along:
    """Where the second bottom, or the learned blob for want of one, lies.

    Args:
        spec: a `scale_param` or `bias_param`; with two bottoms its num_axes is not looked at, as in Caffe.

    Raises:
        UnsupportedError: it reaches behind the first bottom's axes, or its sizes are others.
    """
    check_counts(layer, bottoms, 1, 2)
    rank = len(bottoms[0])
    if len(bottoms) > 1:
        start = canonical_axis(layer, int(spec.axis), rank) if bottoms[1] else 0
        count = len(bottoms[1])
    else:
        start, count = canonical_axis(layer, int(spec.axis), rank), int(spec.num_axes)
        count = rank - start if count == -1 else count
        start = start if count else 0
    shape = bottoms[0][start : start + count]
    problem = None
    if count < 0:
        problem = f"num_axes {spec.num_axes}: give a number of axes, or -1 for all from axis {spec.axis} on"
    elif start + count > rank:
        problem = f"{count} axes from axis {spec.axis} on reach past the end of {bottoms[0]}"
    elif len(bottoms) > 1 and bottoms[1] != shape:
        problem = f"the second bottom is {bottoms[1]}, the first {bottoms[0]} from axis {spec.axis} on"
    if problem:
        raise UnsupportedError(problem, layer=layer.name, line=layer.line)
    return Along(rank, start, shape)


def second_order(layer: Layer, spec: Any, bottoms: Sequence[Held]) -> Order | None:
    """How the second of two bottoms is to be held: as the first holds the axes that they share."""
    if read_along(layer, spec, [bottom.shape for bottom in bottoms]).start:
        return None  # its first axis is not the batch, and a Keras layer takes it as it comes
    return tuple(axis for axis in bottoms[0].order if axis < bottoms[1].rank)


def merged(layer: Layer, along: Along, bottoms: Sequence[Held], merge: str) -> tuple[KerasCall, ...] | None:
    """Two bottoms by a merging layer of Keras, the second reshaped for it; None if it has no batch to begin with."""
    if along.start or not along.shape:
        return None
    call = KerasCall(merge, main=True, reads=(-1, -2))
    if bottoms[1].rank == bottoms[0].rank:
        return (call,)
    target = tuple(size if axis < bottoms[1].rank else 1 for axis, size in _axes(bottoms[0]))
    return (KerasCall("Reshape", {"target_shape": target}, 1, reads=(-2,)), KerasCall(merge, main=True, reads=(-1, 0)))


def axis_argument(axes: Sequence[int], rank: int) -> dict[str, Any]:
    """The `axis` of one of our layers as a person would write it: nothing for the last, a number for one."""
    if list(axes) == [rank - 1]:
        return {}
    return {"axis": axes[0] if len(axes) == 1 else list(axes)}


def variable_call(along: Along, held: Held, kind: str, **more: Any) -> KerasCall:
    """One of our layers with variables along some axes of its one bottom, or with a bias along those of its second."""
    arguments = axis_argument(along.keras_axes(held), along.rank) | more
    comment = None
    if along.batched:
        arguments["batch_size"] = along.shape[0]
        comment = "a number for each image of the batch, as in Caffe"
    return KerasCall(kind, arguments, comment=comment, main=True, custom=True)


def _axes(held: Held) -> list[tuple[int, int]]:
    """Caffe's axes behind the batch, in Keras' order, with their sizes."""
    return [(axis, held.shape[axis]) for axis in held.order[1:]]
