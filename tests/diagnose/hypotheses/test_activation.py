"""Another activation, one too many, one too few or with another slope is named and proven, however it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers, ops
from support import nets
from support.diagnoses import clues, rows_of

from harness.data import KerasNode, LayerComparison
from harness.diagnose import stated

SHAPE = (2, 5, 6, 7)
LEAKY = "relu_param { negative_slope: 0.1 }"
CONV = nets.data(*SHAPE) + nets.conv(name="layer", parameters="num_output: 4 kernel_size: 3")


def judged(kind: str, parameters: str, make: Callable[[Any], Any]) -> LayerComparison:
    data = keras.Input((6, 7, 5), name="data")
    return rows_of(nets.single(kind, SHAPE, parameters), keras.Model(data, make(data)))["layer"]


def written(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return layers.Lambda(function, name="layer")


@pytest.mark.parametrize(
    ("kind", "parameters", "make", "code", "summary", "fix"),
    [
        ("ReLU", "", layers.Activation("linear", name="layer"), "missing", "Keras leaves out ReLU.", "ReLU()"),
        ("ReLU", "", written(lambda x: x), "missing", "Keras leaves out ReLU.", "ReLU()"),
        ("ReLU", "", layers.Activation("elu", name="layer"), "kind", 'Keras applies "elu", Caffe ReLU.', "ReLU()"),
        ("ReLU", "", written(tf.nn.gelu), "kind", 'Keras applies "gelu", Caffe ReLU.', "ReLU()"),
        (
            "ReLU",
            "",
            layers.ReLU(max_value=1, name="layer"),
            "kind",
            'Keras applies "relu(max_value=1)", Caffe relu.',
            "ReLU()",
        ),
        ("Sigmoid", "", written(ops.hard_sigmoid), "kind", "", 'Activation("sigmoid")'),
        ("TanH", "", written(ops.sigmoid), "kind", "", 'Activation("tanh")'),
        (
            "ReLU",
            LEAKY,
            layers.LeakyReLU(name="layer"),
            "slope",
            'Keras applies "leaky_relu(negative_slope=0.3)", Caffe leaky_relu(negative_slope=0.1).',
            "LeakyReLU(negative_slope=0.1)",
        ),
        ("ReLU", LEAKY, layers.ReLU(name="layer"), "slope", "", "LeakyReLU(negative_slope=0.1)"),
        (
            "ReLU",
            LEAKY,
            written(lambda x: ops.leaky_relu(x, 0.123)),
            "slope",
            'Keras applies "leaky_relu(negative_slope=0.123)", Caffe leaky_relu(negative_slope=0.1).',
            "LeakyReLU(negative_slope=0.1)",
        ),
        ("ELU", "elu_param { alpha: 0.5 }", layers.ELU(name="layer"), "slope", "", "ELU(alpha=0.5)"),
        ("ELU", "elu_param { alpha: 0.5 }", written(tf.nn.elu), "slope", "", "ELU(alpha=0.5)"),
    ],
)
def test_a_layer_of_its_own(kind, parameters, make, code, summary, fix):
    (cause,) = judged(kind, parameters, make).causes
    assert (cause.code, cause.proven, cause.fix) == (f"activation.{code}", True, fix)
    assert summary in cause.summary
    assert "layer is a" in cause.evidence


@pytest.mark.parametrize(
    ("activation", "code", "summary"),
    [
        ("relu", "extra", 'Keras applies "relu", Caffe nothing.'),
        ("softmax", "extra", 'Keras applies "softmax", Caffe nothing.'),
        (
            layers.LeakyReLU(negative_slope=0.1),
            "extra",
            'Keras applies "leaky_relu(negative_slope=0.1)", Caffe nothing.',
        ),
    ],
)
def test_one_that_a_convolution_applies_and_caffe_does_not(activation, code, summary):
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, layers.Conv2D(4, 3, activation=activation, name="layer")(data))
    (cause,) = rows_of(nets.network(CONV), model, converted=True)["layer"].causes
    assert (cause.code, cause.proven, cause.summary) == (f"activation.{code}", True, summary)
    assert "no layer of the prototxt follows layer that" in cause.evidence


def test_one_that_is_fused_and_of_another_kind_is_mended_by_its_argument():
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, layers.Conv2D(4, 3, activation="silu", name="layer")(data))
    (cause,) = rows_of(nets.network(CONV + nets.relu("layer")), model, converted=True)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("activation.kind", True, 'activation="relu"')
    assert cause.evidence == 'relu is a ReLU in the prototxt; layer is Conv2D with activation="silu".'


def test_one_before_the_layer_that_caffe_does_not_have():
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, layers.Conv2D(4, 3, name="layer")(layers.ReLU(name="one_more")(data)))
    (cause,) = rows_of(nets.network(CONV), model, converted=True)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("activation.extra", True, "no one_more")
    assert cause.summary == "Keras applies one_more, relu, which Caffe does not have."


def test_a_relu_that_stops_at_six_is_named_even_where_no_number_reaches_it():
    node = KerasNode("layer", "ReLU", {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}, (0,), (1,), ((),))
    (cause,) = stated(clues(nets.single("ReLU", SHAPE), node))
    assert (cause.code, cause.proven, cause.fix) == ("activation.kind", False, "ReLU()")
    assert cause.summary == 'Keras applies "relu6", Caffe ReLU.'


@pytest.mark.parametrize(
    ("kind", "parameters", "make"),
    [
        ("ReLU", "", layers.Activation("relu", name="layer")),
        ("ReLU", "", layers.LeakyReLU(negative_slope=0.0, name="layer")),
        ("ReLU", LEAKY, layers.ReLU(negative_slope=0.1, name="layer")),
        ("ELU", "", layers.Activation("elu", name="layer")),
        ("Sigmoid", "", written(tf.nn.sigmoid)),
    ],
)
def test_a_right_one_has_no_cause(kind, parameters, make):
    row = judged(kind, parameters, make)
    assert (row.status.value, row.causes) == ("match", ())


def leaky_by_a_function_of_ones_own(x: Any) -> Any:
    return ops.leaky_relu(x, 0.15)


def test_a_function_of_ones_own_behind_a_convolution_is_found_by_its_numbers():
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, layers.Conv2D(4, 3, activation=leaky_by_a_function_of_ones_own, name="layer")(data))
    (cause,) = rows_of(nets.network(CONV + nets.relu("layer")), model, converted=True)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("activation.kind", True, 'activation="relu"')
    assert cause.summary == 'Keras applies "leaky_relu(negative_slope=0.15)", Caffe relu.'
    assert cause.evidence.endswith("; what layer gives was held against leaky_relu(negative_slope=0.15).")
