"""Caffe's formulas as plain loops in float64, one index after the other, for small arrays.

They share nothing with the harness: an error in its index arithmetic cannot be repeated here. The sources are the
`Forward_cpu` functions of BVLC Caffe 1.0 and, for windows, the reference in its test_convolution_layer.cpp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

Two = tuple[int, int]
Sides = tuple[int, ...]
FLT_MAX = 3.4028234663852886e38


def convolution(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, stride: Sides, pad: Sides, dilation: Sides, group: int
) -> np.ndarray:
    """Cross-correlation over any number of spatial axes; w is C_out, C_in / group, and the kernel's sides."""
    n, c_in, *size = x.shape
    c_out, c_group, *kernel = w.shape
    axes = range(len(size))
    assert c_group * group == c_in
    out = [(size[a] + 2 * pad[a] - ((kernel[a] - 1) * dilation[a] + 1)) // stride[a] + 1 for a in axes]
    top = np.zeros((n, c_out, *out))
    for image, o, *at in product(range(n), range(c_out), *map(range, out)):
        g = o // (c_out // group)
        total = 0.0 if b is None else float(b[o])
        for k, *tap in product(range(c_group), *map(range, kernel)):
            place = [at[a] * stride[a] - pad[a] + tap[a] * dilation[a] for a in axes]
            if all(0 <= place[a] < size[a] for a in axes):
                total += float(w[(o, k, *tap)]) * float(x[(image, g * c_group + k, *place)])
        top[(image, o, *at)] = total
    return top


def deconvolution(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, stride: Sides, pad: Sides, dilation: Sides, group: int
) -> np.ndarray:
    """Every bottom element adds its kernel to the top; w is C_in, C_out / group, and the kernel's sides."""
    n, c_in, *size = x.shape
    _, out_group, *kernel = w.shape
    axes = range(len(size))
    out = [stride[a] * (size[a] - 1) + (kernel[a] - 1) * dilation[a] + 1 - 2 * pad[a] for a in axes]
    top = np.zeros((n, out_group * group, *out))
    for image, c, *at in product(range(n), range(c_in), *map(range, size)):
        g = c // (c_in // group)
        for o, *tap in product(range(out_group), *map(range, kernel)):
            place = [at[a] * stride[a] - pad[a] + tap[a] * dilation[a] for a in axes]
            if all(0 <= place[a] < out[a] for a in axes):
                top[(image, g * out_group + o, *place)] += float(w[(c, o, *tap)]) * float(x[(image, c, *at)])
    if b is not None:
        top += b.astype(np.float64).reshape(1, -1, *[1] * len(out))
    return top


def pooling(x: np.ndarray, kernel: Two, stride: Two, pad: Two, *, average: bool, floor: bool = False) -> np.ndarray:
    """PoolingLayer::Forward_cpu, its windows clipped in the order in which Caffe clips them."""
    return _pooling(x, kernel, stride, pad, average, floor)[0]


def pooling_mask(x: np.ndarray, kernel: Two, stride: Two, pad: Two, *, floor: bool = False) -> np.ndarray:
    """Where the largest of each window lies in its plane."""
    return _pooling(x, kernel, stride, pad, False, floor)[1]


def _pooling(
    x: np.ndarray, kernel: Two, stride: Two, pad: Two, average: bool, floor: bool
) -> tuple[np.ndarray, np.ndarray]:
    n, channels, height, width = x.shape
    round_size = math.floor if floor else math.ceil
    out_h = round_size((height + 2 * pad[0] - kernel[0]) / stride[0]) + 1
    out_w = round_size((width + 2 * pad[1] - kernel[1]) / stride[1]) + 1
    if pad[0] or pad[1]:
        if (out_h - 1) * stride[0] >= height + pad[0]:
            out_h -= 1
        if (out_w - 1) * stride[1] >= width + pad[1]:
            out_w -= 1
    top, mask = np.zeros((2, n, channels, out_h, out_w))
    for image, c, y, left in product(range(n), range(channels), range(out_h), range(out_w)):
        row, column = y * stride[0] - pad[0], left * stride[1] - pad[1]
        row_end, column_end = min(row + kernel[0], height + pad[0]), min(column + kernel[1], width + pad[1])
        size = (row_end - row) * (column_end - column)
        total, largest, place = 0.0, -FLT_MAX, -1
        for i, j in product(range(max(row, 0), min(row_end, height)), range(max(column, 0), min(column_end, width))):
            value = float(x[image, c, i, j])
            total += value
            if value > largest:
                largest, place = value, i * width + j
        top[image, c, y, left] = (total / size if size else math.nan) if average else largest
        mask[image, c, y, left] = place
    return top, mask


def inner_product(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, *, transpose: bool = False) -> np.ndarray:
    """A row of w, or a column if it is transposed, times everything behind the first axis in its C, H, W order."""
    outputs = w.shape[1] if transpose else w.shape[0]
    top = np.zeros((len(x), outputs))
    for image, o in product(range(len(x)), range(outputs)):
        total = 0.0 if b is None else float(b[o])
        for k, value in enumerate(_flattened(x[image])):
            total += float(w[k, o] if transpose else w[o, k]) * value
        top[image, o] = total
    return top


def relu(x: np.ndarray, slope: float = 0.0) -> np.ndarray:
    """max(x, 0) + slope · min(x, 0)."""
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        value = float(x[index])
        top[index] = max(value, 0.0) + slope * min(value, 0.0)
    return top


def softmax(x: np.ndarray) -> np.ndarray:
    """Over axis 1, each position by itself."""
    top = np.zeros(x.shape)
    for position in np.ndindex(x.shape[0], *x.shape[2:]):
        at = [(position[0], c, *position[1:]) for c in range(x.shape[1])]
        largest = max(float(x[index]) for index in at)
        terms = [math.exp(float(x[index]) - largest) for index in at]
        for index, term in zip(at, terms, strict=True):
            top[index] = term / math.fsum(terms)
    return top


def _flattened(x: np.ndarray) -> Iterator[float]:
    for index in np.ndindex(x.shape):
        yield float(x[index])
