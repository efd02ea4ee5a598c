"""Causes by name, with proof, on real Keras models against recordings by the real Caffe."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import pipeline
from harness.cases import read_case
from harness.data import Cause
from harness.engines.reference import Reference


def causes(folder: Path, old: str, new: str, layer: str) -> tuple[Cause, ...]:
    """The causes of a layer once one thing in the Keras file is changed; nothing else may be at fault."""
    file = folder / "keras_model.py"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))
    report = pipeline.compare(read_case(folder), pipeline.Options(reference=Reference(engine="golden")))
    assert [row.layer for row in report.layers if row.status.fails] == [layer]
    return report[layer].causes


@pytest.fixture
def mini(tmp_path: Path, models: Path) -> Path:
    folder = Path(shutil.copytree(models / "dilation_mini", tmp_path / "dilation_mini"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace("../../inputs", str(models.parent / "inputs")))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "layer", "code", "fix"),
    [
        (
            '(x, 16, 3, "front__conv2")',
            '(x, 16, 3, "front__conv2", padding="same")',
            "front/conv2",
            "padding.same",
            'padding="same" → padding="valid"',
        ),
        (
            "layers.ZeroPadding2D(7)",
            "layers.ZeroPadding2D(6)",
            "context/conv1",
            "padding.amount",
            "ZeroPadding2D(7) before it",
        ),
        (', padding="same", groups=2)', ", groups=2)", "front/conv3", "padding.amount", 'padding="same"'),
        (
            '"context__conv3", dilation_rate=4',
            '"context__conv3", dilation_rate=2',
            "context/conv3",
            "dilation",
            "dilation_rate=4",
        ),
        ('name="front__final")', 'strides=2, name="front__final")', "front/final", "stride", "strides=1"),
    ],
)
def test_a_wrong_window_is_named_and_proven(mini, old, new, layer, code, fix):
    first, *rest = causes(mini, old, new, layer)
    assert (first.code, first.proven, rest) == (code, True, [])
    assert fix in first.fix
    assert first.after is not None
    assert first.after < 1e-5


def test_a_pool_that_rounds_down_is_named_and_proven(mini):
    old = '    x = layers.MaxPooling2D(2, padding="same")(x)  # "same": Caffe rounds sizes up\n'
    (cause,) = causes(mini, old, "    x = layers.MaxPooling2D(2)(x)\n", "front/pool1")
    assert (cause.code, cause.proven, cause.after) == ("pooling.rounding", True, 0.0)
    assert cause.fix == 'padding="same"'


def test_the_line_of_the_keras_file_is_given(mini):
    (cause,) = causes(mini, '"context__conv3", dilation_rate=4', '"context__conv3", dilation_rate=2', "context/conv3")
    line = next(
        i for i, text in enumerate((mini / "keras_model.py").read_text().splitlines(), 1) if "context__conv3" in text
    )
    assert cause.source == f"keras_model.py:{line}"


def test_another_activation_is_named_and_proven(digits):
    (cause,) = causes(digits, 'padding="same", activation="relu"', 'padding="same", activation="elu"', "conv2")
    assert (cause.code, cause.proven) == ("activation.kind", True)
    assert cause.summary == 'Keras applies "elu", Caffe ReLU.'
    assert cause.fix == 'activation="relu"'


def test_an_activation_too_many_is_named_and_proven(digits):
    old, new = (
        'Conv2D(20, 5, padding="same", name="conv1")',
        'Conv2D(20, 5, padding="same", activation="relu", name="conv1")',
    )
    (cause,) = causes(digits, old, new, "conv1")
    assert (cause.code, cause.proven) == ("activation.extra", True)


def test_the_mean_in_place_of_the_largest_is_named(digits):
    (cause,) = causes(digits, "MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2", "pool2")
    assert cause.code == "pooling.mode"
    assert cause.fix == "MaxPooling2D"


def test_two_things_wrong_in_one_layer_are_both_named(mini):
    old, new = '"front__conv4", dilation_rate=2', '"front__conv4", padding="same", dilation_rate=1'
    found = causes(mini, old, new, "front/conv4")
    assert {cause.code for cause in found} == {"dilation", "padding.same"}
    assert all(cause.proven for cause in found)
