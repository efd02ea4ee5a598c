"""Ports as people have them, down the whole line: digits_lenet against its golden, recorded by the real Caffe."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import pipeline
from harness.cases import read_case
from harness.data import Case, ParityReport, Status
from harness.engines.candidate import open_candidate
from harness.engines.reference import Reference
from harness.extras import import_tf_keras

NESTED = """\
import keras
from keras import layers


def get_model(input_shape=(8, 8, 1)):
    features = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Conv2D(20, 5, padding="same", name="conv1"),
            layers.MaxPooling2D(3, strides=2, padding="same", name="pool1"),
            layers.Conv2D(50, 3, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(2, strides=2, name="pool2"),
        ],
        name="features",
    )
    image = keras.Input(input_shape)
    x = layers.Flatten()(features(image))
    x = layers.Dropout(0.5)(layers.Dense(100, activation="relu", name="ip1")(x))
    return keras.Model(image, layers.Dense(10, activation="softmax", name="ip2")(x))
"""

CLASS = """\
import keras
from keras import layers


class Pooled(layers.Layer):
    def __init__(self, convolution, pool):
        super().__init__()
        self.convolution, self.pool = convolution, pool

    def call(self, inputs):
        return self.pool(self.convolution(inputs))


class Port(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = Pooled(
            layers.Conv2D(20, 5, padding="same", name="conv1"),
            layers.MaxPooling2D(3, strides=2, padding="same", name="pool1"),
        )
        self.second = Pooled(
            layers.Conv2D(50, 3, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(2, strides=2, name="pool2"),
        )
        self.flat = layers.Flatten()
        self.ip1 = layers.Dense(100, activation="relu", name="ip1")
        self.drop = layers.Dropout(0.5)
        self.ip2 = layers.Dense(10, activation="softmax", name="ip2")

    def call(self, inputs, training=None):
        x = self.flat(self.second(self.first(inputs)))
        return self.ip2(self.drop(self.ip1(x), training=training))


def get_model():
    return Port()
"""


def compare(case: Case) -> ParityReport:
    return pipeline.compare(case, pipeline.Options(reference=Reference(engine="golden")))


def failing(report: ParityReport) -> list[str]:
    return [row.layer for row in report.layers if row.status.fails]


def weights(case: Case) -> dict[str, list[np.ndarray]]:
    """The trained weights in Keras' layouts."""
    ready = pipeline.prepare(case)
    candidate = open_candidate(case, ready.network, ready.weights, ready.shapes)
    return {one.name: [np.array(variable) for variable in one.weights] for one in candidate.layers if one.weights}


def of_keras_2(case: Case) -> Any:
    """The case's port as its authors would have had it in Keras 2, with its weights."""
    import_tf_keras()
    text = (case.folder / "keras_model.py").read_text().replace("import keras", "import tf_keras as keras")
    scope: dict[str, Any] = {}
    exec(text.replace("from keras import", "from tf_keras import"), scope)
    model = scope["get_model"]()
    for name, arrays in weights(case).items():
        model.get_layer(name).set_weights(arrays)
    return model


def save(action: Any, *arguments: Any, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is considered legacy
        action(*arguments, **options)


@pytest.mark.parametrize("text", [NESTED, CLASS], ids=["nested", "class"])
def test_ports_that_keras_does_not_list_layer_by_layer(digits: Path, text: str) -> None:
    (digits / "keras_model.py").write_text(text)
    report = compare(read_case(digits))
    assert report.passed
    assert {row.status for row in report.layers} == {Status.MATCH}
    assert {row.layer for row in report.layers} == {"conv1", "pool1", "conv2", "pool2", "ip1", "ip2"}


@pytest.mark.parametrize("text", [NESTED, CLASS], ids=["nested", "class"])
def test_their_faults_are_found_and_named(digits: Path, text: str) -> None:
    wrong = text.replace('activation="relu", name="conv2"', 'activation="tanh", name="conv2"')
    (digits / "keras_model.py").write_text(wrong)
    report = compare(read_case(digits))
    assert failing(report) == ["conv2"]
    cause = report["conv2"].causes[0]
    assert cause.proven, "the layer inside of the nested model was rebuilt with another activation"
    line = next(number for number, one in enumerate(wrong.splitlines(), start=1) if "tanh" in one)
    assert cause.source == f"keras_model.py:{line}"


def test_a_saved_model_of_keras_2(digits: Path) -> None:
    case = read_case(digits)
    model = of_keras_2(case)
    save(model.save, digits / "port", save_format="tf")
    report = compare(replace(case, keras="port"))
    assert report.passed
    assert report.candidate["weights"] == "own"
    assert "SavedModel, loaded by tf_keras" in report.candidate["version"]
    kernel, bias = model.get_layer("ip2").get_weights()
    model.get_layer("ip2").set_weights([kernel + 0.01, bias])
    save(model.save, digits / "other", save_format="tf")
    assert failing(compare(replace(case, keras="other"))) == ["ip2"]


def test_weights_of_keras_2_beside_the_function(digits: Path) -> None:
    case = read_case(digits)
    model = of_keras_2(case)
    save(model.save_weights, digits / "port.h5")
    assert compare(replace(case, keras_weights="port.h5")).passed
    kernel, bias = model.get_layer("conv2").get_weights()
    model.get_layer("conv2").set_weights([kernel, bias + 0.01])
    save(model.save_weights, digits / "port.h5")
    assert failing(compare(replace(case, keras_weights="port.h5"))) == ["conv2"]
