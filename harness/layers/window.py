"""The geometry of sliding windows: what Convolution, Pooling and Deconvolution have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers.base import Float32, channels_last

Pair2 = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A two-dimensional window; each pair is height, width."""

    kernel: Pair2
    stride: Pair2 = (1, 1)
    pad: Pair2 = (0, 0)
    dilation: Pair2 = (1, 1)

    @property
    def extent(self) -> Pair2:
        """How far the dilated kernel reaches: dilation · (kernel − 1) + 1."""
        height, width = ((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return height, width

    def taps(self) -> Iterator[Pair2]:
        """Every position in the kernel, row by row."""
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                yield row, column


def read_window(layer: Layer, spec: Any, *, dilated: bool) -> Window:
    """The window in a `convolution_param` or `pooling_param`, with Caffe's defaults.

    Raises:
        UnsupportedError: no kernel size, a side of zero, or more than two spatial axes.
    """

    def pair(name: str, default: int | None) -> Pair2:
        stem = "kernel" if name == "kernel_size" else name
        height, width = f"{stem}_h", f"{stem}_w"
        if hasattr(spec, height) and (spec.HasField(height) or spec.HasField(width)):
            return int(getattr(spec, height)), int(getattr(spec, width))
        value = getattr(spec, name)
        values = list(value) if dilated or name == "dilation" else [value] if spec.HasField(name) else []
        if not values:
            if default is None:
                raise UnsupportedError("no kernel_size", layer=layer.name, line=layer.line, fix="give kernel_size")
            return default, default
        if len(values) == 1:
            values *= 2
        if len(values) != 2:
            raise UnsupportedError(
                f"{name} has {len(values)} values: only two spatial axes are supported",
                layer=layer.name,
                line=layer.line,
            )
        return int(values[0]), int(values[1])

    window = Window(
        kernel=pair("kernel_size", None),
        stride=pair("stride", 1),
        pad=pair("pad", 0),
        dilation=pair("dilation", 1) if dilated else (1, 1),
    )
    for name, sides in (("kernel_size", window.kernel), ("stride", window.stride), ("dilation", window.dilation)):
        if min(sides) < 1:
            raise UnsupportedError(
                f"{name} is {sides[0]}×{sides[1]}",
                layer=layer.name,
                line=layer.line,
                fix=f"give {name}, or both of its sides, as 1 or more",
            )
    return window


def check_bottom(layer: Layer, bottom: Shape) -> None:
    """Make sure that a window can slide over the bottom. Raises UnsupportedError."""
    if len(bottom) != 4:
        raise UnsupportedError(
            f"reads a blob of {len(bottom)} axes: only N, C, H, W is supported", layer=layer.name, line=layer.line
        )


def check_convolution(layer: Layer, spec: Any, bottom: Shape) -> None:
    """Make sure that a `convolution_param` can be honoured. Raises UnsupportedError."""
    check_bottom(layer, bottom)
    problem = None
    if int(spec.axis) % len(bottom) != 1:
        problem = f"axis {spec.axis}: only axis 1 is supported"
    elif spec.num_output < 1:
        problem = "no num_output"
    elif spec.group < 1 or bottom[1] % spec.group or spec.num_output % spec.group:
        problem = f"group {spec.group} does not divide {bottom[1]} input and {spec.num_output} output channels"
    if problem:
        raise UnsupportedError(problem, layer=layer.name, line=layer.line)


def check_fit(layer: Layer, window: Window, bottom: Shape, top: Sequence[int]) -> None:
    """Make sure that something is left, given the top's height and width. Raises UnsupportedError."""
    if min(top) < 1:
        raise UnsupportedError(
            f"a window of {window.extent[0]}×{window.extent[1]} does not fit into {bottom}",
            layer=layer.name,
            line=layer.line,
            fix="give a larger --input-size",
        )


def square_sums(bottom: Float32, groups: int) -> Float32:
    """Σ x² over the channels of each group, with float64 where float32 overflows: N, groups, H, W."""
    n, channels, height, width = bottom.shape
    x = channels_last(bottom).reshape(n, height, width, groups, channels // groups)
    with np.errstate(over="ignore"):
        sums: Float32 = np.einsum("nhwgc,nhwgc->nghw", x, x)
    if not np.isfinite(sums).all():
        sums = np.einsum("nhwgc,nhwgc->nghw", x.astype(np.float64), x.astype(np.float64))
    return sums


def padding_call(pad: Pair2) -> dict[str, Any]:
    """Keras' `padding` argument of ZeroPadding2D for a symmetric pad: a number where it is one."""
    return {"padding": pad[0] if pad[0] == pad[1] else pad}


def square(pair: Pair2) -> int | Pair2:
    """A pair as a person would write it: one number if both are equal."""
    return pair[0] if pair[0] == pair[1] else pair
