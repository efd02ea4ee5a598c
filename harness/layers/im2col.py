"""Im2col: every window laid out as channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layers.window import Window, check_counts, check_fit, read_window, spatial, square
from harness.layout import Held, last_order


@register("Im2col")
class Im2col(Whole):
    """top[n, (c, i, j), y, x] = bottom[n, c, y·stride + i·dilation − pad, x·stride + j·dilation − pad], zero outside.

    (c, i, j) is one axis of C · kernel_h · kernel_w channels, the column fastest. Source: BVLC Caffe 1.0,
    im2col_layer.cpp and im2col.cpp.
    """

    exact = True
    keras_classes = ("Im2col",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms)
        bottom, axis = bottoms[0], int(layer.parameters.convolution_param.axis)
        problem = None
        if not 3 <= len(bottom) <= 5:
            problem = f"reads a blob of {len(bottom)} axes: only N, C and one to three spatial axes are supported"
        elif axis % len(bottom) != 1:
            problem = f"axis {axis}: only axis 1 is supported"
        if problem:
            raise UnsupportedError(problem, layer=layer.name, line=layer.line)
        window, out = _window(layer, bottom), _out(layer, bottom)
        check_fit(layer, window, bottom, out)
        return ((bottom[0], bottom[1] * int(np.prod(window.kernel)), *out),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        window = _window(layer, bottoms[0].shape)
        arguments: dict[str, Any] = {"kernel_size": square(window.kernel)}
        for name, sides, usual in (
            ("strides", window.stride, 1),
            ("padding", window.pad, 0),
            ("dilation_rate", window.dilation, 1),
        ):
            if set(sides) != {usual}:
                arguments[name] = square(sides)
        return (KerasCall("Im2col", arguments, positional=1, main=True, custom=True),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        bottom = bottoms[0]
        window, out = _window(layer, bottom.shape), _out(layer, bottom.shape)
        padded = np.pad(bottom, ((0, 0), (0, 0), *((pad, pad) for pad in window.pad)))
        taps = [padded[spatial(window.slices(tap, out))] for tap in window.taps()]
        return (np.stack(taps, axis=2).reshape(bottom.shape[0], -1, *out),)


def _out(layer: Layer, bottom: Shape) -> Shape:
    window = _window(layer, bottom)
    sides = zip(bottom[2:], window.pad, window.extent, window.stride, strict=True)
    return tuple((size + 2 * pad - extent) // stride + 1 for size, pad, extent, stride in sides)


def _window(layer: Layer, bottom: Shape) -> Window:
    return read_window(layer, layer.parameters.convolution_param, dilated=True, axes=len(bottom) - 2)
