"""Blobs as most Keras models hold them."""

from __future__ import annotations

from harness.data import Shape
from harness.layout import Held, last_order


def last(*shapes: Shape) -> list[Held]:
    """Blobs held channels last."""
    return [Held(tuple(shape), last_order(len(shape))) for shape in shapes]
