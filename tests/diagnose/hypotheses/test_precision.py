"""Fewer digits than float32 has are named, whether a layer is told so or casts its numbers inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

CONV = nets.data(2, 5, 6, 7) + nets.conv(name="layer", parameters="num_output: 4 kernel_size: 1")


def judged(make: Callable[[Any, np.ndarray, np.ndarray], Any], *, converted: bool = False) -> LayerComparison:
    net = nets.network(CONV)
    blobs = nets.random_blobs(net)
    kernel, bias = blobs["layer"]
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, make(data, kernel[:, :, 0, 0].T, bias))
    return rows_of(net, model, blobs=blobs, converted=converted)["layer"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_a_layer_that_is_told_so(policy):
    (cause,) = judged(lambda x, kernel, bias: layers.Conv2D(4, 1, dtype=policy, name="layer")(x), converted=True).causes
    low = policy.removeprefix("mixed_")
    assert (cause.code, cause.proven, cause.fix) == ("precision", True, 'dtype="float32"')
    assert cause.summary == f"Keras computes it in {low}, Caffe in float32."
    assert cause.evidence.startswith(f"layer in {low}; the error is ")


def everything_cast(x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    low = ops.cast(x, "float16") @ ops.cast(kernel, "float16") + ops.cast(bias, "float16")
    return ops.cast(low, x.dtype)


def bottom_cast(x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    return ops.cast(ops.cast(x, "bfloat16"), x.dtype) @ ops.cast(kernel, x.dtype) + ops.cast(bias, x.dtype)


def kernel_cast(x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    return x @ ops.cast(kernel.astype(np.float16), x.dtype) + ops.cast(bias.astype(np.float16), x.dtype)


@pytest.mark.parametrize(
    ("function", "summary"),
    [
        (everything_cast, "layer computes in float16, Caffe computes in float32."),
        (bottom_cast, "layer casts what it reads to bfloat16, Caffe computes in float32."),
        (kernel_cast, "layer casts what it has learned to float16, Caffe computes in float32."),
    ],
)
def test_a_cast_inside_of_a_lambda(function, summary):
    (cause,) = judged(lambda x, *blobs: layers.Lambda(lambda x: function(x, *blobs), name="layer")(x)).causes
    assert (cause.code, cause.proven, cause.summary) == ("precision", True, summary)
    assert cause.fix == f"no cast to {summary.split()[-5].rstrip(',')}"


def test_full_precision_has_no_cause():
    row = judged(lambda x, kernel, bias: layers.Conv2D(4, 1, name="layer")(x), converted=True)
    assert (row.status.value, row.causes) == ("match", ())
