"""Wrong ports that once passed, and what tells them now. Reference: goldens by the real Caffe, or Keras' own right port."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness import pipeline
from harness.cases import read_case
from harness.compare import limits
from harness.compare.judge import is_suspect
from harness.compare.measure import measure
from harness.data import Network, ParityReport, Status
from harness.engines.keras import wrap_model
from harness.engines.reference import Reference
from harness.extras import import_keras
from harness.layers.base import Unit
from harness.mapping import map_layers

OUTPUT = '            layers.Dense(10, activation="softmax", name="ip2"),\n'


def compared(digits: Path, old: str, new: str) -> ParityReport:
    file = digits / "keras_model.py"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))
    return pipeline.compare(read_case(digits), pipeline.Options(reference=Reference(engine="golden")))


@pytest.mark.parametrize(
    "more",
    [
        "layers.Rescaling(3, offset=1)",
        "layers.Softmax()",
        "layers.Lambda(lambda y: 1 - y[:, ::-1])",
        "layers.Lambda(lambda y: y * 0 + 0.1)",
    ],
)
def test_what_the_model_does_behind_the_last_layer_is_not_ignored(digits, more):
    report = compared(digits, OUTPUT, f"{OUTPUT}            {more},\n")
    (fault,) = [row for row in report.layers if row.status.fails]
    assert fault.status is Status.MISSING
    assert "which the Caffe net does not have" in (fault.note or "")
    assert not report.passed


def test_numbers_that_are_only_moved_behind_the_last_layer_are_compared_as_they_come_out(digits):
    assert compared(digits, OUTPUT, f"{OUTPUT}            layers.Reshape((10,)),\n").passed


def test_half_precision_is_a_fault_with_its_name(digits):
    report = compared(
        digits, 'activation="relu", name="conv2"', 'activation="relu", dtype="mixed_float16", name="conv2"'
    )
    (fault,) = [row for row in report.layers if row.status.fails]
    assert (fault.layer, fault.causes[0].code) == ("conv2", "precision")
    assert fault.causes[0].summary == "Keras computes it in float16, Caffe in float32."


def test_a_unit_that_is_no_number_excuses_nothing():
    """One NaN in the bottoms makes the units of all that it touches NaN."""
    reference = np.ones((1, 4, 4, 2), np.float32)
    unit = Unit(dense=np.full((16, 2), np.nan, np.float32))
    found = measure(reference, reference + np.float32(0.5), unit, limit=limits.MAX_UNITS)
    assert found.metrics.mismatched == 32
    assert is_suspect(found.metrics)


def test_a_large_unit_does_not_excuse_a_large_error():
    """‖w‖·‖x‖ is huge where a feature of 1e8 meets a weight of zero."""
    reference = np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    unit = Unit(dense=np.full((64, 2), 100.0, np.float32))
    found = measure(reference, reference * np.float32(0.7), unit, limit=limits.MAX_UNITS)
    assert found.metrics.max_units < 1
    assert is_suspect(found.metrics)


def chain_of_three() -> Network:
    return nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.conv("a", "b") + nets.conv("b", "c"))


def test_layers_that_read_something_else_are_told():
    keras = import_keras()
    x = keras.Input((8, 8, 3), name="data")
    layer = {name: keras.layers.Conv2D(3, 1, name=name) for name in "abc"}
    model = keras.Model(x, layer["b"](layer["c"](layer["a"](x))))
    pairs = {pair.layer.name: pair for pair in map_layers(chain_of_three(), wrap_model(model, "model").graph).pairs}
    assert pairs["a"].misread is None
    assert str(pairs["c"].misread) == "c reads a in the Keras model, b in Caffe"
    assert str(pairs["b"].misread) == "b reads c in the Keras model, a in Caffe"


def test_two_layers_exchanged_are_no_fault_where_it_comes_to_the_same(tmp_path, models):
    """dilation_mini with its first pool in front of the rectifier: harmless."""
    import shutil

    folder = Path(shutil.copytree(models / "dilation_mini", tmp_path / "dilation_mini"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace("../../inputs", str(models.parent / "inputs")))
    file = folder / "keras_model.py"
    right = file.read_text()
    old = '    x = convolution(image, 8, 3, "front__conv1")\n    x = layers.MaxPooling2D(2, padding="same")(x)'
    new = (
        '    x = layers.Conv2D(8, 3, name="front__conv1")(image)\n'
        '    x = layers.MaxPooling2D(2, padding="same", name="front__pool1")(x)\n'
        '    x = layers.ReLU(name="front__relu1")(x)'
    )
    assert old in right
    file.write_text(right.replace(old, new))
    report = pipeline.compare(read_case(folder), pipeline.Options(reference=Reference(engine="golden")))
    assert report.passed
    assert "what follows agrees all the same" in (report["front/pool1"].note or "")
