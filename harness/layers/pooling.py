"""Pooling: the largest or the mean of a window, with Caffe's way of rounding sizes up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import (
    TINY,
    Blobs,
    Exact,
    Float32,
    Float64,
    Index,
    KerasCall,
    LayerType,
    U,
    Unit,
    at_sites,
    channels_last,
    rows_of,
)
from harness.layers.pools import EMPTY, MAX, check_pool, divisor, maxima, means, pooled_size, pooling_mode, sums
from harness.layers.window import Sides, Window, check_counts, check_picture, read_window, square
from harness.layout import Held, last_order

BLOCK = 1 << 22
"""Numbers that are squared at once."""


@register("Pooling")
class Pooling(LayerType):
    """MAX: the largest element of the window inside the image. AVE: its sum over the window's size.

    Output size, per axis: ceil((size + 2·pad − kernel) / stride) + 1, less one if there is padding and the last window
    would start behind size + pad; `round_mode: FLOOR` rounds down. AVE divides by the window clipped to the *padded*
    image. A second top of MAX says where the largest lies, row · width + column in the bottom's plane, the first of
    several; −1 where nothing is larger than −FLT_MAX.
    Source: BVLC Caffe 1.0, pooling_layer.cpp, `LayerSetUp`, `Reshape` and `Forward_cpu`.
    """

    keras_classes = (
        "MaxPooling2D",
        "AveragePooling2D",
        "GlobalMaxPooling2D",
        "GlobalAveragePooling2D",
        "MaxPooling",
        "AveragePooling",
        "MaxPoolingWithMask",
        "MaxPoolingWithArgmax2D",
    )

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        mode = pooling_mode(layer, _spec(layer))
        check_counts(layer, bottoms, makes=(1, 2) if mode == MAX else (1,))
        bottom = bottoms[0]
        check_picture(layer, bottom)
        window = _window(layer, bottom)
        check_pool(layer, window, bottom, floor=_floor(layer))
        return ((*bottom[:2], *_out(layer, bottom)),) * len(layer.tops)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        bottom = bottoms[0].shape
        window, kind = _window(layer, bottom), "Max" if pooling_mode(layer, _spec(layer)) == MAX else "Average"
        arguments: dict[str, Any] = {"pool_size": square(window.kernel), "strides": square(window.stride)}
        comment = None
        if len(layer.tops) == 1:
            if _spec(layer).global_pooling:
                return (KerasCall(f"Global{kind}Pooling2D", {"keepdims": True}, main=True),)
            reaches_over = any(window.pad) or any(_overhang(layer, bottom))
            # Keras divides by what lies inside the image, Caffe by the padding as well.
            if reaches_over and _is_same(layer, bottom) and (kind == "Max" or not any(window.pad)):
                arguments["padding"] = "same"
                reaches_over = False
                if not any(window.pad):
                    comment = "rounds the size up, as Caffe does"
                elif max(window.stride) > 1:
                    comment = "pads as Caffe does at this size"
            if not reaches_over:
                return (KerasCall(f"{kind}Pooling2D", arguments, positional=1, comment=comment, main=True),)
        if any(window.pad):
            arguments["padding"] = square(window.pad)
        if _floor(layer):
            arguments["floor"] = True
        own = f"{kind}Pooling" if len(layer.tops) == 1 else "MaxPoolingWithMask"
        return (KerasCall(own, arguments, positional=1, main=True, custom=True),)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(tops[0]) * np.prod(_window(layer, bottoms[0]).kernel))

    def reach(self, layer: Layer) -> tuple[Sides, Sides]:
        window = Window((1, 1)) if _spec(layer).global_pooling else read_window(layer, _spec(layer), dilated=False)
        return window.extent, window.stride

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """Zero for MAX, which rounds nothing; for AVE u · ‖x_window‖₂ / √divisor, a dot product with 1/divisor."""
        if pooling_mode(layer, _spec(layer)) == MAX:
            return Unit()
        x, out = bottoms[0], top.shape[2:]
        window = _window(layer, x.shape)
        planes = x.reshape(-1, 1, *x.shape[2:])
        squares = np.empty((len(planes), 1, *out), np.float32)
        step = max(1, BLOCK // max(1, int(np.prod(x.shape[2:]))))
        for start in range(0, len(planes), step):
            block = planes[start : start + step].astype(np.float64)
            squares[start : start + step] = np.sqrt(np.abs(means(block * block, window, out)))
        dense = np.float32(U) * rows_of(squares.reshape(top.shape))
        return Unit(dense=np.where(np.isfinite(dense), dense, np.float32(0)), floor=4 * TINY)

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        window = _window(layer, bottoms[0].shape)
        if pooling_mode(layer, _spec(layer)) == MAX:
            value = _largest(bottoms[0], window, sites, _out(layer, bottoms[0].shape), where=position == 1)
            return Exact(value, np.zeros_like(value))
        total, size = _sums(bottoms[0], window, sites, _out(layer, bottoms[0].shape))
        count = divisor(window, bottoms[0].shape, sites[:, 1], sites[:, 2])[:, None]
        with np.errstate(all="ignore"):
            value = total / count
        terms = int(np.prod(window.kernel)) + 1
        return Exact(value, size / np.maximum(np.abs(count), 1), terms=terms, floor=4 * TINY)


def _largest(bottom: np.ndarray, window: Window, sites: Index, out: Shape, *, where: bool) -> Float64:
    """The largest of each site's window, or where it lies."""
    last = channels_last(bottom)
    if not where and _is_cheaper_whole(bottom, window, sites, out):
        return at_sites(maxima(bottom.astype(np.float64), window, out), sites)
    largest = np.full((len(sites), last.shape[-1]), EMPTY)
    place = np.full(largest.shape if where else (0, 0), -1.0)
    for tap in window.taps():
        inside, places = window.at(sites, tap, bottom.shape[2:])
        x = last[places]
        if where:
            index = (places[1] * last.shape[2] + places[2])[:, None]
            place[inside] = np.where(x > largest[inside], index, place[inside])
        largest[inside] = np.fmax(largest[inside], x)
    return place if where else largest


def _is_cheaper_whole(bottom: np.ndarray, window: Window, sites: Index, out: Shape) -> bool:
    """True if every tap of these sites is about as many numbers as the whole, pooled axis by axis and without look-ups."""
    rows, columns = window.kernel
    whole = len(bottom) * out[0] * (rows * bottom.shape[3] + columns * out[1])
    return bool(rows * columns * len(sites) > 0.9 * whole)


def _sums(bottom: np.ndarray, window: Window, sites: Index, out: Shape) -> tuple[Float64, Float64]:
    """Σ x and Σ |x| over each site's window."""
    if _is_cheaper_whole(bottom, window, sites, out):
        wide = bottom.astype(np.float64)
        return at_sites(sums(wide, window, out), sites), at_sites(sums(np.abs(wide), window, out), sites)
    last = channels_last(bottom)
    total = np.zeros((len(sites), last.shape[-1]))
    size = np.zeros_like(total)
    for tap in window.taps():
        inside, places = window.at(sites, tap, bottom.shape[2:])
        x = last[places].astype(np.float64)
        total[inside] += x
        size[inside] += np.abs(x)
    return total, size


def _overhang(layer: Layer, bottom: Shape) -> tuple[int, ...]:
    """How far the last window reaches over the edge, with no pad at the end."""
    window, out = _window(layer, bottom), _out(layer, bottom)
    return tuple(
        max(0, (n - 1) * stride + kernel - pad - size)
        for n, stride, kernel, pad, size in zip(out, window.stride, window.kernel, window.pad, bottom[2:], strict=True)
    )


def _is_same(layer: Layer, bottom: Shape) -> bool:
    """True if Keras' padding="same" has the same windows: it pads (total // 2) before and the rest behind."""
    window, outs = _window(layer, bottom), _out(layer, bottom)
    for size, out, kernel, stride, pad in zip(bottom[2:], outs, window.kernel, window.stride, window.pad, strict=True):
        total = max(0, (out - 1) * stride + kernel - size)
        if out != -(-size // stride) or total // 2 != pad:
            return False
    return True


def _out(layer: Layer, bottom: Shape) -> tuple[int, int]:
    return pooled_size(_window(layer, bottom), bottom, floor=_floor(layer))


def _floor(layer: Layer) -> bool:
    return bool(_spec(layer).round_mode)  # CEIL unless the net says FLOOR


def _spec(layer: Layer) -> Any:
    return layer.parameters.pooling_param


def _window(layer: Layer, bottom: Shape) -> Window:
    spec = _spec(layer)
    if not spec.global_pooling:
        return read_window(layer, spec, dilated=False)
    given = [name for name in ("kernel_size", "kernel_h", "kernel_w") if spec.HasField(name)]
    given += [name for name in ("pad", "pad_h", "pad_w") if getattr(spec, name)]
    given += [name for name in ("stride", "stride_h", "stride_w") if spec.HasField(name) and getattr(spec, name) != 1]
    if given:
        raise UnsupportedError(
            f"global_pooling with {given[0]}, which Caffe refuses too",
            layer=layer.name,
            line=layer.line,
            fix=f"leave {given[0]} out, or global_pooling",
        )
    return Window(kernel=(bottom[2], bottom[3]))
