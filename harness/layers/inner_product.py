"""InnerProduct: a dense layer over everything behind the given axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Layer, Shape
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
    flush_floor,
    largest_size,
)
from harness.layout import Held


@register("InnerProduct")
class InnerProduct(LayerType):
    """top[n,o] = b[o] + Σ w[o,k] · bottom[n,k], k over all axes from `axis` on, flattened channels first.

    Source: BVLC Caffe 1.0, inner_product_layer.cpp. With `transpose` the kernel is stored as k × o.
    """

    local = False
    keras_classes = ("Dense", "Conv2D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*bottoms[0][: _axis(layer, bottoms[0])], int(_spec(layer).num_output)),)

    def blob_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        spec = _spec(layer)
        terms = int(np.prod(bottoms[0][_axis(layer, bottoms[0]) :]))
        outputs = int(spec.num_output)
        kernel = (terms, outputs) if spec.transpose else (outputs, terms)
        return (kernel, (outputs,)) if spec.bias_term else (kernel,)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        spec = _spec(layer)
        arguments: dict[str, Any] = {"units": int(spec.num_output)}
        if not spec.bias_term:
            arguments["use_bias"] = False
        flatten = (KerasCall("Flatten"),) if bottoms[0].rank > 2 else ()
        return (*flatten, KerasCall("Dense", arguments, positional=1, main=True))

    def keras_weights(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[Held], keras_class: str = ""
    ) -> dict[str, Float32]:
        """The kernel as Keras' k × o, its rows reordered from Caffe's C, H, W to the H, W, C that Flatten gives."""
        kernel_ok = _kernel(layer, blobs)
        if bottoms[0].rank > 2:
            whole = kernel_ok.reshape(-1, *bottoms[0].shape[1:])
            kernel_ok = whole.transpose(bottoms[0].order).reshape(kernel_ok.shape)
        return {"kernel": kernel_ok.T} | ({"bias": blobs[1].reshape(-1)} if len(blobs) > 1 else {})

    def absorbs(self, layer: Layer, follower: Layer, call: KerasCall) -> KerasCall | None:
        return absorb_activation(follower, call)

    def macs(self, layer: Layer, bottoms: Sequence[Shape], tops: Sequence[Shape]) -> int:
        return int(np.prod(bottoms[0])) * int(_spec(layer).num_output)

    def unit(self, layer: Layer, blobs: Blobs, bottoms: Sequence[Float32], top: Float32, position: int = 0) -> Unit:
        """u · (‖w‖₂ · ‖x‖₂ + |b|), as for a convolution whose window is the whole bottom."""
        kernel = _kernel(layer, blobs)
        x = bottoms[0].reshape(bottoms[0].shape[0], -1).astype(np.float64)
        norm = np.sqrt(np.einsum("nk,nk->n", x, x))
        return Unit(
            site=norm.reshape(-1, 1).astype(np.float32),
            channel=(U * np.sqrt(np.einsum("ok,ok->o", kernel, kernel))).astype(np.float32),
            offset=(U * np.abs(blobs[1].reshape(-1))).astype(np.float32) if len(blobs) > 1 else None,
            floor=flush_floor(kernel.shape[1], max(largest_size(kernel), largest_size(x))),
        )

    def define(
        self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray], sites: Index, position: int = 0
    ) -> Exact:
        kernel = _kernel(layer, blobs).astype(np.float64)
        x = bottoms[0].reshape(bottoms[0].shape[0], -1)[sites[:, 0]].astype(np.float64)
        value, scale = x @ kernel.T, np.abs(x) @ np.abs(kernel).T
        if len(blobs) > 1:
            value += blobs[1].reshape(-1)
            scale += np.abs(blobs[1].reshape(-1))
        largest = max(largest_size(kernel), largest_size(x))
        return Exact(value, scale, terms=kernel.shape[1] + 1, floor=flush_floor(kernel.shape[1], largest))


def _spec(layer: Layer) -> Any:
    return layer.parameters.inner_product_param


def _axis(layer: Layer, bottom: Shape) -> int:
    axis = int(_spec(layer).axis) % len(bottom)
    if axis != 1:
        raise UnsupportedError(f"axis {axis}: only axis 1 is supported", layer=layer.name, line=layer.line)
    if _spec(layer).num_output < 1:
        raise UnsupportedError("no num_output", layer=layer.name, line=layer.line)
    return axis


def _kernel(layer: Layer, blobs: Blobs) -> Float32:
    kernel = blobs[0].reshape(blobs[0].shape[-2:])
    return kernel.T if _spec(layer).transpose else kernel
