"""InnerProduct: a dense layer over everything behind the given axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import canonical_axis, check_blobs, check_not_in_place
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
    at_sites,
    flush_floor,
    largest_size,
    rows_of,
)
from harness.layout import Held, caffe_order


@register("InnerProduct")
class InnerProduct(LayerType):
    """top[m,o] = b[o] + Σ w[o,k] · bottom[m,k]: m over the axes before `axis`, k over those from it on, in Caffe's order.

    Source: BVLC Caffe 1.0, inner_product_layer.cpp. With `transpose` the kernel is stored as k × o.
    Keras' Dense works along the last axis of a tensor. With nothing but the batch before `axis` the tensor is flattened as
    it is and the kernel's rows are put in its order; with more axes before it the tensor must be in Caffe's order.
    """

    local = False
    keras_classes = ("Dense", "Conv2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        return ((*bottoms[0][: _axis(layer, bottoms[0])], int(_spec(layer).num_output)),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec = _spec(layer)
        terms, outputs = prod(bottoms[0][_axis(layer, bottoms[0]) :]), int(spec.num_output)
        kernel = (terms, outputs) if spec.transpose else (outputs, terms)
        return (kernel, (outputs,)) if spec.bias_term else (kernel,)

    def fan_in(self, layer: Layer, kernel: Shape) -> float:
        return float(kernel[0] if _spec(layer).transpose else kernel[1])

    def wants(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order | None, ...]:
        return (None if _axis(layer, bottoms[0].shape) == 1 else caffe_order(bottoms[0].rank),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec, bottom, axis = _spec(layer), bottoms[0].shape, _axis(layer, bottoms[0].shape)
        if axis == 0:
            raise UnsupportedError(
                "axis 0 multiplies across the batch, which Keras' Dense does not",
                layer=layer.name,
                line=layer.line,
                fix="give axis 1, or one behind it",
            )
        arguments: dict[str, Any] = {"units": int(spec.num_output)}
        if not spec.bias_term:
            arguments["use_bias"] = False
        flatten: tuple[KerasCall, ...] = ()
        if len(bottom) > axis + 1:
            shape = (*bottom[1:axis], -1)
            flatten = (KerasCall("Reshape", {"target_shape": shape}, 1) if axis > 1 else KerasCall("Flatten"),)
        return (*flatten, KerasCall("Dense", arguments, positional=1, main=True))

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        return (caffe_order(_axis(layer, bottoms[0].shape) + 1),)

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The kernel as Keras' k × o, its rows reordered from Caffe's C, H, W to the H, W, C that Flatten gives."""
        kernel_ok = _kernel(layer, blobs)
        if bottoms[0].rank > 2 and _axis(layer, bottoms[0].shape) == 1:
            whole = kernel_ok.reshape(-1, *bottoms[0].shape[1:])
            kernel_ok = whole.transpose(bottoms[0].order).reshape(kernel_ok.shape)
        kernel = kernel_ok.T
        if keras_class == "Conv2D" and bottoms[0].rank == 4:  # written as a convolution over the whole bottom
            kernel = kernel.reshape(*bottoms[0].keras_shape[1:], -1)
        return {"kernel": kernel} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(bottoms[0])) * int(_spec(layer).num_output)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w‖₂ · ‖x‖₂ + |b|), as for a convolution whose window is everything from `axis` on."""
        kernel = _kernel(layer, blobs)
        x = _rows(layer, bottoms[0]).astype(np.float64)
        norm = np.sqrt(np.einsum("nk,nk->n", x, x))
        channel = U * np.sqrt(np.einsum("ok,ok->o", kernel, kernel))
        offset = U * np.abs(blobs[1].reshape(-1)) if len(blobs) > 1 else None
        floor = flush_floor(kernel.shape[1], max(largest_size(kernel), largest_size(x)))
        if top.ndim != 2:  # what the kernel's rows give are not the channels, which lie along axis 1
            dense = rows_of((np.outer(norm, channel) + (0.0 if offset is None else offset)).reshape(top.shape))
            return Unit(dense=dense.astype(np.float32), floor=floor)
        return Unit(
            site=norm.reshape(-1, 1).astype(np.float32),
            channel=channel.astype(np.float32),
            offset=None if offset is None else offset.astype(np.float32),
            floor=floor,
        )

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        kernel, x = _kernel(layer, blobs).astype(np.float64), _rows(layer, bottoms[0])
        axis = _axis(layer, bottoms[0].shape)
        x = (x[sites[:, 0]] if axis == 1 else x).astype(np.float64)
        value, scale = x @ kernel.T, np.abs(x) @ np.abs(kernel).T
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        if axis != 1:
            shape = (*bottoms[0].shape[:axis], len(kernel))
            value, scale = (at_sites(one.reshape(shape), sites) for one in (value, scale))
        largest = max(largest_size(kernel), largest_size(x))
        return Exact(value, scale, terms=kernel.shape[1] + 1, floor=flush_floor(kernel.shape[1], largest))


def _spec(layer: Layer) -> Any:
    return layer.parameters.inner_product_param


def _axis(layer: Layer, bottom: Shape) -> int:
    if _spec(layer).num_output < 1:
        raise UnsupportedError("no num_output", layer=layer.name, line=layer.line)
    return canonical_axis(layer, int(_spec(layer).axis), len(bottom))


def _rows(layer: Layer, bottom: np.ndarray) -> np.ndarray:
    """The bottom as what lies before the axis × what is multiplied."""
    return bottom.reshape(prod(bottom.shape[: _axis(layer, bottom.shape)]), -1)


def _kernel(layer: Layer, blobs: Blobs) -> Float32:
    kernel = blobs[0].reshape(blobs[0].shape[-2:])
    return kernel.T if _spec(layer).transpose else kernel
