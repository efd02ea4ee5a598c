"""A Keras layer's kernel and bias, brought into the layout of Caffe's blobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data import Layer
from harness.diagnose.clues import Clues
from harness.diagnose.likeness import equal
from harness.layers import layer_type
from harness.layers.convolution import Convolution
from harness.layers.deconvolution import Deconvolution
from harness.layers.inner_product import InnerProduct

KERNELS = (Convolution, Deconvolution, InnerProduct)
"""Types whose first blob is a kernel and whose second a bias."""

ROWS = 32
"""Rows of a kernel that are copied at a time."""


@dataclass(frozen=True)
class Learned:
    """What a Keras layer has in the place of Caffe's blobs."""

    kernel: np.ndarray
    bias: np.ndarray | None  # None: it has none
    elsewhere: int = 0  # numbers other than zero where Caffe's kernel has none: outside of its groups


def read_learned(clues: Clues, variables: Mapping[str, np.ndarray]) -> Learned | None:
    """The variables as Caffe would hold them; None where their names or shapes are not the ones known."""
    node, layer, blobs = clues.main, clues.pair.layer, clues.blobs
    if node is None or not blobs or "kernel" not in variables or not isinstance(layer_type(layer), KERNELS):
        return None
    held, bias = variables["kernel"], variables.get("bias")

    def as_keras(blob: Any) -> np.ndarray:
        return layer_type(layer).keras_weights(layer, (blob,), clues.held, node.class_name)["kernel"]

    right = as_keras(blobs[0])
    if right.shape != held.shape:
        return None
    axes = _turned(right, blobs[0])
    if axes is not None:
        return Learned(_in_one_piece(held.transpose(np.argsort(axes))), bias)
    if equal(held.T, right.T):
        return Learned(blobs[0], bias)
    # Where each number belongs is read off a numbered blob, which goes the same way as Caffe's.
    places = as_keras(np.arange(1, blobs[0].size + 1, dtype=np.int32).reshape(blobs[0].shape))
    kernel = np.zeros(blobs[0].size + 1, np.float32)
    kernel[places] = held
    outside = held[places == 0] if held.size > blobs[0].size else np.zeros(0)
    return Learned(kernel[1:].reshape(blobs[0].shape), bias, int(np.count_nonzero(outside)))


def _turned(right: np.ndarray, blob: np.ndarray) -> tuple[int, ...] | None:
    """Which of the blob's axes each of the Keras array's is, where that is a mere view of it."""
    if right.ndim != blob.ndim or not np.may_share_memory(right, blob) or len(set(blob.strides)) < blob.ndim:
        return None
    if sorted(right.strides) != sorted(blob.strides):
        return None
    return tuple(blob.strides.index(stride) for stride in right.strides)


def _in_one_piece(array: np.ndarray) -> np.ndarray:
    """A contiguous copy in float32, made some rows at a time: small enough that what is read far apart stays in the cache."""
    copy = np.empty(array.shape, np.float32)
    for start in range(0, len(array), ROWS):
        copy[start : start + ROWS] = array[start : start + ROWS]
    return copy


def caffe_bias(clues: Clues) -> Layer | None:
    """The Caffe layer whose last blob the Keras layer's bias is: the one with the kernel, or a Bias behind it."""
    first, *fused = clues.pair.caffe
    if len(clues.blobs) > 1:
        return first
    return next((one for one in fused if one.type == "Bias" and clues.weights.of(one.name)), None)


def channel_axes(clues: Clues) -> tuple[int, int]:
    """The axes of the kernel's blob along which output and input channels lie."""
    layer, axes = clues.pair.layer, clues.blobs[0].ndim
    if isinstance(layer_type(layer), InnerProduct):
        rows = (axes - 2, axes - 1)
        return rows[::-1] if layer.parameters.inner_product_param.transpose else rows
    return (1, 0) if layer.type == "Deconvolution" else (0, 1)
