"""The geometry of sliding windows: what Convolution, Pooling, Deconvolution and Im2col have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from harness.data import KerasNode, Layer, Shape
from harness.errors import UnsupportedError
from harness.layers.base import Float32, Index, channels_last

Sides = tuple[int, ...]
"""One number for each spatial axis: height, width for a picture."""

Tap = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """A window over the spatial axes, two of them unless more or less are given."""

    kernel: Sides
    stride: Sides = (1, 1)
    pad: Sides = (0, 0)
    dilation: Sides = (1, 1)

    @property
    def extent(self) -> Sides:
        """How far the dilated kernel reaches: dilation · (kernel − 1) + 1."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def taps(self) -> Iterator[Tap]:
        """Every position in the kernel, row by row."""
        return product(*map(range, self.kernel))

    def at(self, sites: Index, tap: Tap, size: Shape) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Where a tap meets the bottom at some sites: which of them lie inside, and the index of those, channels last.

        Args:
            sites: sites × (N, spatial axes) into the top.
            size: the bottom's spatial size.
        """
        place = sites[:, 1:] * self.stride + np.multiply(tap, self.dilation) - self.pad
        inside = np.asarray(((place >= 0) & (place < size)).all(axis=1))
        return inside, (sites[inside, 0], *place[inside].T)

    def slices(self, tap: Tap, out: Sequence[int]) -> tuple[slice, ...]:
        """What a tap meets at all sites, as slices of the spatial axes of a bottom that is padded already."""
        starts = [t * d for t, d in zip(tap, self.dilation, strict=True)]
        return tuple(
            slice(start, start + (n - 1) * stride + 1, stride)
            for start, n, stride in zip(starts, out, self.stride, strict=True)
        )


def read_window(layer: Layer, spec: Any, *, dilated: bool, axes: int = 2) -> Window:
    """The window in a `convolution_param` or `pooling_param`, with Caffe's defaults.

    Args:
        axes: how many spatial axes the bottom has.

    Raises:
        UnsupportedError: no kernel size, a side of zero, or values that do not fit the spatial axes.
    """

    def sides(name: str, default: int | None) -> Sides:
        stem = "kernel" if name == "kernel_size" else name
        height, width = f"{stem}_h", f"{stem}_w"
        value = getattr(spec, name)
        values = [int(one) for one in (value if dilated else [value] if spec.HasField(name) else [])]
        if hasattr(spec, height) and (spec.HasField(height) or spec.HasField(width)):
            if values or axes != 2:
                raise UnsupportedError(
                    f"{height} and {width} beside {name}"
                    if values
                    else f"{height} and {width} for {axes} spatial axes",
                    layer=layer.name,
                    line=layer.line,
                    fix=f"write {name} alone, as Caffe wants it",
                )
            return int(getattr(spec, height)), int(getattr(spec, width))
        if not values:
            if default is None:
                raise UnsupportedError("no kernel_size", layer=layer.name, line=layer.line, fix="give kernel_size")
            return (default,) * axes
        if len(values) not in (1, axes):
            raise UnsupportedError(
                f"{name} has {len(values)} values for {axes} spatial axes",
                layer=layer.name,
                line=layer.line,
                fix=f"give {name} once, or once for each spatial axis",
            )
        return tuple(values if len(values) == axes else values * axes)

    window = Window(
        kernel=sides("kernel_size", None),
        stride=sides("stride", 1),
        pad=sides("pad", 0),
        dilation=sides("dilation", 1) if dilated else (1,) * axes,
    )
    for name, given in (("kernel_size", window.kernel), ("stride", window.stride), ("dilation", window.dilation)):
        if min(given) < 1:
            raise UnsupportedError(
                f"{name} is {'×'.join(map(str, given))}",
                layer=layer.name,
                line=layer.line,
                fix=f"give {name}, or all of its sides, as 1 or more",
            )
    return window


def written_axes(spec: Any) -> int:
    """How many spatial axes a `convolution_param` speaks of, where no bottom is at hand: two, unless it has more values."""
    return max(2, *(len(values) for values in (spec.kernel_size, spec.stride, spec.pad, spec.dilation)))


def check_picture(layer: Layer, bottom: Shape) -> None:
    """Make sure that the bottom is N, C, H, W, as Caffe does. Raises UnsupportedError."""
    if len(bottom) != 4:
        raise UnsupportedError(
            f"reads a blob of {len(bottom)} axes: Caffe takes N, C, H, W", layer=layer.name, line=layer.line
        )


def check_counts(
    layer: Layer,
    bottoms: Sequence[Shape],
    reads: Collection[int] = (1,),
    makes: Collection[int] = (1,),
    fix: str = "leave the others out",
) -> None:
    """Make sure that the layer has as many bottoms and tops as Caffe's. Raises UnsupportedError."""
    for verb, count, allowed in (("reads", len(bottoms), reads), ("makes", len(layer.tops), makes)):
        if count not in allowed:
            blobs = "1 blob" if count == 1 else f"{count} blobs"
            raise UnsupportedError(
                f"{verb} {blobs}; {layer.type} {verb} {' or '.join(map(str, allowed))}",
                layer=layer.name,
                line=layer.line,
                fix=fix if count > max(allowed) else f"name {' or '.join(map(str, allowed))}",
            )


def check_convolution(layer: Layer, bottom: Shape, group: int, outputs: int) -> None:
    """Make sure that a `convolution_param` can be honoured. Raises UnsupportedError."""
    spec = layer.parameters.convolution_param
    problem, fix = None, None
    if not 3 <= len(bottom) <= 5:
        problem = f"reads a blob of {len(bottom)} axes: only N, C and one to three spatial axes are supported"
    elif int(spec.axis) % len(bottom) != 1:
        problem, fix = (
            f"axis {spec.axis}: only axis 1 is supported",
            "leave axis out: Keras' windows slide behind axis 1",
        )
    elif outputs < 1:
        problem, fix = "no num_output", "give num_output"
    elif group < 1 or bottom[1] % group or outputs % group:
        problem = f"group {group} does not divide {bottom[1]} input and {outputs} output channels"
    if problem:
        raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix=fix)


ONE_KERNEL = 'write one layer for each bottom, all with the same param { name: "…" }'
"""The way out where one kernel serves several blobs, which a Keras layer can but a comparison cannot tell apart."""


def check_fit(layer: Layer, window: Window, bottom: Shape, top: Sequence[int]) -> None:
    """Make sure that something is left, given the top's spatial size. Raises UnsupportedError."""
    if min(top) < 1:
        raise UnsupportedError(
            f"a window of {'×'.join(map(str, window.extent))} does not fit into {bottom}",
            layer=layer.name,
            line=layer.line,
            fix="give a larger --input-size",
        )


def square_sums(bottom: Float32, groups: int) -> Float32:
    """Σ x² over the channels of each group, with float64 where float32 overflows: N, groups, and the spatial axes."""
    x = channels_last(bottom)
    x = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    with np.errstate(over="ignore"):
        sums: Float32 = np.einsum("...gc,...gc->...g", x, x)
    if not np.isfinite(sums).all():
        sums = np.einsum("...gc,...gc->...g", x.astype(np.float64), x.astype(np.float64))
    return np.moveaxis(sums, -1, 1)


def spatial(index: Iterable[Any]) -> Any:
    """An index of the last axes, which are the spatial ones, whatever stands before them."""
    return (..., *index)


def grouped(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each group's channels times its kernel: sites × C by groups × C/g × O/g → sites × O."""
    groups, inputs, outputs = kernel.shape
    if groups == 1:
        return np.asarray(x @ kernel[0])
    parts = np.matmul(x.reshape(len(x), groups, inputs).transpose(1, 0, 2), kernel)
    return np.asarray(parts.transpose(1, 0, 2).reshape(len(x), groups * outputs))


def spread(kernel: np.ndarray, dilation: Sides) -> np.ndarray:
    """A kernel whose last axes are spatial, with zeros between its taps where it is dilated."""
    if set(dilation) <= {1}:
        return kernel
    extent = [(size - 1) * step + 1 for size, step in zip(kernel.shape[-len(dilation) :], dilation, strict=True)]
    wide = np.zeros((*kernel.shape[: -len(dilation)], *extent), kernel.dtype)
    wide[spatial(slice(None, None, step) for step in dilation)] = kernel
    return wide


def only_picks(node: KerasNode) -> bool:
    """True for a Keras pool of one pixel: with a stride it picks, and computes nothing."""
    pools = {f"{kind}Pooling{axes}D" for kind in ("Max", "Average") for axes in (1, 2, 3)}
    size = node.config.get("pool_size")
    return node.class_name in pools and set(size if isinstance(size, Sequence) else (size,)) == {1}


def padding_call(pad: Sides) -> dict[str, Any]:
    """Keras' `padding` argument of a ZeroPadding layer for a symmetric pad: a number where it is one."""
    return {"padding": square(pad)}


def square(sides: Sides) -> int | Sides:
    """Sides as a person would write them: one number if all are equal."""
    return sides[0] if len(set(sides)) == 1 else sides
