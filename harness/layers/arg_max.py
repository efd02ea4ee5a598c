"""ArgMax: where the largest numbers are, or which they are."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import canonical_axis, check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order


@register("ArgMax")
class ArgMax(Whole):
    """The `top_k` largest numbers along `axis`, or of everything behind the batch, the largest first.

    With an axis the top has their indices, or with `out_max_val` the numbers, along it. Without one it is N × 1 × top_k,
    or with `out_max_val` N × 2 × top_k, indices before numbers, and further axes of size 1 up to the bottom's rank.
    Of equal numbers the one with the larger index counts as larger: pairs of number and index are sorted.
    Source: BVLC Caffe 1.0, argmax_layer.cpp.
    """

    exact = True
    keras_classes = ("ArgMax", "Argmax")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        (bottom,) = bottoms
        spec, axis = layer.parameters.argmax_param, _axis(layer, len(bottom))
        size = prod(bottom[1:]) if axis is None else bottom[axis]
        if not 1 <= spec.top_k <= size:
            raise UnsupportedError(
                f"top_k {spec.top_k} of {size} numbers",
                layer=layer.name,
                line=layer.line,
                fix=f"give top_k as 1 to {size}",
            )
        if axis is not None:
            return ((*bottom[:axis], int(spec.top_k), *bottom[axis + 1 :]),)
        shape = (bottom[0], 2 if spec.out_max_val else 1, int(spec.top_k))
        return (shape + (1,) * (len(bottom) - 3),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        """An index into everything counts in Caffe's order of axes."""
        return (None if _axis(layer, bottoms[0].rank) is not None else caffe_order(bottoms[0].rank),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        spec, axis = layer.parameters.argmax_param, _axis(layer, bottom.rank)
        arguments: dict[str, Any] = {"top_k": int(spec.top_k)} if spec.top_k != 1 else {}
        if axis is not None:
            arguments["axis"] = bottom.axis(axis)
        if spec.out_max_val:
            arguments["out_max_val"] = True
        return (KerasCall("ArgMax", arguments, main=True, custom=True),)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        (bottom,) = bottoms
        return (bottom.order if _axis(layer, bottom.rank) is not None else caffe_order(max(3, bottom.rank)),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        spec, axis = layer.parameters.argmax_param, _axis(layer, x.ndim)
        rows = x.reshape(x.shape[0], -1) if axis is None else np.moveaxis(x, axis, -1)
        index = _largest(rows, int(spec.top_k))
        (shape,) = self.output_shapes(layer, [x.shape])
        if axis is not None:
            found = np.take_along_axis(rows, index, -1) if spec.out_max_val else index
            return (np.moveaxis(found, -1, axis).astype(x.dtype),)
        both = [index, np.take_along_axis(rows, index, -1)] if spec.out_max_val else [index]
        return (np.stack([one.astype(x.dtype) for one in both], axis=1).reshape(shape),)


def _largest(rows: np.ndarray, count: int) -> np.ndarray:
    """The indices of the largest along the last axis; of equal numbers the last comes first."""
    backwards = rows[..., ::-1]
    if count == 1:  # without sorting all of it
        first = np.argmax(backwards, axis=-1)[..., None]
    else:
        first = np.argsort(-backwards, axis=-1, kind="stable")[..., :count]
    index: np.ndarray = rows.shape[-1] - 1 - first
    return index


def _axis(layer: Layer, rank: int) -> int | None:
    spec = layer.parameters.argmax_param
    return canonical_axis(layer, int(spec.axis), rank) if spec.HasField("axis") else None
