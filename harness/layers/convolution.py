"""Convolution: a cross-correlation with groups, stride, pad and dilation, over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
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
from harness.layers.window import (
    ONE_KERNEL,
    Sides,
    Window,
    check_convolution,
    check_counts,
    check_fit,
    grouped,
    only_picks,
    padding_call,
    read_window,
    spatial,
    square,
    square_sums,
    written_axes,
)
from harness.layout import Held, last_order


@register("Convolution")
class Convolution(LayerType):
    """top[n,o,y,x] = b[o] + Σ w[o,c,i,j] · bottom[n, c, y·stride + i·dilation − pad, x·stride + j·dilation − pad].

    Output size, per axis: floor((size + 2·pad − (dilation·(kernel − 1) + 1)) / stride) + 1.
    Source: BVLC Caffe 1.0, conv_layer.cpp `compute_output_shape`; the sum is Caffe's im2col times the kernel, with one
    spatial axis or three as well (base_conv_layer.cpp).
    """

    keras_classes = ("Conv2D", "DepthwiseConv2D", "Conv1D", "DepthwiseConv1D", "Conv3D", "Dense")

    def group(self, layer: Layer, bottom: Shape) -> int:
        """How many groups of channels are convolved by themselves."""
        return int(layer.parameters.convolution_param.group)

    def outputs(self, layer: Layer, bottom: Shape) -> int:
        """How many channels the top has."""
        return int(layer.parameters.convolution_param.num_output)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_counts(layer, bottoms, fix=ONE_KERNEL)
        bottom = bottoms[0]
        outputs = self.outputs(layer, bottom)
        check_convolution(layer, bottom, self.group(layer, bottom), outputs)
        window = _window(layer, bottom)
        size_out = []
        for size, pad, extent, stride in zip(bottom[2:], window.pad, window.extent, window.stride, strict=True):
            size_out.append((size + 2 * pad - extent) // stride + 1)
        check_fit(layer, window, bottom, size_out)
        return ((bottom[0], outputs, *size_out),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        outputs = self.outputs(layer, bottoms[0])
        kernel = (outputs, bottoms[0][1] // self.group(layer, bottoms[0]), *_window(layer, bottoms[0]).kernel)
        return (kernel, (outputs,)) if layer.parameters.convolution_param.bias_term else (kernel,)

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return tuple(last_order(bottom.rank) for bottom in bottoms)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        bottom = bottoms[0].shape
        window, axes = _window(layer, bottom), len(bottom) - 2
        depthwise = self._is_depthwise(layer, bottom)
        steps = _steps(window, depthwise)
        arguments: dict[str, Any] = {"kernel_size": square(window.kernel)}
        if depthwise:
            multiplier = self.outputs(layer, bottom) // bottom[1]
            if multiplier > 1:
                arguments["depth_multiplier"] = multiplier
        else:
            arguments = {"filters": self.outputs(layer, bottom), **arguments}
            if self.group(layer, bottom) > 1:
                arguments["groups"] = self.group(layer, bottom)
        if max(steps.stride) > 1:
            arguments["strides"] = square(steps.stride)
        if max(steps.dilation) > 1:
            arguments["dilation_rate"] = square(steps.dilation)
        if not layer.parameters.convolution_param.bias_term:
            arguments["use_bias"] = False
        padding: tuple[KerasCall, ...] = ()
        if max(window.stride) == 1 and any(window.pad) and _is_same(window):
            arguments["padding"] = "same"  # both sides alike, and so as Caffe pads, at stride 1
        elif any(window.pad):
            padding = (KerasCall(f"ZeroPadding{axes}D", padding_call(window.pad), positional=1),)
        kind = f"DepthwiseConv{axes}D" if depthwise else f"Conv{axes}D"
        main = KerasCall(kind, arguments, positional=1 if depthwise else 2, main=True)
        said = f"stride {square(window.stride)}"
        both = f"{said} with dilation {square(window.dilation)}"
        lacking = (
            f"{both}, of which {kind} takes one" if max(steps.dilation) > 1 else f"{said}; {kind} takes equal ones"
        )
        before = self._pick(layer, steps.before, f"{both} meets no other pixels")
        return (*padding, *before, main, *self._pick(layer, steps.behind, f"the rest of {lacking}"))

    def _pick(self, layer: Layer, stride: Sides, comment: str) -> tuple[KerasCall, ...]:
        """A pool of one pixel, which only picks. The mean of one, unlike the largest of one, keeps NaN and −∞."""
        if max(stride) == 1:
            return ()
        if len(stride) == 3:
            raise UnsupportedError(
                "Keras' Conv3D takes a stride or a dilation, not both, and its pools no float64",
                layer=layer.name,
                line=layer.line,
                fix="give stride: 1 or dilation: 1",
            )
        arguments = {"pool_size": 1, "strides": square(stride)}
        return (KerasCall(f"AveragePooling{len(stride)}D", arguments, positional=1, comment=comment),)

    def trails(self, layer: Layer, segment: Sequence[KerasNode], node: KerasNode) -> bool:
        """True for a pool of one pixel that picks what a stride takes that the Keras layer itself does not have."""
        window = read_window(
            layer,
            layer.parameters.convolution_param,
            dilated=True,
            axes=written_axes(layer.parameters.convolution_param),
        )
        taken = np.ones(len(window.stride), int)
        for one in segment:
            strides = one.config.get("strides") or 1
            taken *= strides if isinstance(strides, int) or len(strides) == len(taken) else 1
        return only_picks(node) and bool((taken < window.stride).any())

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The kernel as H, W, C_in / group, C_out; for a depthwise class H, W, C, multiplier; for a Dense C_in, C_out.

        A Dense may also stand for a kernel as large as the picture; its rows are then in the order in which the picture
        was flattened.
        """
        kernel, bottom = blobs[0], bottoms[0]
        sides = tuple(range(2, kernel.ndim))
        if keras_class.startswith("Depthwise") or (not keras_class and self._is_depthwise(layer, bottom.shape)):
            channels = bottom.shape[1]
            kernel = kernel.reshape(channels, -1, *kernel.shape[2:]).transpose(*sides, 0, 1)
        elif keras_class == "Dense":
            kernel = _without_groups(kernel, self.group(layer, bottom.shape))
            kernel = kernel.transpose(bottom.order).reshape(len(kernel), -1).T
        else:
            kernel = kernel.transpose(*sides, 1, 0)
        return {"kernel": kernel} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(tops[0])) * self._terms(layer, bottoms[0])

    def reach(self, layer: Layer) -> tuple[Sides, Sides]:
        spec = layer.parameters.convolution_param
        window = read_window(layer, spec, dilated=True, axes=written_axes(spec))
        return window.extent, window.stride

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w‖₂ · ‖x_patch‖₂ + |b|): Cauchy and Schwarz' bound on the sum, times the roundoff.

        ‖x_patch‖₂ is a box filter over Σ_channels x², so it costs about one part in C_out of the layer itself.
        """
        bottom = bottoms[0].shape
        window, groups = _window(layer, bottom), self.group(layer, bottom)
        kernel = blobs[0].reshape(blobs[0].shape[0], -1)
        patch = np.sqrt(_box_sums(square_sums(bottoms[0], groups), window, top.shape[2:]))
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
        window, groups = _window(layer, bottoms[0].shape), self.group(layer, bottoms[0].shape)
        kernel = blobs[0]
        # groups × C_in / group × C_out / group for each tap
        taps = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
        bottom = channels_last(bottoms[0])
        value = np.zeros((len(sites), len(kernel)))
        scale = np.zeros_like(value)
        for tap in window.taps():
            inside, places = window.at(sites, tap, bottoms[0].shape[2:])
            x, w = bottom[places].astype(np.float64), taps[spatial(tap)].astype(np.float64)
            value[inside] += grouped(x, w)
            scale[inside] += grouped(np.abs(x), np.abs(w))
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        terms = self._terms(layer, bottoms[0].shape) + 1
        largest = max(largest_size(kernel), largest_size(scale))
        return Exact(value, scale, terms=terms, floor=flush_floor(terms, largest))

    def _is_depthwise(self, layer: Layer, bottom: Shape) -> bool:
        """True if every group has one input channel: what Keras calls a depthwise convolution, which it has up to 2-d."""
        return 1 < self.group(layer, bottom) == bottom[1] and len(bottom) < 5

    def _terms(self, layer: Layer, bottom: Shape) -> int:
        return bottom[1] // self.group(layer, bottom) * int(np.prod(_window(layer, bottom).kernel))


@dataclass(frozen=True)
class _Steps:
    """A stride and dilation taken apart into what Keras' layers have: pick, convolve, pick again."""

    before: Sides
    stride: Sides
    dilation: Sides
    behind: Sides


def _steps(window: Window, depthwise: bool) -> _Steps:
    """Conv2D takes a stride or a dilation, not both, and DepthwiseConv2D equal strides only.

    What stride and dilation have in common is picked before: at stride 2 and dilation 2 no odd row is ever met. What is
    left over is picked behind, from a convolution at a smaller stride, which throws that much of its work away.
    """
    stride, dilation, before = window.stride, window.dilation, (1,) * len(window.kernel)
    if max(stride) > 1 and max(dilation) > 1:
        # The dilation of an axis on which the kernel has one tap means nothing, and may be the stride.
        dilation = tuple(d if k > 1 else s for k, s, d in zip(window.kernel, stride, dilation, strict=True))
        before = tuple(map(gcd, stride, dilation))
        stride, dilation = (
            tuple(size // common for size, common in zip(sizes, before, strict=True)) for sizes in (stride, dilation)
        )
    if max(stride) > 1 and max(dilation) > 1:
        kept = (1,) * len(stride)
    else:
        kept = (gcd(*stride),) * len(stride) if depthwise else stride
    behind = tuple(whole // part for whole, part in zip(stride, kept, strict=True))
    return _Steps(before, kept, dilation, behind)


def _without_groups(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A grouped kernel C_out, C_in / group, … as a full one with zeros outside of the groups."""
    outputs, inputs = len(kernel) // groups, kernel.shape[1]
    full = np.zeros((len(kernel), inputs * groups, *kernel.shape[2:]), kernel.dtype)
    for group in range(groups):
        out = slice(group * outputs, (group + 1) * outputs)
        full[out, group * inputs : (group + 1) * inputs] = kernel[out]
    return full


def _box_sums(sums: np.ndarray, window: Window, out: Shape) -> np.ndarray:
    """The window's sum of a single-channel map per group: N, G and the bottom's size → N, G and the top's."""
    padded = np.pad(sums, ((0, 0), (0, 0), *((pad, pad) for pad in window.pad)))
    total = np.zeros((*sums.shape[:2], *out), sums.dtype)
    for tap in window.taps():
        total += padded[spatial(window.slices(tap, out))]
    return total


def _is_same(window: Window) -> bool:
    """True if Keras' padding="same" pads what Caffe's pad pads, at stride 1."""
    return all(2 * pad == extent - 1 for pad, extent in zip(window.pad, window.extent, strict=True))


def _window(layer: Layer, bottom: Shape) -> Window:
    return read_window(layer, layer.parameters.convolution_param, dilated=True, axes=len(bottom) - 2)
