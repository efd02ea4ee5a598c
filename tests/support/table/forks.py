"""Normalising types of well-known forks: SegNet's BN, SSD's Normalize, Axpy of the squeeze-and-excitation nets."""

from __future__ import annotations

import math

import numpy as np
from support.table import Entry, plain
from support.table.batch_norm import shifted
from support.table.scale import gains


def bn(id: str, shape, parameters: str = "", **more) -> Entry:
    """SegNet's."""
    return plain("BN", id, shape, f"bn_param {{ {parameters} }}", fork=True, draw_blobs=gains, **more)


def normalize(id: str, shape, parameters: str = "", **more) -> Entry:
    """SSD's."""
    draw = lambda rng, shapes: [rng.uniform(5, 20, size=shapes[0])]  # noqa: E731
    return plain("Normalize", id, shape, f"norm_param {{ {parameters} }}", fork=True, draw_blobs=draw, **more)


def axpy(id: str, a, x) -> Entry:
    """Of a squeeze-and-excitation net."""
    return plain("Axpy", id, (a, x, x), fork=True)


def zeros_beside(rng: np.random.Generator, shape) -> np.ndarray:
    """Positions where every channel is zero, and some where all are tiny."""
    x = rng.normal(size=shape)
    x[..., 0] = 0
    x[..., 1] *= 1e-6
    return x


ENTRIES = (
    bn("at inference", (2, 5, 3, 4), "bn_mode: INFERENCE"),
    bn("that learns", (3, 4, 5, 6)),
    bn("that learns, one image", (1, 4, 5, 6), "bn_mode: LEARN"),
    bn("that learns, far from zero", (2, 4, 5, 6), draws=(shifted,)),
    normalize("over channels", (2, 5, 3, 4), "across_spatial: false channel_shared: false"),
    normalize("over channels, one scale", (2, 5, 3, 4), "across_spatial: false"),
    normalize("over the image", (2, 5, 3, 4), "channel_shared: false"),
    normalize("over the image, one scale", (2, 5, 3, 4)),
    normalize("zeros", (1, 4, 3, 5), "across_spatial: false channel_shared: false", draws=(zeros_beside,)),
    normalize("eps 0.1", (1, 4, 3, 5), "across_spatial: false eps: 0.1"),
    normalize("a vector", (3, 6), "across_spatial: false channel_shared: false"),
    normalize("a sequence", (2, 4, 7), "across_spatial: false channel_shared: false"),
    axpy("of an image", (2, 3, 1, 1), (2, 3, 5, 4)),
    axpy("with a list of channels", (2, 3), (2, 3, 5, 4)),
    axpy("of a vector", (2, 6), (2, 6)),
    axpy("of a sequence", (2, 4), (2, 4, 7)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """By hand."""
    return [{"BN": _bn, "Normalize": _normalize, "Axpy": _axpy}[entry.kind](entry, blobs, bottoms)]


def _bn(entry, blobs, bottoms):
    (x,) = bottoms
    top = np.zeros(x.shape)
    for c in range(x.shape[1]):
        numbers = [float(one) for one in x[:, c].reshape(-1)]
        if "INFERENCE" not in entry.parameters:
            mean = math.fsum(numbers) / len(numbers)
            variance = math.fsum((one - mean) ** 2 for one in numbers) / len(numbers)
            numbers = [(one - mean) / math.sqrt(variance + float(np.float32(1e-9))) for one in numbers]
        scale, shift = (float(blob.reshape(-1)[c]) for blob in blobs)
        top[:, c] = np.reshape([one * scale + shift for one in numbers], x[:, c].shape)
    return top


def _normalize(entry, blobs, bottoms):
    (x,) = bottoms
    eps = float(np.float32(0.1 if "eps: 0.1" in entry.parameters else 1e-10))
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        n, c, *rest = index
        near = x[(n, slice(None), *rest)] if "across_spatial: false" in entry.parameters else x[n]
        norm = math.sqrt(math.fsum(float(one) ** 2 for one in near.reshape(-1)) + eps)
        scale = blobs[0].reshape(-1)
        top[index] = float(x[index]) / norm * float(scale[c if len(scale) > 1 else 0])
    return top


def _axpy(entry, blobs, bottoms):
    a, x, y = bottoms
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        top[index] = float(a.reshape(a.shape[:2])[index[:2]]) * float(x[index]) + float(y[index])
    return top
