"""Deconvolution: the transpose of a convolution, over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import KerasNode, Layer, Order, Shape
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
from harness.layers.window import (
    ONE_KERNEL,
    Sides,
    Tap,
    Window,
    check_convolution,
    check_counts,
    check_fit,
    grouped,
    read_window,
    spatial,
    spread,
    square,
    square_sums,
    written_axes,
)
from harness.layout import Held, last_order

MANY_ZEROS = 200_000
"""Numbers in a full kernel of a depthwise deconvolution from which a layer of our own takes its place.

Below, Conv2DTranspose is what a person would write, and not much slower. Measured on two cores, in ms, stock and ours:
64 channels of 4×4 (65,000 numbers) 3.1 and 5.7; 19 of 16×16 to 1032×1032 (92,000) 71 and 35; 128 of 4×4 (262,000) 5.5
and 3.6; 21 of 64×64 (1.8 million) 98 and 32; 1,024 of 4×4 (17 million, 67 MB) 115 and 4.
"""


@register("Deconvolution")
class Deconvolution(LayerType):
    """top[n, o, y·stride + i·dilation − pad, …] += w[c,o,i,j] · bottom[n,c,y,x], plus the bias.

    Output size, per axis: stride · (size − 1) + dilation · (kernel − 1) + 1 − 2·pad.
    Source: BVLC Caffe 1.0, deconv_layer.cpp; the kernel is stored as C_in, C_out / group, H, W.
    """

    keras_classes = (
        "Conv2DTranspose",
        "DepthwiseConv2DTranspose",
        "Conv1DTranspose",
        "Conv3DTranspose",
        "UpSampling2D",
    )

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, fix=ONE_KERNEL)
        spec, bottom = layer.parameters.convolution_param, bottoms[0]
        check_convolution(layer, bottom, int(spec.group), int(spec.num_output))
        window = _window(layer, bottom)
        size_out = [
            stride * (size - 1) + extent - 2 * pad
            for size, stride, extent, pad in zip(bottom[2:], window.stride, window.extent, window.pad, strict=True)
        ]
        check_fit(layer, window, bottom, size_out)
        return ((bottom[0], int(spec.num_output), *size_out),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec, window = layer.parameters.convolution_param, _window(layer, bottoms[0])
        kernel = (bottoms[0][1], int(spec.num_output) // int(spec.group), *window.kernel)
        return (kernel, (int(spec.num_output),)) if spec.bias_term else (kernel,)

    def fan_in(self, layer: Layer, kernel: Shape) -> float:
        spec = layer.parameters.convolution_param
        stride = read_window(layer, spec, dilated=True, axes=len(kernel) - 2).stride
        return max(1.0, float(kernel[0] / int(spec.group) * np.prod(kernel[2:]) / np.prod(stride)))

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def trails(self, layer: Layer, segment: Sequence[KerasNode], node: KerasNode) -> bool:
        spec = layer.parameters.convolution_param
        window = read_window(layer, spec, dilated=True, axes=written_axes(spec))
        room = any(window.pad) or any(s > k for s, k in zip(window.stride, window.kernel, strict=True))
        return room and node.class_name in ("Cropping2D", "Cropping1D", "Cropping3D")

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec, bottom = layer.parameters.convolution_param, bottoms[0].shape
        window, axes = _window(layer, bottom), len(bottom) - 2
        own = self._is_own(layer, bottom)
        arguments: dict[str, Any] = {"kernel_size": square(window.extent)}
        if not own:
            arguments = {"filters": int(spec.num_output), **arguments}
        elif int(spec.num_output) > bottom[1]:
            arguments["depth_multiplier"] = int(spec.num_output) // bottom[1]
        if max(window.stride) > 1:
            arguments["strides"] = square(window.stride)
        if not spec.bias_term:
            arguments["use_bias"] = False
        crop: tuple[KerasCall, ...] = ()
        pairs = list(zip(window.extent, window.stride, window.pad, strict=True))
        if not own and all(k >= s and k - s == 2 * p for k, s, p in pairs):
            arguments["padding"] = "same"
        else:
            # Keras' "valid" makes room for a whole stride behind the last window where the kernel is the shorter one.
            surplus = [0 if own else max(s - k, 0) for k, s, _ in pairs]
            borders = tuple((p, p + more) for p, more in zip(window.pad, surplus, strict=True))
            if any(any(border) for border in borders):
                uneven = borders if axes > 1 else borders[0]
                cropping = uneven if any(surplus) else square(window.pad)
                crop = (KerasCall(f"Cropping{axes}D", {"cropping": cropping}, positional=1),)
        comment = None
        if max(window.dilation) > 1:
            comment = f"dilation: {square(window.dilation)} in Caffe, here zeros between the kernel's taps"
        elif spec.group > 1 and not own:
            comment = f"group: {spec.group} in Caffe, here zeros outside of the groups"
        kind = "DepthwiseConv2DTranspose" if own else f"Conv{axes}DTranspose"
        return (KerasCall(kind, arguments, 1 if own else 2, comment=comment, main=True, custom=own), *crop)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The kernel as Keras' H, W, C_out, C_in; a grouped one as a full one with zeros outside of the groups.

        A depthwise class takes H, W, C, multiplier.
        """
        bottom, group = bottoms[0].shape, int(layer.parameters.convolution_param.group)
        kernel = spread(blobs[0], _window(layer, bottom).dilation)
        sides = tuple(range(2, kernel.ndim))
        if keras_class.startswith("Depthwise") or (not keras_class and self._is_own(layer, bottom)):
            kernel = kernel.transpose(*sides, 0, 1)
        else:
            inputs, per_group = kernel.shape[:2]
            full = np.zeros((inputs, per_group * group, *kernel.shape[2:]), kernel.dtype)
            for channels, outputs in _groups(inputs, per_group, group):
                full[channels, outputs] = kernel[channels]
            kernel = full.transpose(*sides, 1, 0)
        return {"kernel": kernel} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return None if call.custom else absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        spec = layer.parameters.convolution_param
        per_input = int(np.prod(_window(layer, bottoms[0]).kernel)) * int(spec.num_output) // int(spec.group)
        return int(np.prod(bottoms[0])) * per_input

    def reach(self, layer: Layer) -> tuple[Sides, Sides]:
        spec = layer.parameters.convolution_param
        window = read_window(layer, spec, dilated=True, axes=written_axes(spec))
        rows = tuple(-(-extent // stride) + 1 for extent, stride in zip(window.extent, window.stride, strict=True))
        return rows, (1,) * len(rows)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w_phase‖₂ · ‖x_window‖₂ + |b|).

        With a stride, an output element meets only the taps of its own phase (its position modulo the stride), so the
        norms are taken per phase; the whole kernel's norm would be too large by the stride.
        """
        window, group = _window(layer, bottoms[0].shape), int(layer.parameters.convolution_param.group)
        kernel = blobs[0].astype(np.float64)
        squares = square_sums(bottoms[0], group)
        # C_out × the kernel's sides: what all of a group's inputs weigh together
        weights = (kernel.reshape(group, -1, *kernel.shape[1:]) ** 2).sum(1).reshape(-1, *kernel.shape[2:])
        taps = np.zeros((*squares.shape[:2], *top.shape[2:]))
        norm = np.zeros((1, top.shape[1], *top.shape[2:]))
        ones = np.ones((1, 1, *bottoms[0].shape[2:]))
        for tap in window.taps():
            _scatter(taps, squares, window, tap)
            _scatter(norm, ones * weights[spatial(tap)].reshape(1, -1, *(1,) * len(tap)), window, tap)
        dense = U * np.sqrt(norm * np.repeat(taps, norm.shape[1] // group, axis=1))
        if len(blobs) > 1:
            dense += U * np.abs(blobs[1].reshape(1, -1, *(1,) * len(window.kernel)))
        largest = max(largest_size(kernel), float(np.sqrt(squares.max(initial=0.0))))
        return Unit(
            dense=channels_last(dense).reshape(-1, top.shape[1]).astype(np.float32),
            floor=flush_floor(kernel.shape[0] * int(np.prod(window.kernel)), largest),
        )

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        window, group = _window(layer, bottoms[0].shape), int(layer.parameters.convolution_param.group)
        kernel = blobs[0]
        taps = kernel.reshape(group, -1, *kernel.shape[1:])  # groups × C_in / group × C_out / group for each tap
        bottom = channels_last(bottoms[0])
        value = np.zeros((len(sites), group * kernel.shape[1]))
        scale = np.zeros_like(value)
        for tap in window.taps():
            place = sites[:, 1:] + window.pad - np.multiply(tap, window.dilation)
            place, between = np.divmod(place, window.stride)
            inside = ((place >= 0) & (place < bottom.shape[1:-1]) & (between == 0)).all(axis=1)
            places = (sites[inside, 0], *place[inside].T)
            x, w = bottom[places].astype(np.float64), taps[spatial(tap)].astype(np.float64)
            value[inside] += grouped(x, w)
            scale[inside] += grouped(np.abs(x), np.abs(w))
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        terms = kernel.shape[0] // group * int(np.prod(window.kernel)) + 1
        largest = max(largest_size(kernel), largest_size(scale))
        return Exact(value, scale, terms=terms, floor=flush_floor(terms, largest))

    def _is_own(self, layer: Layer, bottom: Shape) -> bool:
        """True for a depthwise deconvolution that would be a full kernel of very many zeros."""
        spec = layer.parameters.convolution_param
        depthwise = len(bottom) == 4 and 1 < int(spec.group) == bottom[1]
        return depthwise and bottom[1] * int(spec.num_output) * np.prod(_window(layer, bottom).extent) > MANY_ZEROS


def _groups(inputs: int, per_group: int, group: int) -> list[tuple[slice, slice]]:
    """The input and the output channels of each group."""
    size = inputs // group
    return [(slice(g * size, (g + 1) * size), slice(g * per_group, (g + 1) * per_group)) for g in range(group)]


def _scatter(total: np.ndarray, values: np.ndarray, window: Window, tap: Tap) -> None:
    """Add the bottom's values where a tap puts them in the top."""
    to, of = [], []
    for axis, (at, dilation, stride, pad) in enumerate(
        zip(tap, window.dilation, window.stride, window.pad, strict=True)
    ):
        offset = at * dilation - pad
        first = max(0, -(offset // stride))  # the first value that does not fall before the top
        last = min(values.shape[2 + axis], (total.shape[2 + axis] - 1 - offset) // stride + 1)
        if last <= first:
            return
        to.append(slice(offset + first * stride, offset + (last - 1) * stride + 1, stride))
        of.append(slice(first, last))
    total[spatial(to)] += values[spatial(of)]


def _window(layer: Layer, bottom: Shape) -> Window:
    return read_window(layer, layer.parameters.convolution_param, dilated=True, axes=len(bottom) - 2)
