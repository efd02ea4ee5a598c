"""Weights for the nets, drawn by seed with the statistics that training leaves, not with an initialiser's."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from harness.data import Layer, Network, Shape
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

PHOTOGRAPH = 50.0
"""The rms of a photograph less its mean; the first layers divide by it."""

FACTOR = 999.9823
"""BatchNorm's third blob: the sum of Caffe's moving weights, by which the stored statistics are to be divided."""


def draw_weights(network: Network, seed: int = 0) -> dict[str, tuple[np.ndarray, ...]]:
    """Blobs of every layer that learns, in Caffe's layouts. A kernel's mean is not zero, nor is a scale's one."""
    shapes = infer_shapes(network)
    first = set(network.inputs)
    drawn = {}
    for layer in network.layers:
        wanted = layer_type(layer).blob_shapes(layer, [shapes[bottom] for bottom in layer.bottoms])
        if wanted:
            stream = np.random.default_rng([seed, zlib.crc32(layer.name.encode())])
            size = PHOTOGRAPH if first.intersection(layer.bottoms) else 1.0
            blobs = _DRAW.get(layer.type, _product)(layer, wanted, stream, size)
            drawn[layer.name] = tuple(blob.astype(np.float32) for blob in blobs)
    return drawn


Arrays = list[np.ndarray]


def _product(layer: Layer, shapes: Sequence[Shape], stream: np.random.Generator, size: float) -> Arrays:
    """A convolution's or an inner product's: He's, a little off zero, and biases."""
    fan_in = layer_type(layer).fan_in(layer, shapes[0])
    kernel = stream.normal(0.1 / fan_in, math.sqrt(2.0 / fan_in), shapes[0]) / size
    return [kernel, *(stream.normal(0.1, 0.2, shape) for shape in shapes[1:])]


def _deconvolution(layer: Layer, shapes: Sequence[Shape], stream: np.random.Generator, size: float) -> Arrays:
    """Near a bilinear kernel if one is asked for, as fine-tuning leaves it: each channel a little different."""
    if layer.parameters.convolution_param.weight_filler.type != "bilinear":
        return _product(layer, shapes, stream, size)
    height, width = shapes[0][2:]
    rows, columns = (1 - np.abs(np.arange(edge) - (edge - 1) / 2) / math.ceil(edge / 2) for edge in (height, width))
    kernel = np.outer(rows, columns) * stream.normal(1.0, 0.05, (*shapes[0][:2], 1, 1))
    return [kernel, *(stream.normal(0.0, 0.1, shape) for shape in shapes[1:])]


def _batch_norm(layer: Layer, shapes: Sequence[Shape], stream: np.random.Generator, size: float) -> Arrays:
    mean = stream.normal(0.0, 0.5, shapes[0])
    variance = np.exp(stream.normal(-0.5, 0.8, shapes[1]))
    return [mean * FACTOR, variance * FACTOR, np.full(shapes[2], FACTOR)]


def _scale(layer: Layer, shapes: Sequence[Shape], stream: np.random.Generator, size: float) -> Arrays:
    gamma = stream.normal(1.0, 0.2, shapes[0])
    return [gamma, *(stream.normal(0.0, 0.3, shape) for shape in shapes[1:])]


def _prelu(layer: Layer, shapes: Sequence[Shape], stream: np.random.Generator, size: float) -> Arrays:
    return [stream.uniform(0.05, 0.4, shape) for shape in shapes]


_DRAW: Mapping[str, Callable[[Layer, Sequence[Shape], np.random.Generator, float], Arrays]] = {
    "BatchNorm": _batch_norm,
    "BN": _scale,
    "Scale": _scale,
    "PReLU": _prelu,
    "Deconvolution": _deconvolution,
}
