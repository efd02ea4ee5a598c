"""Weights from a seed: the same bits on every machine, and activations that stay in range.

Only the raw stream of a counter-based bit generator is used, which NumPy keeps stable, and only operations that IEEE 754
rounds correctly; a sum that could depend on its order is done in integers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import numpy as np

from harness.data import Network, Shape, Top
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
    them apart. The first layers divide by a photograph's rms as well.
    """
    shapes = infer_shapes(network)
    inputs = set(network.inputs)
    blobs: dict[str, tuple[np.ndarray, ...]] = {}
    for layer in network.layers:
        expected = layer_type(layer).blob_shapes(layer, [shapes[bottom] for bottom in layer.bottoms])
        if not expected:
            continue
        gain = math.sqrt(RECTIFIED if _is_rectified(network, layer.tops) else LINEAR)
        if set(layer.bottoms) <= inputs:
            gain /= INPUT_RMS
        stream = np.random.Philox(key=_key(seed, layer.name))
        kernel, *rest = expected
        fan_in = layer_type(layer).fan_in(layer, kernel)
        blobs[layer.name] = (
            _kernel(stream, kernel, gain * math.sqrt(3.0 / fan_in)),
            *(_uniform(stream, shape, BIAS) for shape in rest),
        )
    return blobs


def synthetic_input(shape: Shape, seed: int) -> np.ndarray:
    """An input blob, uniform in ±128, float32, N, C, H, W."""
    return _uniform(np.random.Philox(key=_key(seed, "input")), shape, 128.0)


def synthetic_numbers(shape: Shape, seed: int, count: int) -> np.ndarray:
    """An input blob of whole numbers, 0 to count − 1, float32."""
    raw = _integers(np.random.Philox(key=_key(seed, "input")), math.prod(shape)).astype(np.int64) + (1 << 23)
    numbers: np.ndarray = (raw * count >> 24).astype(np.float32).reshape(shape)
    return numbers


def _is_rectified(network: Network, tops: Iterable[Top]) -> bool:
    return any(reader.type == "ReLU" for top in tops for reader in network.consumers(top))


def _key(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16], "little")


def _integers(stream: np.random.Philox, count: int) -> np.ndarray:
    """Integers in −2²³ … 2²³ − 1."""
    raw = np.asarray(stream.random_raw((count + 1) // 2), "<u8").view("<u4")[:count]
    integers: np.ndarray = (raw >> np.uint32(8)).astype(np.int32) - np.int32(1 << 23)
    return integers


def _kernel(stream: np.random.Philox, shape: Shape, limit: float) -> np.ndarray:
    kernel = np.empty((shape[0], math.prod(shape[1:])), np.float32)
    for row in kernel:
        values = _integers(stream, row.size)
        if row.size > 1:
            values -= np.int32(int(values.sum(dtype=np.int64)) // row.size)
        np.multiply(values, limit * 2.0**-23, out=row, casting="same_kind")
    return kernel.reshape(shape)


def _uniform(stream: np.random.Philox, shape: Shape, limit: float) -> np.ndarray:
    values = _integers(stream, math.prod(shape)) * (limit * 2.0**-23)
    return values.astype(np.float32).reshape(shape)
