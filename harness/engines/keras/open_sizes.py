"""Models of open height and width, for those that cannot be built at a size: one went wrong before an Add or a Dense.

Keras checks sizes where layers meet, and stops at the first that does not fit, so that none of the layers would be judged.
With the height and width of every input left open there is nothing to check: layers are judged from Caffe's bottoms, each
by itself, and the one that loses a size is found among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.extras import import_keras


@contextmanager
def open_sizes(dense: Mapping[str, int]) -> Iterator[None]:
    """Models that are built inside of it take pictures of any height and width, whatever they declare.

    Args:
        dense: the Dense layers that read a whole picture, by name: how many numbers each reads. Behind an open picture
            Keras cannot know it.
    """
    layers = import_keras().layers
    declare, build = layers.InputLayer.__init__, layers.Dense.build

    def declare_open(self: Any, shape: Any = None, *more: Any, batch_shape: Any = None, **named: Any) -> None:
        declare(self, _open(shape, 3), *more, batch_shape=_open(batch_shape, 4), **named)

    def build_known(self: Any, input_shape: Any) -> None:
        *axes, last = input_shape
        build(self, (*axes, dense.get(self.name) if last is None else last))

    layers.InputLayer.__init__, layers.Dense.build = declare_open, build_known
    try:
        yield
    finally:
        layers.InputLayer.__init__, layers.Dense.build = declare, build


def _open(shape: Any, picture: int) -> Any:
    """A picture's shape, channels last, without its height and width; any other as it is."""
    if shape is None or len(shape) != picture:
        return shape
    return (*shape[: picture - 3], None, None, shape[-1])
