"""Convolution: a cross-correlation with groups, stride, pad and dilation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
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
from harness.layers.window import (
    Window,
    check_convolution,
    check_fit,
    padding_call,
    read_window,
    square,
    square_sums,
)
from harness.layout import Held, last_order


@register("Convolution")
class Convolution(LayerType):
    """top[n,o,y,x] = b[o] + Σ w[o,c,i,j] · bottom[n, c, y·stride + i·dilation − pad, x·stride + j·dilation − pad].

    Output size, per axis: floor((size + 2·pad − (dilation·(kernel − 1) + 1)) / stride) + 1.
    Source: BVLC Caffe 1.0, conv_layer.cpp `compute_output_shape`; the sum is Caffe's im2col times the kernel.
    """

    keras_classes = ("Conv2D", "DepthwiseConv2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec, window = _parameters(layer)
        check_convolution(layer, spec, bottoms[0])
        spatial = []
        for size, pad, extent, stride in zip(bottoms[0][2:], window.pad, window.extent, window.stride, strict=True):
            spatial.append((size + 2 * pad - extent) // stride + 1)
        check_fit(layer, window, bottoms[0], spatial)
        return tuple((shape[0], int(spec.num_output), *spatial) for shape in bottoms)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec, window = _parameters(layer)
        kernel = (int(spec.num_output), bottoms[0][1] // int(spec.group), *window.kernel)
        return (kernel, (int(spec.num_output),)) if spec.bias_term else (kernel,)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec, window = _parameters(layer)
        bottom = bottoms[0].shape
        arguments: dict[str, Any] = {"filters": int(spec.num_output), "kernel_size": square(window.kernel)}
        positional = 2
        if is_depthwise(layer, bottom):
            arguments = {"kernel_size": square(window.kernel)}
            positional = 1
            multiplier = int(spec.num_output) // bottom[1]
            if multiplier > 1:
                arguments["depth_multiplier"] = multiplier
            if window.stride[0] != window.stride[1]:
                raise UnsupportedError(
                    "Keras' DepthwiseConv2D knows only equal strides", layer=layer.name, line=layer.line
                )
        else:
            if max(window.stride) > 1 and max(window.dilation) > 1:
                raise UnsupportedError(
                    "Keras' Conv2D takes a stride or a dilation, not both", layer=layer.name, line=layer.line
                )
            if spec.group > 1:
                arguments["groups"] = int(spec.group)
        if window.stride != (1, 1):
            arguments["strides"] = square(window.stride)
        if window.dilation != (1, 1):
            arguments["dilation_rate"] = square(window.dilation)
        if not spec.bias_term:
            arguments["use_bias"] = False
        padding: tuple[KerasCall, ...] = ()
        if window.stride == (1, 1) and window.pad != (0, 0) and _is_same(window):
            arguments["padding"] = "same"  # both sides alike, and so as Caffe pads, at stride 1
        elif window.pad != (0, 0):
            padding = (KerasCall("ZeroPadding2D", padding_call(window.pad), positional=1),)
        kind = "DepthwiseConv2D" if is_depthwise(layer, bottom) else "Conv2D"
        return (*padding, KerasCall(kind, arguments, positional=positional, main=True))

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        kernel_oihw = blobs[0]
        if is_depthwise(layer, bottoms[0].shape):
            channels = bottoms[0].shape[1]
            multiplier = kernel_oihw.shape[0] // channels
            kernel = kernel_oihw.reshape(channels, multiplier, *kernel_oihw.shape[2:]).transpose(2, 3, 0, 1)
        else:
            kernel = kernel_oihw.transpose(2, 3, 1, 0)
        return {"kernel": kernel} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(tops[0])) * _terms(layer, bottoms[0])

    def reach(self, layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
        window = _parameters(layer)[1]
        return window.extent, window.stride

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w‖₂ · ‖x_patch‖₂ + |b|): Cauchy and Schwarz' bound on the sum, times the roundoff.

        ‖x_patch‖₂ is a box filter over Σ_channels x², so it costs about one part in C_out of the layer itself.
        """
        spec, window = _parameters(layer)
        kernel = blobs[0].reshape(blobs[0].shape[0], -1)
        patch = np.sqrt(_box_sums(square_sums(bottoms[0], int(spec.group)), window, top.shape[2:]))
        groups = patch.shape[1]
        norm = np.sqrt(np.einsum("ok,ok->o", kernel, kernel))
        largest = max(largest_size(kernel), float(patch.max(initial=0.0)))
        return Unit(
            site=channels_last(patch).reshape(-1, groups).astype(np.float32),
            channel=(U * norm).astype(np.float32),
            offset=(U * np.abs(blobs[1].reshape(-1))).astype(np.float32) if len(blobs) > 1 else None,
            floor=flush_floor(kernel.shape[1], largest),
        )

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        spec, window = _parameters(layer)
        kernel = blobs[0]
        outputs, per_group = kernel.shape[0], kernel.shape[1]
        bottom = channels_last(bottoms[0])
        value = np.zeros((len(sites), outputs))
        scale = np.zeros((len(sites), outputs))
        for i, j in window.taps():
            row = sites[:, 1] * window.stride[0] + i * window.dilation[0] - window.pad[0]
            column = sites[:, 2] * window.stride[1] + j * window.dilation[1] - window.pad[1]
            inside = (row >= 0) & (row < bottom.shape[1]) & (column >= 0) & (column < bottom.shape[2])
            x = bottom[sites[inside, 0], row[inside], column[inside]].astype(np.float64)
            for group in range(int(spec.group)):
                out = slice(group * outputs // spec.group, (group + 1) * outputs // spec.group)
                part = x[:, group * per_group : (group + 1) * per_group]
                w = kernel[out, :, i, j].T.astype(np.float64)
                value[inside, out] += part @ w
                scale[inside, out] += np.abs(part) @ np.abs(w)
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        terms = _terms(layer, bottoms[0].shape) + 1
        largest = max(largest_size(kernel), largest_size(scale))
        return Exact(value, scale, terms=terms, floor=flush_floor(terms, largest))


def is_depthwise(layer: Layer, bottom: Shape) -> bool:
    """True if every group has one input channel: what Keras calls a depthwise convolution."""
    group = int(layer.parameters.convolution_param.group)
    return group > 1 and group == bottom[1]


def _box_sums(sums: np.ndarray, window: Window, out: tuple[int, ...]) -> np.ndarray:
    """The window's sum of a single-channel map per group: N, G, H, W → N, G, H_out, W_out."""
    (pad_h, pad_w), (stride_h, stride_w) = window.pad, window.stride
    padded = np.pad(sums, ((0, 0), (0, 0), (pad_h, pad_h), (pad_w, pad_w)))
    total = np.zeros((*sums.shape[:2], *out), sums.dtype)
    for i, j in window.taps():
        top, left = i * window.dilation[0], j * window.dilation[1]
        bottom, right = top + (out[0] - 1) * stride_h + 1, left + (out[1] - 1) * stride_w + 1
        total += padded[:, :, top:bottom:stride_h, left:right:stride_w]
    return total


def _is_same(window: Window) -> bool:
    """True if Keras' padding="same" pads what Caffe's pad pads, at stride 1."""
    return all(2 * pad == extent - 1 for pad, extent in zip(window.pad, window.extent, strict=True))


def _terms(layer: Layer, bottom: Shape) -> int:
    spec, window = _parameters(layer)
    return bottom[1] // int(spec.group) * window.kernel[0] * window.kernel[1]


def _parameters(layer: Layer) -> tuple[Any, Window]:
    spec = layer.parameters.convolution_param
    return spec, read_window(layer, spec, dilated=True)
