"""Pooling as Caffe does it: sizes, divisors, and a whole blob pooled axis by axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers.base import Index
from harness.layers.window import Window, check_fit, check_picture

MAX, AVE, STOCHASTIC = 0, 1, 2

EMPTY = -float(np.finfo(np.float32).max)
"""From where Caffe's search for the largest begins: what NaN, −∞ or a window behind the image altogether give, −FLT_MAX."""


def pooling_mode(layer: Layer, spec: Any) -> int:
    """MAX or AVE. Raises UnsupportedError for STOCHASTIC."""
    mode = int(spec.pool)
    if mode == STOCHASTIC:
        raise UnsupportedError(
            "STOCHASTIC pooling draws at random while it trains and has no inference in Caffe's CPU code",
            layer=layer.name,
            line=layer.line,
            fix="write pool: MAX or pool: AVE",
        )
    return mode


def pooled_size(window: Window, bottom: Shape, *, floor: bool = False) -> tuple[int, int]:
    """The height and width behind a pool.

    ceil((size + 2·pad − kernel) / stride) + 1, less one if there is padding and the last window would begin behind
    size + pad.
    """
    sizes = []
    for size, kernel, stride, pad in zip(bottom[2:], window.kernel, window.stride, window.pad, strict=True):
        reach = size + 2 * pad - kernel
        out = (reach // stride if floor else -(-reach // stride)) + 1
        if any(window.pad) and (out - 1) * stride >= size + pad:
            out -= 1
        sizes.append(out)
    return sizes[0], sizes[1]


def check_pool(layer: Layer, window: Window, bottom: Shape, *, floor: bool = False) -> None:
    """Make sure that the window slides over the bottom. Raises UnsupportedError."""
    check_picture(layer, bottom)
    if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
        raise UnsupportedError(
            "pad is as large as the kernel, which Caffe refuses too", layer=layer.name, line=layer.line
        )
    check_fit(layer, window, bottom, pooled_size(window, bottom, floor=floor))


def divisor(window: Window, bottom: Shape, row: Index, column: Index) -> np.ndarray:
    """What a sum is divided by at these rows and columns of the top: the window clipped to the *padded* image.

    A window behind the image altogether has a size of zero or less, and Caffe divides by that.
    """
    size: np.ndarray | int = 1
    for at, extent, kernel, stride, pad in zip(
        (row, column), bottom[2:], window.kernel, window.stride, window.pad, strict=True
    ):
        start = at * stride - pad
        size = size * (np.minimum(start + kernel, extent + pad) - start)
    return np.asarray(size)


def sums(x: np.ndarray, window: Window, out: Shape) -> np.ndarray:
    """The sum of every window, N, C, H, W."""
    return _pool(x, window, out, np.add, 0.0)


def means(x: np.ndarray, window: Window, out: Shape) -> np.ndarray:
    """Every window's sum over its divisor, N, C, H, W."""
    with np.errstate(all="ignore"):
        mean: np.ndarray = sums(x, window, out) / divisor(
            window, x.shape, np.arange(out[0])[:, None], np.arange(out[1])
        )
    return mean


def maxima(x: np.ndarray, window: Window, out: Shape) -> np.ndarray:
    """The largest of every window, N, C, H, W."""
    return _pool(x, window, out, np.fmax, EMPTY)


def _pool(x: np.ndarray, window: Window, out: Shape, combine: Callable[..., np.ndarray], start: float) -> np.ndarray:
    """The windows along one axis first, then along the other: kernel_h + kernel_w steps, and no copy with a frame."""
    for axis, (count, kernel, stride, pad) in enumerate(
        zip(out, window.kernel, window.stride, window.pad, strict=True), start=2
    ):
        pooled = np.full((*x.shape[:axis], count, *x.shape[axis + 1 :]), start, x.dtype)
        for tap in range(kernel):
            first = max(0, -((tap - pad) // stride))  # the first window whose tap does not fall before the image
            last = min(count, (x.shape[axis] - 1 - tap + pad) // stride + 1)
            if first < last:
                begin = first * stride + tap - pad
                met = _part(x, axis, slice(begin, begin + (last - first - 1) * stride + 1, stride))
                part = _part(pooled, axis, slice(first, last))
                combine(part, met, out=part)
        x = pooled
    return x


def _part(x: np.ndarray, axis: int, part: slice) -> np.ndarray:
    """A view of some of an axis."""
    index: list[Any] = [slice(None)] * x.ndim
    index[axis] = part
    view: np.ndarray = x[tuple(index)]
    return view
