"""One layer in a folder of its own: what is in it, and that its pytest fails where Keras is wrong and only there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import pipeline
from harness.caffe import load_weights, read_network
from harness.cases import read_case
from harness.data import Case, Status
from harness.engines import docker, image
from harness.engines.reference import Reference
from harness.errors import MappingError, UsageError
from harness.recording import load_top, read_recording
from harness.reproduce import reproduce

GOLDEN = pipeline.Options(reference=Reference(engine="golden"))


def edited(folder: Path, *changes: tuple[str, str]) -> Case:
    """The case with some things changed in its Keras file."""
    file = folder / "keras_model.py"
    text = file.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text)
    return read_case(folder)


def run_pytest(folder: Path) -> tuple[int, str]:
    """The written test in a process of its own, which knows nothing of this one."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-c", os.devnull, "test_layer.py"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}
    )
    return done.returncode, done.stdout


def caffe_activations(models: Path, layer: str) -> np.ndarray:
    return load_top(read_recording(models.parent / "golden" / "digits_lenet"), layer)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_everything_that_a_layer_is_goes_with_it(digits, models, tmp_path):
    written = reproduce(read_case(digits), "ip1", tmp_path / "out", GOLDEN)
    assert files(tmp_path / "out") == {
        "README.md", "case.toml", "layer.prototxt", "layer.caffemodel", "bottom.npy", "top.npy", "unit.npy",
        "segment.keras", "test_layer.py",
    }  # fmt: skip
    assert set(written.files) == files(tmp_path / "out") - {"README.md"}
    net = read_network(tmp_path / "out" / "layer.prototxt")
    assert [(layer.name, layer.type) for layer in net.layers] == [
        ("pool2", "Input"), ("ip1", "InnerProduct"), ("relu1", "ReLU"),
    ]  # fmt: skip
    kernel, bias = load_weights(tmp_path / "out" / "layer.caffemodel").of("ip1")
    original = load_weights(digits / "weights.caffemodel").of("ip1")
    np.testing.assert_array_equal(kernel, original[0])
    np.testing.assert_array_equal(bias, original[1])
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "bottom.npy"), caffe_activations(models, "pool2"))
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "top.npy"), caffe_activations(models, "relu1"))


def test_the_test_fails_where_keras_is_wrong_and_says_how(digits, tmp_path):
    case = edited(digits, ('Dense(100, activation="relu", name="ip1")', 'Dense(100, activation="elu", name="ip1")'))
    written = reproduce(case, "relu1", tmp_path / "out", GOLDEN)
    assert written.report["ip1"].status is Status.DIVERGES
    status, said = run_pytest(tmp_path / "out")
    assert status == 1
    assert "1 failed, 1 skipped" in said
    assert "could not import 'caffe'" in said or "pycaffe is not at hand" in said
    worst = written.report["ip1"].isolated.worst
    assert (
        f"AssertionError: max|Δ| {written.report['ip1'].isolated.max_abs:.3g}, worst at {worst.index}: Keras " in said
    )
    assert "beyond float32's rounding: largest " in said


def test_the_test_passes_where_keras_is_right(digits, tmp_path):
    assert reproduce(read_case(digits), "ip1", tmp_path / "out", GOLDEN).report.passed
    assert run_pytest(tmp_path / "out")[0] == 0


def test_what_is_wrong_elsewhere_is_left_alone(digits, tmp_path):
    case = edited(
        digits,
        ('layers.Dense(10, activation="softmax", name="ip2"),', 'layers.Dense(10, name="ip2"), layers.Rescaling(2.0),'),
    )
    assert not pipeline.compare(case, GOLDEN).passed
    assert [row.layer for row in reproduce(case, "conv2", tmp_path / "out", GOLDEN).report.layers] == ["conv2"]


def test_a_wrong_shape_is_said_in_keras_order(digits, tmp_path):
    reproduce(edited(digits, ('padding="same", name="conv1"', 'name="conv1"')), "conv1", tmp_path / "out", GOLDEN)
    status, said = run_pytest(tmp_path / "out")
    assert status == 1
    assert "Keras computes (16, 4, 4, 20), Caffe (16, 8, 8, 20) (axes as Keras has them)" in said


def test_a_layer_that_learns_nothing_needs_no_weights(digits, tmp_path):
    case = edited(digits, ("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2"))
    reproduce(case, "pool2", tmp_path / "out", GOLDEN)
    assert "layer.caffemodel" not in files(tmp_path / "out")
    assert read_case(tmp_path / "out").weights.seed == 0
    status, said = run_pytest(tmp_path / "out")
    assert status == 1
    assert "beyond float32's rounding: largest " in said


def test_a_layer_that_cannot_compute_it_at_all_fails_as_well(digits, tmp_path):
    """Its crop leaves half of what Caffe's weights are for."""
    case = edited(digits, ("layers.Flatten(),", "layers.Cropping2D(((0, 1), (0, 0))), layers.Flatten(),"))
    written = reproduce(case, "ip1", tmp_path / "out", GOLDEN)
    assert written.report["ip1"].status is Status.SHAPE
    (note,) = written.notes
    assert note.startswith("Keras cannot compute it from Caffe's bottoms: ")
    assert not files(tmp_path / "out") & {"segment.keras", "case.toml"}
    status, said = run_pytest(tmp_path / "out")
    assert status == 1
    assert "Failed: Keras cannot compute it from Caffe's bottoms: " in said


OWN_CLASS = """

class Twice(layers.Layer):
    def call(self, inputs):
        return 2 * inputs

"""


def test_what_cannot_be_saved_is_said_and_its_numbers_are_kept(digits, tmp_path):
    case = edited(
        digits,
        ("def get_model(", f"{OWN_CLASS}\ndef get_model("),
        (
            'layers.MaxPooling2D(2, strides=2, name="pool2"),',
            'Twice(), layers.MaxPooling2D(2, strides=2, name="pool2"),',
        ),
    )
    written = reproduce(case, "pool2", tmp_path / "out", GOLDEN)
    assert not files(tmp_path / "out") & {"segment.keras", "case.toml"}
    (note,) = written.notes
    assert note.startswith("the Keras layers (twice, pool2) cannot be saved by themselves: ")
    assert "a class or function of keras_model.py is in it; see keras_model.py:" in note
    top, candidate = (np.load(tmp_path / "out" / name) for name in ("top.npy", "candidate_top.npy"))
    np.testing.assert_array_equal(np.moveaxis(candidate, -1, 1), 2 * top)
    status, said = run_pytest(tmp_path / "out")
    assert status == 1
    assert f"max|Δ| {top.max():.3g}, worst at " in said


def test_tolerances_names_and_python_layers_go_with_it(digits, models, tmp_path):
    (digits / "layers").mkdir()
    (digits / "layers" / "mine.py").write_text("pass\n")
    toml = (digits / "case.toml").read_text()
    (digits / "case.toml").write_text('python_layers = "layers"\n' + toml + '\n[tolerance."conv1"]\natol = 0.5\n')
    case = edited(digits, ('name="conv1"', 'name="first"'))
    given = pipeline.Options(reference=Reference(folder=models.parent / "golden" / "digits_lenet"))
    reproduce(case, "conv1", tmp_path / "out", given)
    written = read_case(tmp_path / "out")
    assert written.names == {"conv1": "first"}
    assert written.tolerance["conv1"].atol == 0.5
    assert written.python_layers is not None
    assert files(written.python_layers) == {"mine.py"}
    assert "# A tolerance that was set by hand in the case" in (tmp_path / "out" / "test_layer.py").read_text()


def test_the_page_says_what_was_found_and_what_to_try(digits, tmp_path):
    case = edited(digits, ("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2"))
    reproduce(case, "pool2", tmp_path / "out", GOLDEN)
    text = (tmp_path / "out" / "README.md").read_text()
    assert text.startswith("# One layer of `digits_lenet`: `pool2`\n")
    assert "| `top.npy` | what Caffe's layer computed (pool2), N, C, H, W |" in text
    assert "- `pytest test_layer.py` says whether Keras computes what Caffe computed" in text
    assert "- `harness run .` has Caffe compute it again, and says why Keras does not" in text
    assert "PARITY FAILED" in text


@pytest.mark.parametrize(
    ("layer", "kind", "said"),
    [
        ("nope", UsageError, "no layer is named 'nope'"),
        ("conv*", UsageError, "--layer conv* means several layers: conv1, conv2\n  → name one of them"),
        ("drop1", UsageError, "layer 'drop1': computes nothing by itself; it is judged with the layer that reads it"),
    ],
)
def test_exactly_one_layer_is_meant(digits, tmp_path, layer, kind, said):
    with pytest.raises(kind) as caught:
        reproduce(read_case(digits), layer, tmp_path / "out", GOLDEN)
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_layer_without_a_counterpart(digits, tmp_path):
    case = edited(digits, ('Dense(100, activation="relu", name="ip1")', 'Dense(100, name="ip1")'))
    with pytest.raises(MappingError, match="layer 'relu1': no Keras layer is named 'relu1'"):
        reproduce(case, "relu1", tmp_path / "out", GOLDEN)


def test_nothing_is_written_over(digits, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already\n  → give a new folder, or an empty one"):
        reproduce(read_case(digits), "ip1", tmp_path, GOLDEN)
    (tmp_path / "empty").mkdir()
    reproduce(read_case(digits), "ip1", tmp_path / "empty", GOLDEN)
    assert "README.md" in files(tmp_path / "empty")


# ---------------------------------------------------------------------------------------------------- the real Caffe

real = pytest.mark.skipif(docker.available(None) is not None, reason="no container engine with the Caffe image")


def mini(models: Path, folder: Path, *changes: tuple[str, str]) -> Case:
    """dilation_mini, changed."""
    shutil.copytree(models / "dilation_mini", folder)
    toml = folder / "case.toml"
    toml.write_text(toml.read_text().replace("../../inputs", str(models.parent / "inputs")))
    return edited(folder, *changes)


@pytest.mark.engine
@real
@pytest.mark.parametrize(
    ("layer", "old", "new"),
    [
        ("front/conv4", '"front__conv4", dilation_rate=2', '"front__conv4", dilation_rate=1'),
        ("front/conv3", 'padding="same", groups=2', 'padding="same", groups=1'),
        ("upsample", 'use_bias=False, name="upsample"', 'use_bias=False, activation="tanh", name="upsample"'),
    ],
)
def test_the_folder_is_a_case_in_which_caffe_computes_the_same(models, tmp_path, monkeypatch, layer, old, new):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    case = mini(models, tmp_path / "mini", (old, new)) if layer != "front/conv3" else mini(models, tmp_path / "mini")
    reproduce(case, layer, tmp_path / "out")
    status, _ = run_pytest(tmp_path / "out")
    assert status == (0 if layer == "front/conv3" else 1)
    report = pipeline.run(read_case(tmp_path / "out"), pipeline.Options(reference=Reference(engine="docker")))
    assert report.passed is (status == 0)
    assert report.weights["kind"] == "synthetic"
    again = pipeline.dump(read_case(tmp_path / "out"), Reference(engine="docker"), tmp_path / "again")
    np.testing.assert_array_equal(load_top(again, layer), np.load(tmp_path / "out" / "top.npy"))


STUBS = """
import importlib, sys, types
class Mark:
    def parametrize(self, *given): return lambda function: function
sys.modules["pytest"] = types.SimpleNamespace(importorskip=lambda name, reason: importlib.import_module(name), mark=Mark())
sys.modules["keras"] = types.ModuleType("keras")
sys.path.insert(0, "/layer")
import test_layer
test_layer.test_caffe_computes_its_top_again()
print("Caffe computed it again")
"""


@pytest.mark.engine
@real
def test_pycaffe_runs_the_second_test(models, tmp_path, monkeypatch):
    """Where Caffe is there is no pytest and no Keras, which that test does not need."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    reproduce(mini(models, tmp_path / "mini"), "context/conv3", tmp_path / "out")
    command = [
        "docker",
        "run",
        "--rm",
        "--interactive",
        "--network",
        "none",
        "--volume",
        f"{tmp_path / 'out'}:/layer:ro",
    ]
    command += ["--entrypoint", "python3", image.image_tag(), "-"]
    done = subprocess.run(command, input=STUBS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Caffe computed it again" in done.stdout
