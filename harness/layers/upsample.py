"""Upsample: SegNet's unpooling, which puts numbers back to where a MAX pooling found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layers.window import check_counts, check_picture, square
from harness.layout import Held, last_order


@register("Upsample")
class Upsample(Whole):
    """top[n, c, mask[n,c,y,x]] = bottom[n,c,y,x], all else zero; of several numbers for one place the last one stays.

    The mask, the second bottom, counts row · width + column in a plane of the top, which is upsample_h × upsample_w, or
    `scale` times the bottom less one row or column where `pad_out_h` or `pad_out_w` says so.
    Source: upsample_layer.cpp of SegNet's Caffe (github.com/alexgkendall/caffe-segnet).
    """

    exact = True
    keras_classes = ("Unpooling", "MaxUnpooling2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        if len(bottoms) == 1:
            raise UnsupportedError(
                "reads 1 blob; SegNet's Upsample reads the numbers and the mask of a MAX pooling",
                layer=layer.name,
                line=layer.line,
                fix="other forks' Upsample, which repeats pixels, is not known: write a Deconvolution in its place",
            )
        check_counts(layer, bottoms, reads=(2,))
        check_picture(layer, bottoms[0])
        if bottoms[0] != bottoms[1]:
            raise UnsupportedError(
                f"the mask is {_text(bottoms[1])}, the numbers are {_text(bottoms[0])}; Caffe wants them alike",
                layer=layer.name,
                line=layer.line,
                fix="take the mask of the pooling that made this size",
            )
        return ((*bottoms[0][:2], *_size(layer, bottoms[0])),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        shape = bottoms[0].shape
        size, scale = _size(layer, shape), tuple(_scale(layer))
        plain = size == (shape[2] * scale[0], shape[3] * scale[1])
        arguments: dict[str, Any] = {"scale": square(scale)} if plain else {"size": size}
        return (KerasCall("Unpooling", arguments, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        values, places = bottoms[0], bottoms[1].astype(np.int64)
        height, width = _size(layer, values.shape)
        low, high = int(places.min(initial=0)), int(places.max(initial=0))
        if low < 0 or high >= height * width:
            raise UnsupportedError(
                f"the mask speaks of place {low if low < 0 else high} in a plane of {height}×{width}",
                layer=layer.name,
                line=layer.line,
                fix="give upsample_h and upsample_w as what the pooling of this mask read",
            )
        planes = int(np.prod(values.shape[:2]))
        top = np.zeros((planes, height * width), values.dtype)
        # Of equal indices the last one stays.
        top[np.arange(planes)[:, None], places.reshape(planes, -1)] = values.reshape(planes, -1)
        return (top.reshape(*values.shape[:2], height, width),)


def _size(layer: Layer, bottom: Shape) -> tuple[int, int]:
    spec = layer.parameters.upsample_param
    if spec.HasField("upsample_h") and spec.HasField("upsample_w"):
        size = (int(spec.upsample_h), int(spec.upsample_w))
        if min(size) < 2:
            raise _refused(layer, f"upsample_h and upsample_w are {_text(size)}; Caffe wants 2 or more")
        return size
    scale = _scale(layer)
    shorter = (bool(spec.pad_out_h), bool(spec.pad_out_w))
    if min(scale) < 2:
        raise _refused(layer, f"scale is {_text(scale)}; Caffe wants 2 or more")
    if any(short and one != 2 for short, one in zip(shorter, scale, strict=True)):
        raise _refused(layer, "pad_out_h and pad_out_w go with a scale of 2 only")
    return bottom[2] * scale[0] - shorter[0], bottom[3] * scale[1] - shorter[1]


def _scale(layer: Layer) -> tuple[int, int]:
    spec = layer.parameters.upsample_param
    if not spec.HasField("scale_h") and not spec.HasField("scale_w"):
        return int(spec.scale), int(spec.scale)
    if spec.HasField("scale") or not (spec.HasField("scale_h") and spec.HasField("scale_w")):
        raise _refused(layer, "scale_h and scale_w go together, and without scale")
    return int(spec.scale_h), int(spec.scale_w)


def _refused(layer: Layer, problem: str) -> UnsupportedError:
    return UnsupportedError(problem, layer=layer.name, line=layer.line, fix="give upsample_h and upsample_w")


def _text(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
