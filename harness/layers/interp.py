"""Interp: bilinear interpolation that keeps the corners, as DeepLab's and PSPNet's forks have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layers.window import check_counts, check_picture
from harness.layout import Held, last_order


@register("Interp")
class Interp(Whole):
    """Row i of the top lies at i · (size − 1) / (new size − 1) of the bottom, between two rows; so do the columns.

    The new size is `height` and `width`, the second bottom's, or from `zoom_factor` z and `shrink_factor` s:
    ((size − 1) / s + 1 − 1) · z + 1, the division rounded down. Negative `pad_beg` and `pad_end` crop the bottom before.
    Source: interp_layer.cpp and interp.cpp `caffe_cpu_interp2` of DeepLab's Caffe.
    """

    keras_classes = ("Interp", "Resizing", "UpSampling2D")
    shape_only = (1,)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, reads=(1, 2))
        check_picture(layer, bottoms[0])
        return ((*bottoms[0][:2], *_size(layer, bottoms)),)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (last_order(bottoms[0].rank), *(None for _ in bottoms[1:]))

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec = layer.parameters.interp_param
        arguments: dict[str, Any] = {name: int(getattr(spec, name)) for name in _FACTORS if spec.HasField(name)}
        if not arguments or _is_explicit(spec):
            height, width = _size(layer, [bottom.shape for bottom in bottoms])
            arguments = {"height": height, "width": width}
        arguments |= {name: int(getattr(spec, name)) for name in ("pad_beg", "pad_end") if getattr(spec, name)}
        return (KerasCall("Interp", arguments, main=True, custom=True, reads=(-1,)),)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        x = _cropped(layer, bottoms[0])
        height, width = _size(layer, [bottom.shape for bottom in bottoms])
        return (_along(_along(x, 2, height), 3, width),)

    def scale(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], tops: Sequence[np.ndarray]
    ) -> Sequence[np.ndarray] | None:
        """2 · Σ w·|x| + row · |slope down| + column · |slope across|.

        The weights and products of the sum round a few times. Caffe has the place of a row in float32, which is off by
        up to 2 · u · row; the error is passed on by the steepest slope at hand, of this pair of rows or of the next.
        """
        x = _cropped(layer, bottoms[0])
        height, width = _size(layer, [bottom.shape for bottom in bottoms])
        size = _along(_along(np.abs(x), 2, height), 3, width)
        down = _along(_nearest(_steepest(x, 2), 2, height), 3, width)
        across = _along(_nearest(_steepest(x, 3), 3, width), 2, height)
        rows, columns = _places(x.shape[2], height), _places(x.shape[3], width)
        return (2 * size + rows[:, None].astype(x.dtype) * down + columns.astype(x.dtype) * across,)

    def terms(self, layer: Layer, bottoms: Sequence[Shape]) -> int:
        return 8


_FACTORS = ("zoom_factor", "shrink_factor")


def _is_explicit(spec: Any) -> bool:
    return bool(spec.HasField("height") and spec.HasField("width"))


def _cropped(layer: Layer, x: np.ndarray) -> np.ndarray:
    spec = layer.parameters.interp_param
    begin, end = -int(spec.pad_beg), int(spec.pad_end)
    return x[:, :, begin : x.shape[2] + end, begin : x.shape[3] + end]


def _size(layer: Layer, bottoms: Sequence[Shape]) -> tuple[int, int]:
    """The top's height and width. Raises UnsupportedError."""
    spec = layer.parameters.interp_param
    begin, end = int(spec.pad_beg), int(spec.pad_end)
    zoom, shrink = int(spec.zoom_factor), int(spec.shrink_factor)
    factors = [name for name in _FACTORS if spec.HasField(name)]
    sizes = [size + begin + end for size in bottoms[0][2:]]
    explicit = _is_explicit(spec)
    problem, fix = None, "give height and width, or zoom_factor or shrink_factor"
    if begin > 0 or end > 0:
        problem, fix = f"pad_beg {begin} and pad_end {end}: Caffe only crops", "give neither above 0"
    elif min(sizes) < 1:
        problem, fix = (
            f"pad_beg {begin} and pad_end {end} leave nothing of {bottoms[0][2]}×{bottoms[0][3]}",
            "crop less",
        )
    elif len(bottoms) == 2 and (factors or spec.HasField("height") or spec.HasField("width")):
        problem, fix = "a second bottom gives the size, and so do its parameters", "leave one out"
    elif len(bottoms) == 1 and not factors and not explicit:
        problem = "no size"
    elif zoom < 1 or shrink < 1:
        problem = f"zoom_factor {zoom} and shrink_factor {shrink}: Caffe wants 1 or more"
    elif explicit and len(factors) != 1 and min(spec.height, spec.width) < 1:
        problem = f"height {spec.height} and width {spec.width}: Caffe wants 1 or more"
    if problem:
        raise UnsupportedError(problem, layer=layer.name, line=layer.line, fix=fix)
    if len(bottoms) == 2:
        return bottoms[1][2], bottoms[1][3]
    if explicit and len(factors) != 1:  # one factor goes before a size, a size before both
        return int(spec.height), int(spec.width)
    height, width = (((size - 1) // shrink) * zoom + 1 for size in sizes)
    return height, width


def _split(size: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new row the two rows that it lies between, and the share of the second; exact but for one division."""
    steps = np.arange(new) * (size - 1)
    first, rest = np.divmod(steps, max(1, new - 1))
    return first, np.minimum(first + 1, size - 1), rest / max(1, new - 1)


def _places(size: int, new: int) -> np.ndarray:
    """Where each new row lies."""
    first, _, share = _split(size, new)
    place: np.ndarray = first + share
    return place


def _along(x: np.ndarray, axis: int, new: int) -> np.ndarray:
    """One axis interpolated, in the precision of x."""
    first, second, share = _split(x.shape[axis], new)
    weight = share.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
    return np.asarray(np.take(x, first, axis) * (1 - weight) + np.take(x, second, axis) * weight)


def _nearest(x: np.ndarray, axis: int, new: int) -> np.ndarray:
    """One axis, the row before each new row taken."""
    return np.take(x, _split(x.shape[axis], new)[0], axis)


def _steepest(x: np.ndarray, axis: int) -> np.ndarray:
    """For each row the largest difference of two neighbours among this pair, the one before and the one behind."""
    steps = np.abs(np.diff(x, axis=axis, append=np.take(x, [-1], axis)))
    before = np.concatenate([np.take(steps, [0], axis), np.take(steps, range(steps.shape[axis] - 1), axis)], axis)
    behind = np.concatenate([np.take(steps, range(1, steps.shape[axis]), axis), np.take(steps, [-1], axis)], axis)
    return np.asarray(np.maximum(steps, np.maximum(before, behind)))
