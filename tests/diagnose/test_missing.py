"""A layer that the Keras model lacks is the only one at fault, and the report says what to write where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause, Network

DATA = nets.data(1, 3, 10, 10)


def convs(*between: str, end: str = "a") -> Network:
    """Two convolutions with other layers between them."""
    return nets.network(DATA + nets.conv("data", "a") + "".join(between) + nets.conv(end, "b"))


def built(between: Callable[[Any], Any]) -> keras.Model:
    data = keras.Input((10, 10, 3), name="data")
    return keras.Model(data, layers.Conv2D(3, 3, name="b")(between(layers.Conv2D(3, 3, name="a")(data))))


def only_cause(net: Network, model: keras.Model, layer: str) -> Cause:
    """The one cause of the one row at fault."""
    rows = rows_of(net, model, converted=True, end_to_end=True)
    assert [name for name, row in rows.items() if row.status.fails] == [layer]
    assert rows["b"].inherited_from == layer
    (cause,) = rows[layer].causes
    return cause


def test_a_rectifier() -> None:
    cause = only_cause(convs(nets.relu("a")), built(lambda x: x), "relu")
    assert (cause.code, cause.proven) == ("activation.missing", True)
    assert cause.summary == "relu (ReLU) is left out."
    assert cause.evidence.startswith(
        "b reads a, with relu in between in the prototxt; there it changes its bottom by up to "
    )
    assert cause.fix == 'layers.ReLU(name="relu") behind a'


@pytest.mark.parametrize(
    ("kind", "parameters", "code", "fix"),
    [
        ("PReLU", "", "activation.missing", 'layers.PReLU(shared_axes=[1, 2], name="x") behind a'),
        ("LRN", "", "layer.missing", 'LRN(5, alpha=1.0, beta=0.75, name="x") behind a'),
        (
            "Pooling",
            "pooling_param { kernel_size: 3 stride: 1 pad: 1 }",
            "layer.missing",
            'layers.MaxPooling2D(3, strides=1, padding="same", name="x") behind a',
        ),
        ("Power", "power_param { scale: 2 }", "layer.missing", 'layers.Rescaling(2.0, name="x") behind a'),
        ("Scale", "", "scale.missing", 'Scale(name="x") behind a'),
    ],
)
def test_other_layers(kind: str, parameters: str, code: str, fix: str) -> None:
    net = convs(nets.layer(kind, "a", "x", parameters), end="x")
    cause = only_cause(net, built(lambda x: x), "x")
    assert (cause.code, cause.proven, cause.fix) == (code, True, fix)


def test_a_scale_is_missing_in_the_normalisation_before_it() -> None:
    net = convs(nets.layer("BatchNorm", "a", "bn", top="a"), nets.layer("Scale", "a", "scale", top="a"))
    model = built(layers.BatchNormalization(epsilon=1e-5, scale=False, center=False, name="bn"))
    cause = only_cause(net, model, "scale")
    assert (cause.code, cause.proven) == ("scale.missing", True)
    assert cause.fix == "scale=True, center=True in bn: its gamma and beta are the blobs of scale"


def test_a_layer_that_does_nothing_to_this_input_is_not_proven_to_be_the_cause() -> None:
    net = convs(nets.relu("a"), nets.relu("a", "again"))
    rows = rows_of(net, built(layers.ReLU(name="relu")), converted=True, end_to_end=True)
    (cause,) = rows["again"].causes
    assert (cause.code, cause.proven) == ("activation.missing", False)
    assert cause.evidence == "b reads relu, with again in between in the prototxt."


def test_the_last_layer() -> None:
    net = nets.network(nets.data(1, 4) + nets.layer("InnerProduct", "data", "fc", "inner_product_param { num_output: 3 }")
                       + nets.layer("Softmax", "fc", "prob"))  # fmt: skip
    model = keras.Sequential([keras.Input((4,), name="data"), layers.Dense(3, name="fc")])
    row = rows_of(net, model, converted=True, end_to_end=True)["prob"]
    (cause,) = row.causes
    assert (row.status.value, cause.code, cause.proven) == ("pending", "activation.missing", True)
    assert cause.evidence.startswith(
        "the Keras model ends with fc, the Caffe net with prob; there it changes its bottom"
    )
    assert cause.fix == 'layers.Softmax(name="prob") behind fc'


def test_of_an_unfinished_port_only_the_next_layer_is_explained() -> None:
    net = nets.network(DATA + nets.conv("data", "a") + nets.relu("a") + nets.layer("LRN", "a", "norm"))
    model = keras.Sequential([keras.Input((10, 10, 3), name="data"), layers.Conv2D(3, 3, name="a")])
    rows = rows_of(net, model, converted=True, end_to_end=True)
    assert [cause.code for cause in rows["relu"].causes] == ["activation.missing"]
    assert rows["norm"].causes == ()


def test_both_a_right_layer_and_its_absence_in_another_place() -> None:
    net = convs(nets.relu("a"))
    rows = rows_of(net, built(layers.ReLU(name="relu")), converted=True, end_to_end=True)
    assert not any(row.status.fails or row.causes for row in rows.values())
