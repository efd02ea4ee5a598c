"""Whole nets forward in NumPy and float64, for the types that FCN-8s and SegNet-Basic have; N, C, H, W.

Written from Caffe's `Forward_cpu` functions, with nothing of the harness but its reader; held against loops.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from support.bvlc_terms import unpooled_size

from harness.data import Layer, Network, Top

Blobs = Sequence[np.ndarray]


def forward(net: Network, blobs: Mapping[str, Blobs], image: np.ndarray) -> dict[Top, np.ndarray]:
    """Every top, in-place ones too.

    Args:
        blobs: what each layer has learned, in Caffe's layouts.
    """
    (start,) = net.inputs
    tops = {start: image.astype(np.float64)}
    for layer in net.layers:
        if layer.type != "Input":
            made = run_layer(layer, blobs.get(layer.name, ()), [tops[bottom] for bottom in layer.bottoms])
            tops.update(zip(layer.tops, made, strict=True))
    return tops


def run_layer(layer: Layer, blobs: Blobs, bottoms: Blobs) -> tuple[np.ndarray, ...]:
    """One layer's tops."""
    x = bottoms[0]
    if layer.type in ("Convolution", "Deconvolution"):
        own: Any = layer.parameters.convolution_param
        assert own.group == 1
        function = convolution if layer.type == "Convolution" else deconvolution
        y = function(x, blobs[0], ([*own.stride] or [1])[0], ([*own.pad] or [0])[0])
        return (y + blobs[1].reshape(1, -1, 1, 1) if own.bias_term else y,)
    if layer.type == "Pooling":
        own = layer.parameters.pooling_param
        assert (own.pool, own.kernel_size, own.stride, own.pad) == (own.MAX, 2, 2, 0)
        return max_pooling(x)[: len(layer.tops)]
    if layer.type == "Python":  # Upsample, in other terms
        size = unpooled_size(layer.parameters.python_param.param_str, *x.shape[2:])
        return (unpooling(x, bottoms[1], size),)
    if layer.type == "LRN":
        own = layer.parameters.lrn_param
        return (lrn(x, own.local_size, own.alpha, own.beta),)
    if layer.type == "Crop":
        (offset,) = layer.parameters.crop_param.offset
        height, width = bottoms[1].shape[2:]
        return (x[:, :, offset : offset + height, offset : offset + width],)
    if layer.type == "Eltwise":
        return (sum(bottoms[1:], x),)
    if layer.type == "Scale":
        return (x * blobs[0].reshape(1, -1, 1, 1) + blobs[1].reshape(1, -1, 1, 1),)
    if layer.type == "ReLU":
        return (np.maximum(x, 0),)
    assert layer.type == "Softmax", layer.type
    exponents = np.exp(x - x.max(axis=1, keepdims=True))
    return (exponents / exponents.sum(axis=1, keepdims=True),)


def convolution(x: np.ndarray, kernel: np.ndarray, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Cross-correlation with a kernel of C_out, C_in, H, W: one matrix product for each of its positions."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out_h, out_w = ((have - want) // stride + 1 for have, want in zip(x.shape[2:], kernel.shape[2:], strict=True))
    y = np.zeros((len(x), len(kernel), out_h, out_w))
    for i, j in product(*map(range, kernel.shape[2:])):
        seen = x[:, :, i : i + stride * (out_h - 1) + 1 : stride, j : j + stride * (out_w - 1) + 1 : stride]
        y += _mix(kernel[:, :, i, j], seen)
    return y


def deconvolution(x: np.ndarray, kernel: np.ndarray, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Every bottom element adds its kernel to the top; the kernel is C_in, C_out, H, W."""
    height, width = (stride * (have - 1) + want for have, want in zip(x.shape[2:], kernel.shape[2:], strict=True))
    y = np.zeros((len(x), kernel.shape[1], height, width))
    for i, j in product(*map(range, kernel.shape[2:])):
        rows = slice(i, i + stride * (x.shape[2] - 1) + 1, stride)
        columns = slice(j, j + stride * (x.shape[3] - 1) + 1, stride)
        y[:, :, rows, columns] += _mix(kernel[:, :, i, j].T, x)
    return y[:, :, pad : height - pad, pad : width - pad]


def max_pooling(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maxima of 2×2 windows, sizes rounded up, and row · width + column of the first of them."""
    height, width = x.shape[2:]
    best = np.full((*x.shape[:2], -(-height // 2), -(-width // 2)), -np.inf)
    mask = np.full(best.shape, -1.0)
    place = np.arange(height * width, dtype=np.float64).reshape(height, width)
    for i, j in product(range(2), range(2)):
        seen, where = x[:, :, i::2, j::2], place[i::2, j::2]
        part = (slice(None), slice(None), slice(seen.shape[2]), slice(seen.shape[3]))
        better = seen > best[part]
        mask[part] = np.where(better, where, mask[part])
        best[part] = np.where(better, seen, best[part])
    return best, mask


def unpooling(x: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Every element to where its mask says; `UpsampleLayer` of SegNet's fork."""
    y = np.zeros((*x.shape[:2], *size))
    for n, c in np.ndindex(*x.shape[:2]):
        y[n, c].reshape(-1)[mask[n, c].astype(int).reshape(-1)] = x[n, c].reshape(-1)
    return y


def lrn(x: np.ndarray, size: int, alpha: float, beta: float) -> np.ndarray:
    """Across channels, k = 1."""
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + size // 2 + 1]
        y[:, c] = x[:, c] / (1 + alpha / size * (near**2).sum(axis=1)) ** beta
    return y


def _mix(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """C_out × C_in over the channels of N, C_in, H, W."""
    return np.stack([(matrix @ one.reshape(len(one), -1)).reshape(-1, *one.shape[1:]) for one in x])
