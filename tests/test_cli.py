"""The command line: exit statuses, what is printed where, and the one clear line when nothing could be compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness import cli


class Done:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def harness(capsys, monkeypatch, tmp_path, models):
    """Run a command in an empty folder, with the cases that come with the package at hand."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(int(left.value.code or 0), captured.out, captured.err)

    return run


def one_line(done: Done) -> str:
    """The clear line of exit status 2, with its way out."""
    assert done.status == 2
    assert "Traceback" not in done.err
    lines = done.err.strip().splitlines()
    assert lines[0].startswith("harness: ")
    assert len(lines) <= 2
    return done.err


def test_help_lists_every_command_and_the_exit_statuses(harness):
    done = harness("--help")
    assert done.status == 0
    for command in cli.COMMANDS:
        assert f"\n  {command}" in done.out
    assert "0 parity, 1 divergence, 2 could not compare" in done.out


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_every_command_has_help_of_its_own(harness, command):
    done = harness(command, "--help")
    assert done.status == 0
    assert f"Usage: harness {command}" in done.out


TRAIN_VAL = """
layer { name: "data" type: "Data" top: "data" top: "label" data_param { batch_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }
"""


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_what_is_left_out_of_a_training_net_is_said(harness, tmp_path, command):
    (tmp_path / "train.prototxt").write_text(TRAIN_VAL)
    error = one_line(harness(command, "train.prototxt"))
    assert "does not say how large its top 'data' is" in error
    done = harness(command, "train.prototxt", "--input-size", "4x5")
    assert done.status == 0
    assert done.err.splitlines() == [
        "note: layer 'data' of the prototxt: a Data layer, which reads files; its top 'data' becomes an input of 2×3×4×5 "
        "(3 channels are assumed); nobody reads 'label' any more",
        "note: layer 'loss' of the prototxt: a SoftmaxWithLoss layer, for training only; left out",
    ]
    assert "2×3×4×5" in done.out or "input_shape=(4, 5, 3)" in done.out


def test_a_folder_of_python_layers_must_be_there(harness):
    error = one_line(harness("run", "digits_lenet", "--python-layers", "nowhere"))
    assert error == "harness: nowhere: no such folder\n  → --python-layers takes a folder\n"


def test_parity_leaves_with_0_and_writes_three_files(harness, tmp_path):
    done = harness("compare", "digits_lenet", "--reference", "golden")
    assert done.status == 0
    first = done.out.splitlines()[0]
    assert first == "✓ PARITY  digits_lenet   6 match   coverage 6/6"
    assert "reference  GOLDEN  caffe 1.0.0" in done.out
    assert {file.name for file in (tmp_path / "reports/digits_lenet").iterdir()} == {
        "index.html",
        "report.json",
        "junit.xml",
    }


def test_divergence_leaves_with_1_and_names_the_layer(harness, digits):
    file = digits / "keras_model.py"
    file.write_text(file.read_text().replace("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2"))
    done = harness("compare", digits, "--reference", "golden")
    assert done.status == 1
    assert done.out.startswith("✗ PARITY FAILED  digits_lenet   1 wrong · 2 inherited · 3 match")
    assert f"harness compare {digits} --layer pool2" in done.out


def test_the_report_alone_goes_to_standard_output_when_asked(harness):
    done = harness("compare", "digits_lenet", "--reference", "golden", "--json", "-")
    report = json.loads(done.out)
    assert report["passed"] is True
    assert report["command"] == "harness compare digits_lenet --reference golden --json -"


def test_quiet_prints_the_first_line_only(harness):
    done = harness("compare", "digits_lenet", "--reference", "golden", "--quiet")
    assert done.out.splitlines() == ["✓ PARITY  digits_lenet   6 match   coverage 6/6"]


def test_a_static_check_leaves_with_0_or_1_and_is_not_called_parity(harness, digits):
    done = harness("run", digits, "--static", "--quiet")
    assert (done.status, done.out.split("  ")[0]) == (0, "✓ STATIC CHECKS PASSED")
    file = digits / "keras_model.py"
    file.write_text(file.read_text().replace("MaxPooling2D(2", "AveragePooling2D(2"))
    done = harness("compare", digits, "--static", "--quiet")
    assert (done.status, done.out.split("  ")[0]) == (1, "✗ STATIC CHECKS FAILED")


def test_a_static_check_takes_no_option_that_says_how_to_run(harness, digits):
    assert "--static runs nothing, so --strict says nothing" in one_line(harness("run", digits, "--static", "--strict"))


def test_without_a_case_the_last_one_is_meant(harness):
    harness("compare", "dilation_mini", "--reference", "golden")
    done = harness("compare", "--reference", "golden", "--quiet")
    assert "dilation_mini" in done.out


def test_an_unknown_case_says_which_are_at_hand(harness):
    error = one_line(harness("run", "digits_lenett"))
    assert "no case 'digits_lenett'" in error
    assert "did you mean 'digits_lenet'?" in error


def test_an_unknown_engine_is_refused_with_the_choices(harness):
    done = harness("run", "digits_lenet", "--reference", "opencvv")
    assert done.status == 2
    assert "docker" in done.err


def test_a_wrong_prototxt_is_named_with_its_line(harness, digits):
    file = digits / "deploy.prototxt"
    file.write_text(file.read_text().replace("kernel_size: 5", "kernelsize: 5"))
    error = one_line(harness("compare", digits, "--reference", "golden"))
    assert "deploy.prototxt:13:" in error
    assert "kernelsize" in error
    assert "kernel_size" in error


def test_a_truncated_caffemodel_is_named(harness, digits):
    file = digits / "weights.caffemodel"
    file.write_bytes(file.read_bytes()[:60_000])
    error = one_line(harness("compare", digits, "--reference", "golden"))
    assert "weights.caffemodel" in error
    assert "cut off at 60,000 bytes" in error


def test_a_keras_layer_that_is_missing_is_named(harness, digits):
    file = digits / "keras_model.py"
    line = next(line for line in file.read_text().splitlines() if '"conv2"' in line)
    file.write_text(file.read_text().replace(line + "\n", ""))
    done = harness("compare", digits, "--reference", "golden")
    assert done.status == 1
    assert "1 conv2 · layer.missing · PROVEN" in done.out
    assert 'fix    layers.Conv2D(50, 3, padding="same", name="conv2") behind pool1' in done.out
    assert "2 relu2 · activation.missing · PROVEN" in done.out
    assert "3 layers, pool2 … ip2" in done.out  # judged all the same


def test_a_syntax_error_in_the_keras_file_is_named_with_its_line(harness, digits):
    file = digits / "keras_model.py"
    file.write_text(file.read_text() + "\nthis is no Python\n")
    error = one_line(harness("compare", digits, "--reference", "golden"))
    assert f"keras_model.py:{len(file.read_text().splitlines())}" in error


def test_a_folder_without_weights_or_tolerance_cannot_be_judged(harness, tmp_path, models):
    golden = models.parent / "golden" / "digits_lenet"
    error = one_line(harness("compare", "--reference", golden, "--candidate", golden))
    assert "no rounding units" in error
    done = harness("compare", "--reference", golden, "--candidate", golden, "--rtol", "1e-5", "--atol", "0")
    assert done.status == 0
    assert "set by hand" in done.out


def test_dump_convert_inspect_and_report_take_what_the_others_make(harness, tmp_path, models):
    case = models / "digits_lenet"
    assert harness("dump", "digits_lenet", "--engine", "keras", "--out", "keras").status == 0
    listed = harness("inspect", "keras").out
    assert "conv2" in listed or "relu2" in listed
    one = harness("inspect", "keras", "--layer", "conv1", "--png", "conv1.png")
    assert "conv1  16×20×8×8  float32" in one.out
    assert (tmp_path / "conv1.png").read_bytes().startswith(b"\x89PNG")
    made = harness(
        "convert", case / "deploy.prototxt", case / "weights.caffemodel", "--weights", "w.h5", "--code", "m.py"
    )
    assert made.status == 0
    assert 'layers.Dense(100, activation="relu", name="ip1")' in (tmp_path / "m.py").read_text()
    assert "20×1×5×5" in harness("inspect", case / "weights.caffemodel").out
    assert "5×5×1×20" in harness("inspect", "w.h5").out
    harness("compare", "digits_lenet", "--reference", "golden", "--json", "r.json")
    again = harness("report", "r.json", "--html", "r.html", "--markdown", "r.md")
    assert again.status == 0
    assert "PARITY" in (tmp_path / "r.md").read_text()


def test_dump_never_writes_over_a_folder(harness, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "precious").write_text("x")
    error = one_line(harness("dump", "digits_lenet", "--engine", "keras", "--out", "there"))
    assert "is there already" in error
    assert (tmp_path / "there" / "precious").read_text() == "x"


def test_reproduce_says_what_it_wrote_and_what_to_try(harness, tmp_path):
    done = harness("reproduce", "digits_lenet", "--layer", "pool1", "--reference", "golden", "--out", "out")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "pool1: match; in out/"
    listed = {line.split()[0] for line in lines[1:]} - {"pytest", "harness"}
    assert listed == {path.name for path in (tmp_path / "out").iterdir()} - {"README.md"}
    assert [line.strip().rsplit("  ", 1)[0].strip() for line in lines[-2:]] == [
        "pytest out/test_layer.py",
        "harness run out",
    ]
    assert "is there already" in one_line(
        harness("reproduce", "digits_lenet", "--layer", "pool1", "--reference", "golden", "--out", "out")
    )


def test_an_error_that_nobody_foresaw_does_not_look_like_a_divergence(harness, monkeypatch):
    monkeypatch.setattr("harness.cases.list_cases", lambda roots: 1 / 0)
    done = harness("models")
    assert done.status == 2
    assert "ZeroDivisionError" in done.err
    assert "--debug" in done.err


@pytest.mark.slow
def test_a_converted_model_is_saved_and_loaded_in_a_fresh_process(harness, tmp_path, models):
    case = models / "digits_lenet"
    done = harness("convert", case / "deploy.prototxt", case / "weights.caffemodel", "--save", "net.keras")
    assert done.status == 0, done.err
    program = (
        "import sys, numpy as np, keras; m = keras.models.load_model('net.keras'); "
        "x = np.load(sys.argv[1]).transpose(0, 2, 3, 1); g = np.load(sys.argv[2]); "
        "print(float(np.abs(m.predict(x, verbose=0) - g).max()))"
    )
    golden = models.parent / "golden" / "digits_lenet"
    prob = next(file for file in golden.glob("*-prob.npy"))
    out = subprocess.run(
        [sys.executable, "-c", program, str(case / "x.npy"), str(prob)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(out.stdout.split()[-1]) < 1e-6


def test_models_lists_the_cases(harness):
    out = harness("models").out
    assert "dilation8_pascal_voc" in out
    assert any("digits_lenet" in line and "trained" in line and "golden" in line for line in out.splitlines())


def test_map_gives_a_reason_for_every_pair(harness, models):
    done = harness("map", "dilation_mini")
    assert done.status == 0
    lines = done.out.splitlines()
    assert any(
        line.split()[:2] == ["front/pool1", "max_pooling2d"] and "same place in the graph" in line for line in lines
    )
    assert any(line.startswith("front/drop6") and "folded" in line for line in lines)


def test_a_case_file_can_lie_anywhere(harness, digits):
    assert harness("compare", Path(digits) / "case.toml", "--reference", "golden").status == 0


def test_a_layer_type_without_a_file_is_named_with_the_prototxts_line_and_what_exists(harness, digits):
    file = digits / "deploy.prototxt"
    file.write_text(file.read_text().replace('type: "Softmax"', 'type: "PriorBox"'))
    error = one_line(harness("convert", file))
    assert f"{file}:69, layer 'prob': Caffe layer type 'PriorBox' is not described yet" in error
    assert "add harness/layers/prior_box.py" in error
