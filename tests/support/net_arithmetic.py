"""Shapes and sizes of whole nets by arithmetic of its own, from the prototxt; no layer type of the harness is asked.

For the types, and the parameters of each, that the nets in fixtures/models have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from support.bvlc_terms import unpooled_size

from harness.data import Layer, Network, Shape, Top

COPIES = ("ReLU", "Dropout", "Softmax", "LRN", "BatchNorm", "Scale", "Eltwise")


def shapes_of(net: Network) -> dict[Top, Shape]:
    """The shape of every top, N first."""
    shapes = dict(net.inputs)
    for layer in net.layers:
        if layer.type != "Input":
            shape = _shape(layer, [shapes[bottom] for bottom in layer.bottoms])
            shapes.update(dict.fromkeys(layer.tops, shape))
    return shapes


def count_parameters(net: Network) -> tuple[int, int]:
    """How many numbers the net learns by gradients, and how many statistics BatchNorm keeps."""
    shapes, learned, statistics = shapes_of(net), 0, 0
    for layer in net.layers:
        channels = shapes[layer.bottoms[0]][1] if layer.bottoms else 0
        if layer.type in ("Convolution", "Deconvolution"):
            own: Any = layer.parameters.convolution_param
            learned += channels * own.num_output // own.group * math.prod(_pair(own, "kernel", 1))
            learned += own.num_output * own.bias_term
        elif layer.type == "InnerProduct":
            own = layer.parameters.inner_product_param
            learned += own.num_output * (math.prod(shapes[layer.bottoms[0]][1:]) + own.bias_term)
        elif layer.type == "Scale":
            learned += channels * (1 + layer.parameters.scale_param.bias_term)
        elif layer.type == "BatchNorm":
            statistics += 2 * channels + 1
    return learned, statistics


def _shape(layer: Layer, bottoms: Sequence[Shape]) -> Shape:
    first = bottoms[0]
    if layer.type in COPIES:
        return first
    if layer.type == "InnerProduct":
        return (first[0], layer.parameters.inner_product_param.num_output)
    if layer.type == "Concat":
        return (first[0], sum(shape[1] for shape in bottoms), *first[2:])
    if layer.type == "Crop":
        return (*first[:2], *bottoms[1][2:])
    if layer.type == "Python":
        return (*first[:2], *unpooled_size(layer.parameters.python_param.param_str, *first[2:]))
    if layer.type == "Pooling":
        return (*first[:2], *_pooled(layer, first[2:]))
    own: Any = layer.parameters.convolution_param
    size: Callable[[int, int, int, int], int] = {
        "Convolution": lambda have, kernel, stride, pad: (have + 2 * pad - kernel) // stride + 1,
        "Deconvolution": lambda have, kernel, stride, pad: (have - 1) * stride + kernel - 2 * pad,
    }[layer.type]
    windows = zip(first[2:], _pair(own, "kernel", 1), _pair(own, "stride", 1), _pair(own, "pad", 0), strict=True)
    return (first[0], own.num_output, *(size(*window) for window in windows))


def _pooled(layer: Layer, sizes: Shape) -> Shape:
    own = layer.parameters.pooling_param
    if own.global_pooling:
        return (1, 1)
    kernel, stride, pad = own.kernel_size, own.stride, own.pad
    pooled = []
    for size in sizes:
        steps = (size + 2 * pad - kernel) / stride
        count = 1 + (math.floor(steps) if own.round_mode == own.FLOOR else math.ceil(steps))
        pooled.append(count - 1 if pad and (count - 1) * stride >= size + pad else count)
    return tuple(pooled)


def _pair(parameters: Any, name: str, default: int) -> tuple[int, int]:
    given = list(getattr(parameters, "kernel_size" if name == "kernel" else name)) or [default]
    return (given * 2)[0], (given * 2)[1]
