"""What Caffe's neuron layers have in common: one bottom, one top of its shape, every number by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers.base import TINY, U
from harness.layers.whole import Elementwise

LARGEST = float(np.finfo(np.float32).max)


class Neuron(Elementwise):
    """A function of one number with Caffe's own check of bottoms and tops. Source: BVLC Caffe 1.0, neuron_layer.hpp."""

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        return one_to_one(layer, bottoms)


def one_to_one(layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
    """The bottom's shape as the top's. Raises UnsupportedError unless there is one of each."""
    if len(bottoms) != 1 or len(layer.tops) != 1:
        raise UnsupportedError(
            f"{layer.type} has {len(bottoms)} bottoms and {len(layer.tops)} tops, which Caffe refuses",
            layer=layer.name,
            line=layer.line,
            fix="give it one bottom and one top",
        )
    return tuple(bottoms)


def single(layer: Layer, name: str, value: float) -> float:
    """A parameter with as few digits as say which float32 Caffe keeps: 0.1 and not 0.10000000149.

    Raises:
        UnsupportedError: it is infinite or no number, which Caffe takes and the source of a Keras layer cannot say.
    """
    if not math.isfinite(value):
        raise UnsupportedError(
            f"{name}: {value} cannot be written as a number of a Keras layer",
            layer=layer.name,
            line=layer.line,
            fix=f"give a finite {name}",
        )
    return float(str(np.float32(value)))


def flushed(x: np.ndarray) -> np.ndarray:
    """The numbers as one reads them who takes denormal ones for zero, as TensorFlow does on the CPU."""
    return np.where(np.abs(x) < TINY, np.copysign(0.0, x), x).astype(x.dtype)


def any_denormal(*arrays: np.ndarray) -> bool:
    """True if some number is smaller than the smallest normal float32, and not zero."""
    return any(bool(((np.abs(array) < TINY) & (array != 0)).any()) for array in arrays)


def lost(value: np.ndarray, value_flushed: np.ndarray) -> np.ndarray:
    """What flushed denormal numbers make of a value, as a `scale`; zero where the value is no denormal's."""
    with np.errstate(all="ignore"):
        return np.where(value == value_flushed, 0.0, np.abs(value - value_flushed) / U).astype(value.dtype)


def unless_infinite(inside: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The scale, infinite where an intermediate number is so in float32: nothing more is known of the result there."""
    return np.where(np.abs(inside) > LARGEST, np.inf, scale).astype(scale.dtype)
