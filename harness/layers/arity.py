"""How many blobs a layer reads and writes, and of how many axes: what Caffe checks before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from harness.data import Layer, Shape
from harness.errors import UnsupportedError


def check_counts(layer: Layer, bottoms: Sequence[Shape], least: int, most: int | None = None) -> None:
    """Make sure of the number of bottoms, from `least` to `most`, and of a single top. Raises UnsupportedError."""
    most = least if most is None else most
    for count, low, high, what in ((len(bottoms), least, most, "bottom"), (len(layer.tops), 1, 1, "top")):
        if not low <= count <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            raise UnsupportedError(
                f"{layer.type} takes {wanted} {what}{'s' if high > 1 else ''}, not {count}",
                layer=layer.name,
                line=layer.line,
            )


def check_rank(layer: Layer, bottom: Shape, least: int, most: int, why: str) -> None:
    """Make sure of the number of axes of a bottom. Raises UnsupportedError, with the reason."""
    if not least <= len(bottom) <= most:
        axes = "1 axis" if len(bottom) == 1 else f"{len(bottom)} axes"
        raise UnsupportedError(f"reads a blob of {axes}: {why}", layer=layer.name, line=layer.line)


def canonical_axis(layer: Layer, axis: int, rank: int) -> int:
    """An axis counted from the front, as Caffe's `CanonicalAxisIndex` gives it. Raises UnsupportedError."""
    if not -rank <= axis < rank:
        raise UnsupportedError(f"axis {axis} of a blob of {rank} axes", layer=layer.name, line=layer.line)
    return axis % rank
