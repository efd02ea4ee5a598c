"""Ports that Keras cannot build, because a size went wrong early: each layer is judged all the same, from Caffe's bottoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness import pipeline
from harness.data import Case, InputSource, WeightsSource
from harness.engines.reference import Reference
from harness.errors import CandidateError, WeightsError
from harness.recording import RecordingWriter

RESIDUAL = (
    nets.data(1, 3, 16, 16)
    + nets.conv("data", "conv1", "num_output: 8 kernel_size: 3 pad: 1")
    + nets.relu("conv1", "conv1_relu")
    + nets.conv("conv1", "branch1", "num_output: 8 kernel_size: 1 stride: 2")
    + nets.conv("conv1", "branch2", "num_output: 8 kernel_size: 3 stride: 2 pad: 1")
    + 'layer { name: "res" type: "Eltwise" bottom: "branch1" bottom: "branch2" top: "res" }\n'
    + nets.layer("Pooling", "res", "pool", "pooling_param { pool: AVE kernel_size: 8 stride: 1 }")
    + nets.layer("InnerProduct", "pool", "fc", "inner_product_param { num_output: 5 }")
    + nets.layer("Softmax", "fc", "prob")
)
RESIDUAL_PORT = """
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1")(image)
    a = layers.Conv2D(8, 1, strides=2, name="branch1")(x)
    b = layers.Conv2D(8, 3, strides=2, padding="valid", name="branch2")(layers.ZeroPadding2D(1)(x))
    x = layers.Add(name="res")([a, b])
    x = layers.AveragePooling2D(8, strides=1, name="pool")(x)
    x = layers.Dense(5, name="fc")(layers.Flatten()(x))
    x = layers.Softmax(name="prob")(x)
"""

INCEPTION = (
    nets.data(1, 3, 12, 12)
    + nets.conv("data", "1x1", "num_output: 4 kernel_size: 1")
    + nets.conv("data", "3x3", "num_output: 6 kernel_size: 3 pad: 1")
    + nets.layer("Pooling", "data", "pool", "pooling_param { pool: MAX kernel_size: 3 stride: 1 pad: 1 }")
    + 'layer { name: "output" type: "Concat" bottom: "1x1" bottom: "3x3" bottom: "pool" top: "output" }\n'
    + nets.conv("output", "last", "num_output: 3 kernel_size: 1")
)
INCEPTION_PORT = """
    a = layers.Conv2D(4, 1, name="1x1")(image)
    b = layers.Conv2D(6, 3, padding="same", name="3x3")(image)
    c = layers.MaxPooling2D(3, strides=1, padding="same", name="pool")(image)
    x = layers.Concatenate(name="output")([a, b, c])
    x = layers.Conv2D(3, 1, name="last")(x)
"""

LENET = (
    nets.data(2, 1, 9, 9)
    + nets.conv("data", "conv1", "num_output: 4 kernel_size: 3")
    + nets.layer("Pooling", "conv1", "pool1", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + nets.conv("pool1", "conv2", "num_output: 6 kernel_size: 2")
    + nets.layer("Pooling", "conv2", "pool2", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + nets.layer("InnerProduct", "pool2", "ip1", "inner_product_param { num_output: 7 }")
    + nets.relu("ip1", "relu1")
    + nets.layer("InnerProduct", "ip1", "ip2", "inner_product_param { num_output: 3 }")
)
LENET_PORT = """
    x = layers.Conv2D(4, 3, name="conv1")(image)
    x = layers.MaxPooling2D(2, padding="same", name="pool1")(x)
    x = layers.Conv2D(6, 2, name="conv2")(x)
    x = layers.MaxPooling2D(2, padding="same", name="pool2")(x)
    x = layers.Dense(7, activation="relu", name="ip1")(layers.Flatten()(x))
    x = layers.Dense(3, name="ip2")(x)
"""

SKIP = (
    nets.data(1, 3, 13, 13)
    + nets.conv("data", "conv1", "num_output: 4 kernel_size: 3 pad: 1")
    + nets.layer("Pooling", "conv1", "pool1", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + nets.conv("pool1", "score", "num_output: 3 kernel_size: 1")
    + nets.layer("Deconvolution", "score", "up", "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }")
    + nets.conv("conv1", "skip", "num_output: 3 kernel_size: 1")
    + 'layer { name: "crop" type: "Crop" bottom: "up" bottom: "skip" top: "crop" crop_param { axis: 2 offset: 0 } }\n'
    + 'layer { name: "fuse" type: "Eltwise" bottom: "crop" bottom: "skip" top: "fuse" }\n'
    + nets.layer("Softmax", "fuse", "prob")
)
SKIP_PORT = """
    x = layers.Conv2D(4, 3, padding="same", name="conv1")(image)
    y = layers.MaxPooling2D(2, padding="same", name="pool1")(x)
    y = layers.Conv2D(3, 1, name="score")(y)
    y = layers.Conv2DTranspose(3, 4, strides=2, padding="same", name="up")(y)
    y = layers.Cropping2D(((0, 1), (0, 1)), name="crop")(y)
    x = layers.Conv2D(3, 1, name="skip")(x)
    x = layers.Add(name="fuse")([y, x])
    x = layers.Softmax(name="prob")(x)
"""

MODEL = """
import keras
from keras import layers


def get_model({parameters}):
    image = keras.Input({shape})
{body}
    return keras.Model(image, x)
"""


@pytest.fixture
def compare(tmp_path: Path):
    """Compare a port with a recording that follows the definitions; every layer of it is right by itself."""

    def run(
        prototxt: str, port: str, *changes: tuple[str, str], parameters: str = "input_shape", model: str = MODEL
    ) -> pipeline.ParityReport:
        for old, new in changes:
            assert port.count(old) == 1
            port = port.replace(old, new)
        (tmp_path / "deploy.prototxt").write_text(prototxt)
        case = Case(
            "net", tmp_path, tmp_path / "deploy.prototxt", "model.py", WeightsSource(seed=3), InputSource(seed=4)
        )
        ready = pipeline.prepare(case)
        _, channels, height, width = next(iter(ready.inputs.values())).shape
        shape = parameters or str((height, width, channels))
        (tmp_path / "model.py").write_text(model.format(parameters=parameters, shape=shape, body=port))
        inputs = {top: ready.inputs[top.blob] for top in ready.network.inputs}
        tops = nets.define_all(ready.network, ready.weights.blobs, inputs, np.float32)
        with RecordingWriter(tmp_path / "recording", engine="loops", version="definitions") as writer:
            for layer in ready.network.layers:
                for top in layer.tops:
                    writer.add(layer.name, layer.type, top.blob, tops[top])
        return pipeline.compare(case, pipeline.Options(reference=Reference(folder=tmp_path / "recording")))

    return run


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


ALL = {"residual": (RESIDUAL, RESIDUAL_PORT), "inception": (INCEPTION, INCEPTION_PORT)} | {
    "lenet": (LENET, LENET_PORT),
    "skip": (SKIP, SKIP_PORT),
}


@pytest.mark.parametrize("name", ALL)
def test_the_ports_are_right_as_they_are(compare, name: str) -> None:
    report = compare(*ALL[name])
    assert report.passed
    assert report.notes == ()


NO_STRIDE = ("Conv2D(8, 1, strides=2,", "Conv2D(8, 1,")


@pytest.mark.parametrize(
    ("name", "changes", "wrong", "said"),
    [
        pytest.param(
            "residual",
            [NO_STRIDE],
            {"branch1": "shape"},
            "model.py:12, layer 'res': get_model() fails: ",
            id="a stride lost before an Add",
        ),
        pytest.param(
            "inception",
            [('padding="same", name="3x3"', 'name="3x3"')],
            {"3x3": "shape"},
            "model.py:12, layer 'output': get_model() fails: ",
            id="padding lost before a Concat",
        ),
        pytest.param(
            "lenet",
            [('padding="same", name="pool2"', 'name="pool2"')],
            {"pool2": "shape"},
            "deploy.prototxt:6, layer 'ip1': kernel is 24×7 in Caffe's weights and 6×7 in the Keras layer",
            id="a pool rounded down before a Dense",
        ),
        pytest.param(
            "skip",
            [('padding="same", name="up"', 'name="up"')],
            {"up": "shape"},
            "model.py:15, layer 'fuse': get_model() fails: ",
            id="a deconvolution before a crop and an Add",
        ),
        pytest.param(
            "residual",
            [('activation="relu"', 'activation="elu"'), NO_STRIDE, ("AveragePooling2D", "MaxPooling2D")],
            {"conv1": "diverges", "branch1": "shape", "pool": "diverges"},
            "model.py:12, layer 'res': get_model() fails: ",
            id="three at once",
        ),
    ],
)
@pytest.mark.parametrize("parameters", ["input_shape", ""], ids=["any size", "one size"])
def test_each_layer_at_fault_is_named_and_the_others_are_judged(
    compare, name: str, changes: list[tuple[str, str]], wrong: dict[str, str], said: str, parameters: str
) -> None:
    report = compare(*ALL[name], *changes, parameters=parameters)
    assert {row.layer: row.status.value for row in report.layers if row.status.fails} == wrong
    assert all(row.isolated is not None for row in report.layers if not row.status.fails)
    assert {row.status.value for row in report.layers if not row.status.fails} <= {"match", "inherited"}
    assert report.compared == report.of
    (note,) = report.notes
    assert note.startswith(f"the Keras model does not fit together ({said}")
    assert note.endswith("it was built with its height and width left open, so that every layer could be judged")


def test_a_model_that_cannot_be_built_never_passes(compare) -> None:
    """It refuses its own size; with sizes left open there is nothing wrong with any layer."""
    refusal = '    if image.shape[1] == 16:\n        raise ValueError("not at this size")\n'
    with pytest.raises(CandidateError, match=r"get_model\(\) fails: not at this size"):
        compare(RESIDUAL, refusal + RESIDUAL_PORT)


CLASS = """
import keras
from keras import layers


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = layers.Conv2D(4, 3, name="conv1")
        self.pool = layers.MaxPooling2D(2, name="pool1")
        self.flat, self.dense = layers.Flatten(), layers.Dense(2, name="ip1")

    def call(self, x):
        return self.dense(self.flat(self.pool(self.convolution(x))))


def get_model():
    return Net()
"""


def test_a_model_written_as_a_class_cannot_be_judged_so(compare, tmp_path: Path) -> None:
    """What its code records is run against the class itself, which stops where Keras would."""
    net = nets.data(1, 3, 9, 9) + nets.conv("data", "conv1", "num_output: 4 kernel_size: 3")
    net += nets.layer("Pooling", "conv1", "pool1", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    net += nets.layer("InnerProduct", "pool1", "ip1", "inner_product_param { num_output: 2 }")
    with pytest.raises(WeightsError, match="kernel is 64×2 in Caffe's weights and 36×2 in the Keras layer"):
        compare(net, "", model=CLASS)


def test_what_is_wrong_at_every_size_is_refused_as_before(compare) -> None:
    with pytest.raises(CandidateError, match=r"model\.py:10, layer 'branch1': get_model\(\) fails: The `strides`"):
        compare(RESIDUAL, RESIDUAL_PORT, ("Conv2D(8, 1, strides=2,", "Conv2D(8, 1, strides=-2,"))
    with pytest.raises(
        WeightsError, match="layer 'branch1': kernel is 1×1×8×8 in Caffe's weights and 2×2×8×8 in the Keras"
    ):
        compare(RESIDUAL, RESIDUAL_PORT, ("Conv2D(8, 1, strides=2,", "Conv2D(8, 2, strides=2,"))
