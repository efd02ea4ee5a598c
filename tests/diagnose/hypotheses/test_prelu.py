"""Slopes that are shared where Caffe has one for each channel, or not shared, are named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import initializers, layers
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

RANDOM = initializers.RandomUniform(0.1, 0.4, seed=1)


def judged(make: Callable[[Any], Any], parameters: str = "") -> LayerComparison:
    data = keras.Input((6, 7, 5), name="data")
    return rows_of(nets.single("PReLU", (2, 5, 6, 7), parameters), keras.Model(data, make(data)))["layer"]


@pytest.mark.parametrize(
    ("make", "summary"),
    [
        (
            layers.PReLU(RANDOM, name="layer"),
            "Keras has 210 slopes, shared_axes=None says, Caffe 5, one for each channel.",
        ),
        (
            layers.PReLU(RANDOM, shared_axes=[1, 2, 3], name="layer"),
            "Keras has 1 slopes, shared_axes=[1, 2, 3] says, Caffe 5, one for each channel.",
        ),
        (layers.LeakyReLU(negative_slope=0.25, name="layer"), "Keras has one slope for all, 0.25, Caffe 5 slopes from"),
        (
            layers.Lambda(lambda x: tf.nn.leaky_relu(x, 0.25), name="layer"),
            "Keras has one slope for all, 0.25, Caffe 5 slopes from",
        ),
    ],
)
def test_slopes_shared_otherwise(make, summary):
    (cause,) = judged(make).causes
    assert (cause.code, cause.proven, cause.fix) == ("prelu.shared", True, "PReLU(shared_axes=[1, 2])")
    assert cause.summary.startswith(summary)


def test_one_slope_that_is_another():
    (cause,) = judged(layers.LeakyReLU(name="layer"), "prelu_param { channel_shared: true }").causes
    assert (cause.code, cause.proven, cause.fix) == ("activation.slope", True, "PReLU(shared_axes=[1, 2, 3])")
    assert cause.summary.startswith("Keras' slope is 0.3, Caffe's 0.")


@pytest.mark.parametrize(("function", "code"), [("relu", "activation.kind"), ("elu", "activation.kind")])
def test_another_function(function, code):
    (cause,) = judged(layers.Activation(function, name="layer")).causes
    assert (cause.code, cause.proven) == (code, True)


def test_slopes_that_are_repeated_have_no_cause():
    data = keras.Input((6, 7, 5), name="data")
    net = nets.single("PReLU", (2, 5, 6, 7))
    blobs = nets.random_blobs(net)
    layer = layers.PReLU(name="layer")
    model = keras.Model(data, layer(data))
    layer.set_weights([blobs["layer"][0] + 0 * layer.get_weights()[0]])
    row = rows_of(net, model, blobs=blobs)["layer"]
    assert (row.status.value, row.causes) == ("match", ())


def test_one_of_the_slopes_in_the_place_of_all():
    net = nets.single("PReLU", (2, 5, 6, 7))
    blobs = nets.random_blobs(net)
    model = nets.keras_model(net, blobs)
    (slopes,) = blobs["layer"]
    nets.fill(model, {"layer": {"alpha": np.full((1, 1, 5), slopes[0], np.float32)}})
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("prelu.shared", True)
    assert cause.evidence == f"layer has a blob of 5; all 5 slopes of layer are {slopes[0]:.4g}."
