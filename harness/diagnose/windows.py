"""Mistakes that people make with windows: other borders, another kernel, stride, dilation, rounding or divisor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.data import Layer
from harness.diagnose.setting import Mistake, Setting, all_of, in_bottoms, in_parameters

Borders = Sequence[tuple[int, int]]
"""For each spatial axis, how many rows or columns are put before and behind."""

_SIDED = {"kernel_size": ("kernel_h", "kernel_w"), "stride": ("stride_h", "stride_w"), "pad": ("pad_h", "pad_w")}


def message_of(layer: Layer) -> str:
    """The message that holds a layer's window."""
    return "pooling_param" if layer.type == "Pooling" else "convolution_param"


def with_window(**sides: Sequence[int]) -> Mistake:
    """Another kernel_size, stride, pad or dilation: a number for each of the two spatial axes."""

    def make(setting: Setting) -> Setting:
        message = message_of(setting.layer)
        values: dict[str, Any] = {}
        for name, side in sides.items():
            height, width = _SIDED.get(name, (None, None))
            if height is None or width is None:
                values[name] = list(side)
            else:
                values |= {name: None, height: int(side[0]), width: int(side[1])}
        return in_parameters(message, **values)(setting)

    return make


def with_borders(borders: Borders, *, value: float = 0.0, mode: str = "constant") -> Mistake:
    """The bottom with borders of its own in the place of Caffe's pad.

    Args:
        value: what they hold.
        mode: of `numpy.pad`, where they are not constant.
    """
    around = ((0, 0), (0, 0), *borders)

    def pad(bottoms: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        constant = {"constant_values": value} if mode == "constant" else {}
        return [np.pad(bottoms[0], around, mode=mode, **constant), *bottoms[1:]]  # type: ignore[call-overload]

    return all_of(in_bottoms(pad), with_window(pad=(0, 0)))


rounded_down = in_parameters("pooling_param", round_mode=1)
"""A pool whose last window may not reach over the edge. Field and value as in Caffe forks that have `round_mode`."""


def shown(begin: Sequence[int], size: Sequence[int]) -> Mistake:
    """Only a part of the top: where it begins and how large it is, for each spatial axis."""

    def make(setting: Setting) -> Setting:
        return replace(setting, offset=tuple(begin), size=tuple(size))

    return make
