"""What can be wrong with a batch normalisation is named and proven, from its variables or from its numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

EPS = "batch_norm_param { eps: 1e-5 }"
ALONE = nets.data(2, 5, 6, 7) + nets.layer("BatchNorm", parameters=EPS)
SCALED = ALONE + nets.layer("Scale", "layer", "scale", "scale_param { bias_term: true }")

Numbers = Mapping[str, np.ndarray]


def numbers_of(blobs: Mapping[str, nets.Blobs]) -> dict[str, np.ndarray]:
    means, variances, factor = blobs["layer"]
    gamma, beta = blobs.get("scale", (np.ones(5, np.float32), np.zeros(5, np.float32)))
    return {
        "mean": means / factor,
        "variance": variances / factor,
        "gamma": gamma,
        "beta": beta,
        "means": means,
        "variances": variances,
        "ones": np.ones_like(gamma),
        "zeros": np.zeros_like(beta),
    }


def stock(text: str, held: str, **arguments: Any) -> LayerComparison:
    """A BatchNormalization with these numbers for its variables, in Keras' order."""
    net = nets.network(text)
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 7, 5), name="data")
    training = arguments.pop("training", None)
    layer = layers.BatchNormalization(name="layer", **{"epsilon": 1e-5, **arguments})
    model = keras.Model(data, layer(data, training=training))
    layer.set_weights([numbers_of(blobs)[name] for name in held.split()])
    return rows_of(net, model, blobs=blobs)["layer"]


def own(function: Callable[[Any, Numbers], Any]) -> LayerComparison:
    """A Lambda in the place of a BatchNorm without a Scale."""
    net = nets.network(ALONE)
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 7, 5), name="data")
    made = layers.Lambda(lambda x: function(x, numbers_of(blobs)), name="layer")(data)
    return rows_of(net, keras.Model(data, made), blobs=blobs)["layer"]


def normalized(x: Any, mean: np.ndarray, variance: np.ndarray, epsilon: float = 1e-5) -> Any:
    return (x - mean) / ops.sqrt(variance + epsilon)


RIGHT = "gamma beta mean variance"


@pytest.mark.parametrize("epsilon", [1e-3, 2e-5])
def test_another_epsilon_is_read_or_found(epsilon):
    (read,) = stock(SCALED, RIGHT, epsilon=epsilon).causes
    (found,) = own(lambda x, held: normalized(x, held["mean"], held["variance"], epsilon)).causes
    for cause in (read, found):
        assert (cause.code, cause.proven, cause.fix) == ("batch_norm.epsilon", True, "epsilon=1e-05")
        assert cause.summary == f"Keras adds {epsilon:g} to the variance, Caffe 1e-05."
    assert read.evidence == f"layer: eps 1e-05 in the prototxt, epsilon={epsilon:g} in layer."


@pytest.mark.parametrize(
    ("held", "code", "summary"),
    [
        (
            "gamma beta means variances",
            "batch_norm.scale_factor",
            "Keras' mean and variance are not divided by the third",
        ),
        (
            "gamma beta mean variances",
            "batch_norm.scale_factor",
            "Keras' variance is not divided by the third blob, 4.",
        ),
        ("gamma beta variance mean", "batch_norm.order", "Keras has the mean for the variance"),
        ("beta gamma mean variance", "batch_norm.order", "Keras has the bias of the Scale layer scale for its factors"),
        ("mean variance gamma beta", "batch_norm.order", "Keras has mean and variance for gamma and beta"),
        ("ones zeros mean variance", "scale.missing", "Keras leaves out the Scale layer scale."),
        ("ones beta mean variance", "scale.missing", "Keras leaves out the factors of the Scale layer scale."),
        ("gamma zeros mean variance", "scale.bias", "Keras leaves out the bias of the Scale layer scale."),
    ],
)
def test_variables_that_hold_something_else(held, code, summary):
    (cause,) = stock(SCALED, held).causes
    assert (cause.code, cause.proven) == (code, True)
    assert cause.summary.startswith(summary)
    assert "layer's blobs begin with" in cause.evidence


def test_a_beta_that_is_not_there():
    (cause,) = stock(SCALED, "gamma mean variance", center=False).causes
    assert (cause.code, cause.proven, cause.fix) == ("scale.bias", True, "center=True")


def test_a_gamma_that_is_not_there():
    (cause,) = stock(SCALED, "beta mean variance", scale=False).causes
    assert (cause.code, cause.proven) == ("scale.missing", True)


def test_statistics_of_the_batch():
    (cause,) = stock(SCALED, RIGHT, training=True).causes
    assert (cause.code, cause.proven, cause.fix) == ("batch_norm.mode", True, "training=False")
    assert cause.evidence == "layer: use_global_stats true in the prototxt; layer: it is called with training=True."


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (lambda x, held: normalized(x, held["means"], held["variances"]), "batch_norm.scale_factor"),
        (lambda x, held: normalized(x, held["means"], held["variance"]), "batch_norm.scale_factor"),
        (lambda x, held: normalized(x, held["variance"], held["mean"]), "batch_norm.order"),
        (
            lambda x, held: normalized(x, ops.mean(x, (0, 1, 2)), ops.var(x, (0, 1, 2))),
            "batch_norm.mode",
        ),
    ],
)
def test_numbers_alone_tell(function, code):
    first, *rest = own(function).causes
    assert (first.code, first.proven, rest) == (code, True, [])


@pytest.mark.parametrize("epsilon", [1e-3, 2e-5])
def test_two_at_once_are_both_named(epsilon):
    read = stock(SCALED, "gamma means variances", epsilon=epsilon, center=False).causes
    assert {cause.code for cause in read} == {"batch_norm.epsilon", "batch_norm.scale_factor", "scale.bias"}
    found = own(lambda x, held: normalized(x, held["means"], held["variances"], epsilon)).causes
    assert {cause.code for cause in found} == {"batch_norm.epsilon", "batch_norm.scale_factor"}
    assert all(cause.proven for cause in (*read, *found))


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (lambda x, factors, bias: x * factors, "scale.bias"),
        (lambda x, factors, bias: x + bias, "scale.missing"),
        (lambda x, factors, bias: x, "scale.missing"),
        (lambda x, factors, bias: x * bias + factors, "batch_norm.order"),
    ],
)
def test_a_scale_by_itself(function, code):
    net = nets.single("Scale", (2, 5, 6, 7), "scale_param { bias_term: true }")
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, layers.Lambda(lambda x: function(x, *blobs["layer"]), name="layer")(data))
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == (code, True)


def test_a_right_one_has_no_cause():
    rows = [stock(SCALED, RIGHT), own(lambda x, held: normalized(x, held["mean"], held["variance"]))]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 2


def changed(make: Callable[..., list[np.ndarray]]) -> LayerComparison:
    """A BatchNormalization with what is made of Caffe's numbers, in Keras' order."""
    net = nets.network(SCALED)
    blobs = nets.random_blobs(net)
    numbers = numbers_of(blobs)
    data = keras.Input((6, 7, 5), name="data")
    layer = layers.BatchNormalization(name="layer", epsilon=1e-5)
    model = keras.Model(data, layer(data))
    layer.set_weights(make(*(numbers[name] for name in ("gamma", "beta", "mean", "variance"))))
    return rows_of(net, model, blobs=blobs)["layer"]


@pytest.mark.parametrize(
    ("make", "summary", "fix"),
    [
        (
            lambda g, b, m, v: [g, b, v, np.abs(m)],
            "Keras has the variance for the mean and the mean for the variance, signs aside.",
            "moving_mean = mean; moving_variance = variance",
        ),
        (
            lambda g, b, m, v: [m, v, g, np.abs(b)],
            "Keras has the gamma for the mean and the beta for the variance and the mean for the gamma "
            "and the variance for the beta, signs aside.",
            "moving_mean = mean; moving_variance = variance; gamma = gamma; beta = beta",
        ),
    ],
)
def test_arrays_mixed_up_whose_signs_were_taken_off(make, summary, fix):
    (cause,) = changed(make).causes
    assert (cause.code, cause.proven, cause.summary, cause.fix) == ("batch_norm.order", True, summary, fix)
    assert cause.evidence.startswith("layer: ")


def test_statistics_divided_by_something_else():
    (cause,) = changed(lambda g, b, m, v: [g, b, m * np.float32(3.7), v * np.float32(3.7)]).causes
    assert (cause.code, cause.proven) == ("batch_norm.scale_factor", True)
    assert cause.summary == "Keras' mean and variance are 3.7 times Caffe's, which are divided by the third blob, 4."
