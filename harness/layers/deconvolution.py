"""Deconvolution: the transpose of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import KerasNode, Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.base import (
    Blobs,
    Exact,
    Float32,
    Index,
    KerasCall,
    LayerType,
    U,
    Unit,
    absorb_activation,
    channels_last,
    flush_floor,
    largest_size,
)
from harness.layers.window import Window, check_convolution, check_fit, read_window, square, square_sums
from harness.layout import Held, last_order


@register("Deconvolution")
class Deconvolution(LayerType):
    """top[n, o, y·stride + i·dilation − pad, …] += w[c,o,i,j] · bottom[n,c,y,x], plus the bias.

    Output size, per axis: stride · (size − 1) + dilation · (kernel − 1) + 1 − 2·pad.
    Source: BVLC Caffe 1.0, deconv_layer.cpp; the kernel is stored as C_in, C_out / group, H, W.
    """

    keras_classes = ("Conv2DTranspose", "UpSampling2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec, window = _parameters(layer)
        check_convolution(layer, spec, bottoms[0])
        spatial = [
            stride * (size - 1) + extent - 2 * pad
            for size, stride, extent, pad in zip(bottoms[0][2:], window.stride, window.extent, window.pad, strict=True)
        ]
        check_fit(layer, window, bottoms[0], spatial)
        return tuple((shape[0], int(spec.num_output), *spatial) for shape in bottoms)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec, window = _parameters(layer)
        kernel = (bottoms[0][1], int(spec.num_output) // int(spec.group), *window.kernel)
        return (kernel, (int(spec.num_output),)) if spec.bias_term else (kernel,)

    def fan_in(self, layer: Layer, kernel: Shape) -> float:
        spec, window = _parameters(layer)
        return max(1.0, kernel[0] / int(spec.group) * kernel[2] * kernel[3] / (window.stride[0] * window.stride[1]))

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def trails(self, layer: Layer, node: KerasNode) -> bool:
        return node.class_name == "Cropping2D"

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec, window = _parameters(layer)
        if window.dilation != (1, 1):
            raise UnsupportedError(
                "Keras' Conv2DTranspose takes no dilation where there is no GPU", layer=layer.name, line=layer.line
            )
        arguments: dict[str, Any] = {"filters": int(spec.num_output), "kernel_size": square(window.kernel)}
        if window.stride != (1, 1):
            arguments["strides"] = square(window.stride)
        if not spec.bias_term:
            arguments["use_bias"] = False
        crop: tuple[KerasCall, ...] = ()
        pairs = list(zip(window.kernel, window.stride, window.pad, strict=True))
        if all(k >= s and k - s == 2 * p for k, s, p in pairs):
            arguments["padding"] = "same"
        else:
            # Keras' "valid" makes room for a whole stride behind the last window where the kernel is the shorter one.
            surplus = [max(s - k, 0) for s, k in zip(window.stride, window.kernel, strict=True)]
            borders = tuple((p, p + more) for p, more in zip(window.pad, surplus, strict=True))
            if any(any(border) for border in borders):
                plain = not any(surplus)
                crop = (KerasCall("Cropping2D", {"cropping": square(window.pad) if plain else borders}, positional=1),)
        comment = f"group: {spec.group} in Caffe, here zeros outside of the groups" if spec.group > 1 else None
        return (KerasCall("Conv2DTranspose", arguments, positional=2, comment=comment, main=True), *crop)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The kernel as Keras' H, W, C_out, C_in; a grouped one as a full one with zeros outside of the groups."""
        kernel_iohw, group = blobs[0], int(layer.parameters.convolution_param.group)
        inputs, per_group = kernel_iohw.shape[:2]
        full = np.zeros((inputs, per_group * group, *kernel_iohw.shape[2:]), np.float32)
        for channels, outputs in _groups(inputs, per_group, group):
            full[channels, outputs] = kernel_iohw[channels]
        return {"kernel": full.transpose(2, 3, 1, 0)} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        spec, window = _parameters(layer)
        per_input = int(np.prod(window.kernel)) * int(spec.num_output) // int(spec.group)
        return int(np.prod(bottoms[0])) * per_input

    def reach(self, layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
        window = _parameters(layer)[1]
        height, width = (-(-extent // stride) + 1 for extent, stride in zip(window.extent, window.stride, strict=True))
        return (height, width), (1, 1)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w_phase‖₂ · ‖x_window‖₂ + |b|).

        With a stride, an output element meets only the taps of its own phase (its position modulo the stride), so the
        norms are taken per phase; the whole kernel's norm would be too large by the stride.
        """
        spec, window = _parameters(layer)
        group = int(spec.group)
        kernel = blobs[0].astype(np.float64)
        squares = square_sums(bottoms[0], group)
        taps = np.zeros((*squares.shape[:2], *top.shape[2:]))
        norm = np.zeros((int(spec.num_output), *top.shape[2:]))
        ones = np.ones((1, 1, *bottoms[0].shape[2:]))
        for i, j in window.taps():
            _scatter(taps, squares, window, i, j)
            weight = np.concatenate(
                [(kernel[c, :, i, j] ** 2).sum(0) for c, _ in _groups(kernel.shape[0], kernel.shape[1], group)]
            )
            _scatter(norm[None], ones * weight[None, :, None, None], window, i, j)
        count = np.repeat(taps, norm.shape[0] // group, axis=1)
        dense = U * np.sqrt(norm[None] * count)
        if len(blobs) > 1:
            dense += U * np.abs(blobs[1].reshape(1, -1, 1, 1))
        largest = max(largest_size(kernel), float(np.sqrt(squares.max(initial=0.0))))
        return Unit(
            dense=channels_last(dense).reshape(-1, top.shape[1]).astype(np.float32),
            floor=flush_floor(kernel.shape[0] * int(np.prod(window.kernel)), largest),
        )

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        spec, window = _parameters(layer)
        kernel = blobs[0].astype(np.float64)
        bottom = channels_last(bottoms[0])
        value = np.zeros((len(sites), int(spec.num_output)))
        scale = np.zeros_like(value)
        for i, j in window.taps():
            row, row_on = np.divmod(sites[:, 1] + window.pad[0] - i * window.dilation[0], window.stride[0])
            column, column_on = np.divmod(sites[:, 2] + window.pad[1] - j * window.dilation[1], window.stride[1])
            inside = (row >= 0) & (row < bottom.shape[1]) & (column >= 0) & (column < bottom.shape[2])
            inside &= (row_on == 0) & (column_on == 0)
            x = bottom[sites[inside, 0], row[inside], column[inside]].astype(np.float64)
            for channels, outputs in _groups(kernel.shape[0], kernel.shape[1], int(spec.group)):
                w = kernel[channels, :, i, j]
                value[inside, outputs] += x[:, channels] @ w
                scale[inside, outputs] += np.abs(x[:, channels]) @ np.abs(w)
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        terms = kernel.shape[0] // int(spec.group) * int(np.prod(window.kernel)) + 1
        largest = max(largest_size(kernel), largest_size(scale))
        return Exact(value, scale, terms=terms, floor=flush_floor(terms, largest))


def _groups(inputs: int, per_group: int, group: int) -> list[tuple[slice, slice]]:
    """The input and the output channels of each group."""
    size = inputs // group
    return [(slice(g * size, (g + 1) * size), slice(g * per_group, (g + 1) * per_group)) for g in range(group)]


def _scatter(total: np.ndarray, values: np.ndarray, window: Window, i: int, j: int) -> None:
    """Add the bottom's values where tap i, j puts them in the top."""
    spans = []
    for tap, axis in ((i, 0), (j, 1)):
        at = np.arange(values.shape[2 + axis]) * window.stride[axis] + tap * window.dilation[axis] - window.pad[axis]
        keep = np.flatnonzero((at >= 0) & (at < total.shape[2 + axis]))
        spans.append((at[keep], keep))
    (to_y, from_y), (to_x, from_x) = spans
    if len(to_y) and len(to_x):
        total[:, :, to_y[:, None], to_x] += values[:, :, from_y[:, None], from_x]


def _parameters(layer: Layer) -> tuple[Any, Window]:
    spec = layer.parameters.convolution_param
    return spec, read_window(layer, spec, dilated=True)
