"""Mistakes that people make with windows: other borders, another kernel, stride, dilation, rounding or divisor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.data import Layer
from harness.diagnose.setting import Mistake, Setting, all_of, in_bottoms, in_parameters, with_result
from harness.layers.pools import AVE, sums
from harness.layers.window import Window, read_window, spatial

Borders = tuple[tuple[int, int], ...]
"""For each spatial axis, how many rows or columns are put before and behind; less than zero are taken away."""

_SIDED = {"kernel_size": ("kernel_h", "kernel_w"), "stride": ("stride_h", "stride_w"), "pad": ("pad_h", "pad_w")}


def message_of(layer: Layer) -> str:
    """The message that holds a layer's window."""
    return "pooling_param" if layer.type == "Pooling" else "convolution_param"


def with_window(**sides: Sequence[int]) -> Mistake:
    """Another kernel_size, stride, pad or dilation: a number for each spatial axis."""

    def make(setting: Setting) -> Setting:
        message = message_of(setting.layer)
        values: dict[str, Any] = {}
        for name, side in sides.items():
            height, width = _SIDED.get(name, (None, None))
            if height is None or width is None:
                values[name] = list(side)
            elif message == "pooling_param":
                values |= {name: None, height: int(side[0]), width: int(side[1])}
            else:
                values |= {height: None, width: None, name: [int(one) for one in side]}
        return in_parameters(message, **values)(setting)

    return make


def framed(x: np.ndarray, borders: Borders, *, value: float = 0.0, mode: str = "constant") -> np.ndarray:
    """An N, C, … array with borders around its spatial axes.

    Args:
        value: what they hold.
        mode: of `numpy.pad`, where they are not constant.
    """
    kept = tuple(slice(max(0, -before), size - max(0, -behind)) for size, (before, behind) in _sized(x, borders))
    around = ((0, 0), (0, 0), *((max(0, before), max(0, behind)) for before, behind in borders))
    constant = {"constant_values": value} if mode == "constant" else {}
    return np.pad(x[spatial(kept)], around, mode=mode, **constant)  # type: ignore[call-overload, no-any-return]


def with_borders(before: Borders, own: Borders | None = None, *, value: float = 0.0, mode: str = "constant") -> Mistake:
    """The bottom with borders of its own in the place of Caffe's pad; a pool then rounds its size down, as Keras' do.

    Args:
        before: put there by a layer in front, so that a pool takes them for the image.
        own: put there by the layer itself: the largest is never found in them, and a mean leaves them out.
        value: what `before` holds.
        mode: of `numpy.pad`, where that is not constant.
    """
    nothing: Borders = ((0, 0),) * len(before)
    mine = own or nothing

    def make(setting: Setting) -> Setting:
        image = in_bottoms(lambda all_: [framed(all_[0], before, value=value, mode=mode), *all_[1:]])
        unpadded = with_window(pad=(0,) * len(before))
        if setting.layer.type != "Pooling":
            return all_of(image, in_bottoms(lambda all_: [framed(all_[0], mine), *all_[1:]]), unpadded)(setting)
        if setting.layer.parameters.pooling_param.pool == AVE:
            return all_of(image, unpadded, averaged(mine))(setting)
        outside = in_bottoms(lambda all_: [framed(all_[0], mine, value=-np.inf), *all_[1:]])
        return all_of(image, outside, unpadded, rounded_down)(setting)

    return make


def averaged(own: Borders) -> Mistake:
    """A mean over what lies inside the image, of windows that may reach into borders around it."""

    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        window = read_window(setting.layer, setting.layer.parameters.pooling_param, dilated=False)
        x = framed(setting.bottoms[0].astype(np.float64), own)
        inside = framed(np.ones((1, 1, *setting.bottoms[0].shape[2:])), own)
        out = size_behind(x.shape[2:], window)
        laid = Window(window.kernel, window.stride)
        count = np.maximum(sums(inside, laid, out), 1.0)
        return sums(x, laid, out) / count, sums(np.abs(x), laid, out) / count

    return with_result(compute)


def size_behind(sizes: Sequence[int], window: Window, borders: Borders | None = None) -> tuple[int, ...]:
    """How many windows fit on each axis, rounded down, with these borders around it; no pad."""
    around = borders or ((0, 0),) * len(sizes)
    return tuple(
        (size + before + behind - extent) // stride + 1
        for size, (before, behind), extent, stride in zip(sizes, around, window.extent, window.stride, strict=True)
    )


def same_borders(sizes: Sequence[int], window: Window) -> Borders:
    """What Keras' padding="same" puts around these sizes: half of what is missing before, the larger half behind."""
    borders = []
    for size, extent, stride in zip(sizes, window.extent, window.stride, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + extent - size)
        borders.append((total // 2, total - total // 2))
    return tuple(borders)


rounded_down = in_parameters("pooling_param", round_mode=1)
"""A pool whose last window may not reach over the edge. Field and value as in Caffe forks that have `round_mode`."""


def shown(begin: Sequence[int], size: Sequence[int]) -> Mistake:
    """Only a part of the top: where it begins and how large it is, for each spatial axis."""

    def make(setting: Setting) -> Setting:
        return replace(setting, offset=tuple(begin), size=tuple(size))

    return make


def _sized(x: np.ndarray, borders: Borders) -> list[tuple[int, tuple[int, int]]]:
    return list(zip(x.shape[2:], borders, strict=True))
