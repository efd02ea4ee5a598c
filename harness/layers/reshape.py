"""Reshape: the same numbers in another shape."""

from __future__ import annotations

from math import prod
from typing import NoReturn

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.reshaping import Reshaping


@register("Reshape")
class Reshape(Reshaping):
    """`num_axes` axes from `axis` on are replaced by those of `shape`: 0 is the bottom's own, −1 what is left.

    A negative `axis` counts from behind the last: −1 adds axes at the end.
    Source: BVLC Caffe 1.0, reshape_layer.cpp, `LayerSetUp` and `Reshape`.
    """

    def new_shape(self, layer: Layer, bottom: Shape) -> Shape:
        start, end = _span(layer, len(bottom))
        dims = [int(dim) for dim in layer.parameters.reshape_param.shape.dim]
        if dims.count(-1) > 1:
            _refuse(layer, f"shape {dims} has several −1", "leave one −1, and write the other sizes")
        if any(dim < -1 for dim in dims):
            _refuse(layer, f"shape {dims} has a size below −1", "write sizes, 0 or −1")
        if any(dim == 0 and start + place >= len(bottom) for place, dim in enumerate(dims)):
            _refuse(layer, f"shape {dims} has a 0 where the bottom {bottom} has no axis", "write the size")
        sizes = [dim or bottom[start + place] for place, dim in enumerate(dims)]
        around = prod(bottom[:start]) * prod(bottom[end:])
        known = around * prod(size for size in sizes if size != -1)
        if -1 in sizes and prod(bottom) % known == 0:
            sizes[sizes.index(-1)] = prod(bottom) // known
        if -1 in sizes or around * prod(sizes) != prod(bottom):
            _refuse(layer, f"shape {dims} does not take the {prod(bottom)} numbers of {bottom}", "write sizes that do")
        return (*bottom[:start], *sizes, *bottom[end:])

    def inferred(self, layer: Layer, bottom: Shape) -> int | None:
        dims = list(layer.parameters.reshape_param.shape.dim)
        return _span(layer, len(bottom))[0] + dims.index(-1) if -1 in dims else None


def _span(layer: Layer, rank: int) -> tuple[int, int]:
    """The first axis that is replaced, and the one behind the last."""
    spec = layer.parameters.reshape_param
    start = int(spec.axis) if spec.axis >= 0 else rank + int(spec.axis) + 1
    if not 0 <= start <= rank:
        _refuse(layer, f"axis {spec.axis} of a blob of {rank} axes", f"give axis as {-rank - 1} to {rank}")
    end = rank if spec.num_axes == -1 else start + int(spec.num_axes)
    if spec.num_axes < -1 or end > rank:
        _refuse(
            layer,
            f"{spec.num_axes} axes from axis {start} on, of a blob of {rank} axes",
            f"give num_axes as 0 to {rank - start}, or −1 for all",
        )
    return start, end


def _refuse(layer: Layer, problem: str, fix: str) -> NoReturn:
    raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix=fix)
