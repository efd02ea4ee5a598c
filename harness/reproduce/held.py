"""How a Keras tensor holds a blob, in three steps that plain NumPy can do: reshape, transpose, reshape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.data import Order, Shape, View
from harness.errors import MappingError
from harness.layout import channels_last, from_candidate, last_order, to_candidate


@dataclass(frozen=True)
class Steps:
    """The blob in `shape`, its axes in `order`, and then in `keras_shape`, is the tensor."""

    shape: Shape
    order: Order
    keras_shape: Shape

    def __str__(self) -> str:
        return repr((self.shape, self.order, self.keras_shape))

    def apply(self, blob: np.ndarray) -> np.ndarray:
        """A blob, N, C, H, W, as Keras has it."""
        tensor: np.ndarray = blob.reshape(self.shape).transpose(self.order).reshape(self.keras_shape)
        return tensor


def read_steps(blob: Shape, rank: int, layout: Order | View) -> Steps:
    """How a blob is handed to a tensor of that rank."""
    places = _places(blob)
    wanted = to_candidate(channels_last(places), rank, layout)
    return _that_gives(places, wanted.shape, layout, lambda made: np.array_equal(made, wanted))


def made_steps(blob: Shape, made: Shape, rank: int, layout: Order | View) -> Steps:
    """How a tensor that the candidate made holds a blob; as it should, where its shape is wrong.

    Args:
        made: the tensor's shape.
    """
    places = _places(blob)
    last = channels_last(places)
    if from_candidate(np.empty(made, np.bool_), last.shape, layout).shape != last.shape:
        return read_steps(blob, rank, layout)
    return _that_gives(
        places, made, layout, lambda tensor: np.array_equal(from_candidate(tensor, last.shape, layout), last)
    )


def _places(blob: Shape) -> np.ndarray:
    return np.arange(int(np.prod(blob))).reshape(blob)


def _that_gives(
    places: np.ndarray, keras_shape: Shape, layout: Order | View, is_right: Callable[[np.ndarray], bool]
) -> Steps:
    for shape, order in _ways(places.shape, layout):
        steps = Steps(shape, order, keras_shape)
        if is_right(steps.apply(places)):
            return steps
    raise MappingError(f"a tensor of {keras_shape} holds a blob of {places.shape} in no way that could be written down")


def _ways(blob: Shape, layout: Order | View) -> Iterator[tuple[Shape, Order]]:
    size = int(np.prod(blob))
    if isinstance(layout, View):
        items = int(np.prod(layout.through[1:]))
        if size % items == 0:
            yield (size // items, *layout.through[1:]), layout.order
    elif len(layout) == len(blob):
        yield blob, layout
    yield blob, last_order(len(blob))
