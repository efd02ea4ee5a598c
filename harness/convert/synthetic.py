"""Weights from a seed: the same bits on every machine, and activations that stay in range.

Only the raw stream of a counter-based bit generator is used, which NumPy keeps stable, and only operations that IEEE 754
rounds correctly; a sum that could depend on its order is done in integers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence

import numpy as np

from harness.caffe import share_blobs
from harness.data import Layer, Network, Shape, Top
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

INPUT_RMS = 40.0
"""What a mean-subtracted photograph in 0–255 has about."""

RECTIFIED, LINEAR = 3.2, 4.0
"""Variance times fan-in of kernels with and without a rectifier behind them. Without a mean, a filter does not see the
mean of rectified activations, so it takes more than He's 2 to keep their size; measured on DilatedNet."""

BIAS = 0.05
"""Largest bias."""


def synthetic_weights(network: Network, seed: int) -> dict[str, tuple[np.ndarray, ...]]:
    """Blobs for every layer that learns, in Caffe's layouts.

    Kernels are uniform, without mean per filter, so that what all positions have in common does not swamp what tells
    them apart. The first layers divide by a photograph's rms as well. Other blobs (statistics, scales, slopes) are of
    the size that training gives them, and far enough from 0 and 1 that leaving one out shows. What layers share by name
    is the owner's.
    """
    shapes = infer_shapes(network)
    inputs = set(network.inputs)
    blobs: dict[str, tuple[np.ndarray, ...]] = {}
    for layer in network.layers:
        expected = layer_type(layer).blob_shapes(layer, [shapes[bottom] for bottom in layer.bottoms])
        if not expected:
            continue
        gain = _gain(network, layer)
        if set(layer.bottoms) <= inputs:
            gain /= INPUT_RMS
        stream = np.random.Philox(key=_key(seed, layer.name))
        fan_in = layer_type(layer).fan_in(layer, expected[0])
        blobs[layer.name] = fill(layer, expected, stream, gain, fan_in)
    for (name, number), owner in share_blobs(network).items():
        own = list(blobs[name])
        own[number] = blobs[owner.layer][owner.number].reshape(own[number].shape)
        blobs[name] = tuple(own)
    return blobs


def fill(
    layer: Layer, shapes: Sequence[Shape], stream: np.random.Philox, gain: float, fan_in: float
) -> tuple[np.ndarray, ...]:
    """The blobs of one layer.

    Args:
        shapes: of the blobs, in Caffe's order.
        gain: the square root of variance times fan-in for a kernel.
        fan_in: how many products one output element sums.
    """
    ranges = layer_type(layer).blob_ranges(layer)
    if ranges is not None:
        return tuple(_between(stream, shape, *ends) for shape, ends in zip(shapes, ranges, strict=False))
    if layer.type in ("LSTM", "RNN"):
        of_bottom, *others = (
            _matrix(stream, shape) if len(shape) > 1 else _uniform(stream, shape, BIAS) for shape in shapes
        )
        return (of_bottom * np.float32(gain), *others)
    kernel, *rest = shapes
    limit = gain * math.sqrt(3.0 / fan_in)
    first = _bilinear(kernel) if _is_bilinear(layer, kernel) else _kernel(stream, kernel, limit)
    return (first, *(_uniform(stream, shape, BIAS) for shape in rest))


def synthetic_input(shape: Shape, seed: int) -> np.ndarray:
    """An input blob, uniform in ±128, float32, N, C, H, W."""
    return _uniform(np.random.Philox(key=_key(seed, "input")), shape, 128.0)


def synthetic_numbers(shape: Shape, seed: int, count: int) -> np.ndarray:
    """An input blob of whole numbers, 0 to count − 1, float32."""
    raw = _integers(np.random.Philox(key=_key(seed, "input")), math.prod(shape)).astype(np.int64) + (1 << 23)
    numbers: np.ndarray = (raw * count >> 24).astype(np.float32).reshape(shape)
    return numbers


_PASSES_ON = frozenset({"BN", "BatchNorm", "Bias", "Scale"})
"""Types that a convolution may have between itself and its rectifier."""

_RECTIFIERS = frozenset({"ELU", "PReLU", "ReLU", "Swish"})


def _gain(network: Network, layer: Layer) -> float:
    """By what stands behind the layer: a rectifier or not, and whether its output is added to another branch's.

    A residual branch adds a part of the variance that the other one has, so that 50 of them stay in range.
    """
    behind = _behind(network, layer.tops)
    variance = RECTIFIED if any(reader.type in _RECTIFIERS for reader in behind) else LINEAR
    if any(reader.type == "Eltwise" and reader.parameters.eltwise_param.operation == _SUM for reader in behind):
        variance /= 8.0
    return math.sqrt(variance)


_SUM = 1  # EltwiseParameter.SUM


def _behind(network: Network, tops: Iterable[Top]) -> list[Layer]:
    """The layers that read these tops, normalisations looked through."""
    found: list[Layer] = []
    for top in tops:
        for reader in network.consumers(top):
            found += _behind(network, reader.tops) if reader.type in _PASSES_ON else [reader]
    return found


def _is_bilinear(layer: Layer, kernel: Shape) -> bool:
    filler = layer.parameters.convolution_param.weight_filler.type
    return layer.type == "Deconvolution" and filler == "bilinear" and len(kernel) == 4 and kernel[2] == kernel[3]


def _bilinear(shape: Shape) -> np.ndarray:
    """Caffe's bilinear filler, each channel onto itself. Source: BVLC Caffe 1.0, filler.hpp.

    Caffe fills every pair of channels, which without groups makes all outputs alike; trained nets have it on the diagonal.
    """
    half = math.ceil(shape[3] / 2)
    center = np.float32((shape[3] - 1) / (2.0 * half))
    place = np.arange(shape[3], dtype=np.float32) / np.float32(half)
    weight = np.float32(1) - np.abs(place - center)
    kernel = np.array(np.broadcast_to(weight[:, None] * weight, shape))
    if shape[0] == shape[1]:
        kernel *= np.eye(shape[0], dtype=np.float32)[:, :, None, None]
    return kernel


def _key(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16], "little")


def _integers(stream: np.random.Philox, count: int) -> np.ndarray:
    """Integers in −2²³ … 2²³ − 1."""
    raw = np.asarray(stream.random_raw((count + 1) // 2), "<u8").view("<u4")[:count]
    integers: np.ndarray = (raw >> np.uint32(8)).astype(np.int32) - np.int32(1 << 23)
    return integers


def _kernel(stream: np.random.Philox, shape: Shape, limit: float) -> np.ndarray:
    kernel = np.empty((math.prod(shape[:1]), math.prod(shape[1:])), np.float32)  # a blob may be a number without axes
    for row in kernel:
        values = _integers(stream, row.size)
        if row.size > 1:
            values -= np.int32(int(values.sum(dtype=np.int64)) // row.size)
        np.multiply(values, limit * 2.0**-23, out=row, casting="same_kind")
    return kernel.reshape(shape)


def _matrix(stream: np.random.Philox, shape: Shape) -> np.ndarray:
    """A kernel that keeps the size of what it multiplies."""
    return _kernel(stream, shape, math.sqrt(3.0 / math.prod(shape[1:])))


def _between(stream: np.random.Philox, shape: Shape, least: float, largest: float) -> np.ndarray:
    middle = (least + largest) / 2
    values = middle + _integers(stream, math.prod(shape)) * ((largest - middle) * 2.0**-23)
    return values.astype(np.float32).reshape(shape)


def _uniform(stream: np.random.Philox, shape: Shape, limit: float) -> np.ndarray:
    values = _integers(stream, math.prod(shape)) * (limit * 2.0**-23)
    return values.astype(np.float32).reshape(shape)
