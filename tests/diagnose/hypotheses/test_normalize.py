"""Other axes, another epsilon or no scale in an MVN or a Normalize are named and proven."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

NORMALIZE = "norm_param { across_spatial: false channel_shared: false }"


def judged(kind: str, parameters: str, function: Any) -> LayerComparison:
    net = nets.single(kind, (2, 5, 6, 7), parameters)
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 7, 5), name="data")
    learned = blobs.get("layer", ())
    made = layers.Lambda(lambda x: function(x, *learned), name="layer")(data)
    return rows_of(net, keras.Model(data, made), blobs=blobs)["layer"]


def mvn(x: Any, axes: tuple[int, ...] = (1, 2), epsilon: float = 1e-9, *, under_root: float = 0.0) -> Any:
    centred = x - ops.mean(x, axes, keepdims=True)
    return centred / (ops.sqrt(ops.mean(centred**2, axes, keepdims=True) + under_root) + epsilon)


def normalize(x: Any, scale: Any, axes: Any = -1, epsilon: float = 1e-10) -> Any:
    return x / ops.sqrt(ops.sum(x**2, axes, keepdims=True) + epsilon) * scale


@pytest.mark.parametrize(
    ("parameters", "function", "code", "summary", "fix"),
    [
        ("", lambda x: mvn(x, (1, 2, 3)), "axis", "Keras' mean is taken across channels", "axis=[1, 2]"),
        (
            "mvn_param { across_channels: true }",
            mvn,
            "axis",
            "Keras' mean is taken of each channel",
            "axis=[1, 2, 3]",
        ),
        (
            "",
            lambda x: x - ops.mean(x, (1, 2), keepdims=True),
            "variance",
            "Keras does not divide by the deviation",
            "normalize_variance=True",
        ),
        (
            "",
            lambda x: mvn(x, epsilon=1e-5),
            "epsilon",
            "Keras adds 1e-05 to the deviation, Caffe 1e-09.",
            "epsilon=1e-09",
        ),
        (
            "",
            lambda x: mvn(x, epsilon=0.0, under_root=1e-3),
            "epsilon",
            "Keras adds 0.001 to the variance, under the root",
            "(x - mean) / (sqrt(variance) + 1e-09)",
        ),
    ],
)
def test_an_mvn(parameters, function, code, summary, fix):
    (cause,) = judged("MVN", parameters, function).causes
    assert (cause.code, cause.proven, cause.fix) == (f"normalize.{code}", True, fix)
    assert cause.summary.startswith(summary)


@pytest.mark.parametrize(
    ("function", "code", "summary"),
    [
        (lambda x, scale: normalize(x, 1.0), "scale", "Keras leaves out the learned scale."),
        (
            lambda x, scale: normalize(x, float(np.mean(scale))),
            "scale",
            "Keras multiplies all by the mean of the channels' scales.",
        ),
        (lambda x, scale: normalize(x, scale, (1, 2, 3)), "axis", "Keras' norm is one for the whole image"),
        (
            lambda x, scale: normalize(x, scale, epsilon=1e-3),
            "epsilon",
            "Keras adds 0.001 to the squares, Caffe 1e-10.",
        ),
    ],
)
def test_a_normalize(function, code, summary):
    (cause,) = judged("Normalize", NORMALIZE, function).causes
    assert (cause.code, cause.proven) == (f"normalize.{code}", True)
    assert cause.summary.startswith(summary)


def test_right_ones_have_no_cause():
    rows = [judged("MVN", "", mvn), judged("Normalize", NORMALIZE, normalize)]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 2
