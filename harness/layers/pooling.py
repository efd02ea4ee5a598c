"""Pooling: the largest or the mean of a window, with Caffe's way of rounding sizes up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import TINY, Blobs, Exact, Float32, Index, KerasCall, LayerType, U, Unit, channels_last
from harness.layers.window import Window, check_bottom, check_fit, read_window, square
from harness.layout import Held, last_order

MAX, AVE, STOCHASTIC = 0, 1, 2

EMPTY = -float(np.finfo(np.float32).max)
"""What Caffe's MAX gives where a window lies behind the image altogether: −FLT_MAX."""


@register("Pooling")
class Pooling(LayerType):
    """MAX: the largest element of the window inside the image. AVE: its sum over the window's size.

    Output size, per axis: ceil((size + 2·pad − kernel) / stride) + 1, less one if there is padding and the last window
    would start behind size + pad; `round_mode: FLOOR` rounds down. AVE divides by the window clipped to the *padded*
    image.
    Source: BVLC Caffe 1.0, pooling_layer.cpp, `Reshape` and `Forward_cpu`.
    """

    keras_classes = ("MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        _mode(layer)
        check_bottom(layer, bottoms[0])
        window, size = _window(layer, bottoms[0]), _output_size(layer, bottoms[0])
        if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
            raise UnsupportedError(
                "pad is as large as the kernel, which Caffe refuses too", layer=layer.name, line=layer.line
            )
        check_fit(layer, window, bottoms[0], size)
        shape = (*bottoms[0][:2], *size)
        return (shape,) * len(layer.tops)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        bottom = bottoms[0].shape
        mode = _mode(layer)
        kind = "MaxPooling2D" if mode == MAX else "AveragePooling2D"
        if layer.parameters.pooling_param.global_pooling:
            return (KerasCall(f"Global{kind}", {"keepdims": True}, main=True),)
        window = _window(layer, bottom)
        arguments: dict[str, Any] = {"pool_size": square(window.kernel), "strides": square(window.stride)}
        comment = None
        if window.pad != (0, 0) or _overhang(layer, bottom) != (0, 0):
            if mode == AVE or not _is_same(layer, bottom):
                raise UnsupportedError(
                    f"a window of {window.kernel[0]}×{window.kernel[1]} over {bottom} reaches over the edge as no "
                    "pooling layer of Keras does",
                    layer=layer.name,
                    line=layer.line,
                )
            arguments["padding"] = "same"
            comment = "rounds the size up, as Caffe does"
        return (KerasCall(kind, arguments, positional=1, comment=comment, main=True),)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(tops[0]) * np.prod(_window(layer, bottoms[0]).kernel))

    def reach(self, layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
        spec = layer.parameters.pooling_param
        window = Window((1, 1)) if spec.global_pooling else read_window(layer, spec, dilated=False)
        return window.extent, window.stride

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """Zero for MAX, which rounds nothing; for AVE u · ‖x_window‖₂ / √divisor, a dot product with 1/divisor."""
        if _mode(layer) == MAX:
            return Unit()
        window = _window(layer, bottoms[0].shape)
        squares, _, divisor = _sums(bottoms[0].astype(np.float64) ** 2, window, top.shape[2:])
        dense = U * np.sqrt(squares / divisor[..., None])
        return Unit(dense=dense.reshape(-1, top.shape[1]).astype(np.float32))

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        window = _window(layer, bottoms[0].shape)
        bottom = channels_last(bottoms[0])
        channels = bottom.shape[-1]
        largest = np.full((len(sites), channels), EMPTY)
        total = np.zeros((len(sites), channels))
        size = np.zeros((len(sites), channels))
        for i, j in window.taps():
            row = sites[:, 1] * window.stride[0] + i - window.pad[0]
            column = sites[:, 2] * window.stride[1] + j - window.pad[1]
            inside = (row >= 0) & (row < bottom.shape[1]) & (column >= 0) & (column < bottom.shape[2])
            x = bottom[sites[inside, 0], row[inside], column[inside]].astype(np.float64)
            largest[inside] = np.maximum(largest[inside], x)
            total[inside] += x
            size[inside] += np.abs(x)
        if _mode(layer) == MAX:
            return Exact(largest, np.zeros_like(largest))
        divisor = _divisor(bottoms[0].shape, window, sites[:, 1], sites[:, 2])[:, None]
        return Exact(total / divisor, size / divisor, terms=int(np.prod(window.kernel)) + 1, floor=4 * TINY)


def _output_size(layer: Layer, bottom: Shape) -> tuple[int, int]:
    """Caffe's height and width behind a pooling layer."""
    window = _window(layer, bottom)
    floor = bool(layer.parameters.pooling_param.round_mode)  # CEIL unless the net says FLOOR
    sizes = []
    for size, kernel, stride, pad in zip(bottom[2:], window.kernel, window.stride, window.pad, strict=True):
        reach = size + 2 * pad - kernel
        out = (reach // stride if floor else -(-reach // stride)) + 1
        if window.pad != (0, 0) and (out - 1) * stride >= size + pad:
            out -= 1
        sizes.append(out)
    return sizes[0], sizes[1]


def _overhang(layer: Layer, bottom: Shape) -> tuple[int, int]:
    """How far the last window reaches over the edge, with no pad at the end."""
    window, out = _window(layer, bottom), _output_size(layer, bottom)
    height, width = (
        (n - 1) * stride + kernel - pad - size
        for n, stride, kernel, pad, size in zip(out, window.stride, window.kernel, window.pad, bottom[2:], strict=True)
    )
    return max(0, height), max(0, width)


def _is_same(layer: Layer, bottom: Shape) -> bool:
    """True if Keras' padding="same" has the same windows: it pads (total // 2) before and the rest behind."""
    window, outs = _window(layer, bottom), _output_size(layer, bottom)
    for size, out, kernel, stride, pad in zip(bottom[2:], outs, window.kernel, window.stride, window.pad, strict=True):
        total = max(0, (out - 1) * stride + kernel - size)
        if out != -(-size // stride) or total // 2 != pad:
            return False
    return True


def _sums(x: np.ndarray, window: Window, out: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The window's sum, channels last, at every site; the sites; Caffe's divisor at each."""
    n, height, width = x.shape[0], out[0], out[1]
    sites = np.stack(np.meshgrid(np.arange(n), np.arange(height), np.arange(width), indexing="ij"), -1).reshape(-1, 3)
    bottom = channels_last(x)
    total = np.zeros((len(sites), x.shape[1]))
    for i, j in window.taps():
        row = sites[:, 1] * window.stride[0] + i - window.pad[0]
        column = sites[:, 2] * window.stride[1] + j - window.pad[1]
        inside = (row >= 0) & (row < bottom.shape[1]) & (column >= 0) & (column < bottom.shape[2])
        total[inside] += bottom[sites[inside, 0], row[inside], column[inside]]
    return total, sites, _divisor(x.shape, window, sites[:, 1], sites[:, 2])


def _divisor(bottom: Shape, window: Window, row: Index, column: Index) -> np.ndarray:
    """The size of the window clipped to the padded image."""
    size = np.ones(len(row))
    for at, extent, kernel, stride, pad in zip(
        (row, column), bottom[2:], window.kernel, window.stride, window.pad, strict=True
    ):
        start = at * stride - pad
        size *= np.minimum(start + kernel, extent + pad) - start
    return size


def _mode(layer: Layer) -> int:
    mode = int(layer.parameters.pooling_param.pool)
    if mode == STOCHASTIC:
        raise UnsupportedError(
            "STOCHASTIC pooling draws at random while it trains and has no inference in Caffe's CPU code",
            layer=layer.name,
            line=layer.line,
            fix="write pool: MAX or pool: AVE",
        )
    return mode


def _window(layer: Layer, bottom: Shape) -> Window:
    spec = layer.parameters.pooling_param
    if spec.global_pooling:
        return Window(kernel=(bottom[2], bottom[3]))
    return read_window(layer, spec, dilated=False)
