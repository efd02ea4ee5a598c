"""The geometry of sliding windows: what Convolution, Pooling and Deconvolution have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data import Layer
from harness.errors import UnsupportedError
from harness.layers.base import Float32, channels_last

Pair2 = tuple[int, int]
Index = npt.NDArray[np.int64]


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
        UnsupportedError: no kernel size, or more than two spatial axes.
    """

    def pair(name: str, default: int | None) -> Pair2:
        height, width = f"{'kernel' if name == 'kernel_size' else name}_h", f"{'kernel' if name == 'kernel_size' else name}_w"
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

    return Window(
        kernel=pair("kernel_size", None),
        stride=pair("stride", 1),
        pad=pair("pad", 0),
        dilation=pair("dilation", 1) if dilated else (1, 1),
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
