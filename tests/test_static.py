"""The quick check: what the two nets say of themselves, without running either."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness import static
from harness.cases import read_case
from harness.data import ParityReport, Status
from harness.errors import UsageError
from harness.pipeline import Options
from harness.report import json, junit, markdown, terminal


def checked(folder: Path, *changes: tuple[str, str], **options: object) -> ParityReport:
    """The report once some things in the Keras file are changed."""
    file = folder / "keras_model.py"
    text = file.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text)
    return static.check(read_case(folder), Options(**options))


def test_a_right_model_is_consistent_which_is_less_than_a_match(digits) -> None:
    report = checked(digits)
    assert report.passed
    assert {(row.status, row.judged_by, row.isolated) for row in report.layers} == {(Status.CONSISTENT, "static", None)}
    assert {row.note for row in report.layers} == {"nothing was found in its definition; it was not run"}
    assert (report.mode, report.compared, report.outputs) == ("static", 6, ())


@pytest.mark.parametrize("render", [terminal.render, markdown.render, junit.render])
def test_no_format_calls_it_parity(digits, render) -> None:
    text = render(checked(digits))
    assert "STATIC CHECKS PASSED" in text
    assert "NOTHING WAS RUN" in text
    assert "which does not prove that they compute the same" in " ".join(text.split())
    assert "PARITY" not in text
    assert "to the bit" not in text


def test_the_report_can_be_written_and_read_again(digits, tmp_path) -> None:
    report = replace(checked(digits, ("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2")), pictures=())
    (tmp_path / "report.json").write_text(json.render(report))
    assert json.load(tmp_path / "report.json").layers == report.layers


def test_a_contradiction_is_found_in_its_layer(digits) -> None:
    report = checked(digits, ("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2"))
    assert [row.layer for row in report.layers if row.status.fails] == ["pool2"]
    (cause,) = report["pool2"].causes
    assert (cause.code, cause.proven, cause.after) == ("pooling.mode", False, None)
    text = terminal.render(report)
    assert "STATIC CHECKS FAILED" in text
    assert "--layer pool2 --static" in text


def test_a_wrong_size_is_found_where_it_begins_and_is_inherited_behind(tmp_path, models) -> None:
    folder = Path(shutil.copytree(models / "dilation_mini", tmp_path / "dilation_mini"))
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace("../../inputs", str(models.parent / "inputs")))
    report = checked(folder, ('(x, 16, 3, "front__conv2")', '(x, 16, 3, "front__conv2", padding="same")'))
    row = report["front/conv2"]
    assert [one.layer for one in report.layers if one.status.fails] == ["front/conv2"]
    assert (row.status, row.reference_shape, row.candidate_shape) == (Status.SHAPE, (1, 16, 28, 28), (1, 16, 30, 30))
    assert row.note == "the Keras model declares ?×30×30×16 for it"
    assert [cause.code for cause in row.causes] == ["padding.same"]
    behind = report.layers[report.layers.index(row) + 1 :]
    assert {(one.status, one.inherited_from) for one in behind} == {(Status.INHERITED, "front/conv2")}
    assert behind[0].note == "its size is another because that of what it reads is"


def test_an_activation_left_out_is_found(digits) -> None:
    report = checked(digits, ('Dense(100, activation="relu", name="ip1")', 'Dense(100, name="ip1")'))
    assert [row.layer for row in report.layers if row.status.fails] == ["relu1"]
    (cause,) = report["relu1"].causes
    assert (cause.code, cause.proven) == ("activation.missing", False)
    assert cause.fix.startswith('layers.ReLU(name="relu1") behind ip1')


def test_neither_the_input_nor_a_recording_is_needed(digits) -> None:
    (digits / "x.npy").write_text("not an array")
    assert checked(digits).passed


def test_layers_may_be_chosen(digits) -> None:
    assert [row.layer for row in checked(digits, layers=("pool*",)).layers] == ["pool1", "pool2"]
    with pytest.raises(UsageError, match="no layer is named 'poole'"):
        checked(digits, layers=("poole",))
