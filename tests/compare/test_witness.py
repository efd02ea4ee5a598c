"""A third voice beside Caffe and Keras: with whom it agrees, and how a report says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import reports

from harness import pipeline
from harness.cases import read_case
from harness.cli import main
from harness.compare.witness import hear, summary
from harness.data import Adjudication, Recording, Status, Top, Witness
from harness.engines import opencv
from harness.engines.reference import Reference
from harness.layout import channels_first
from harness.recording import RecordingWriter
from harness.report import _rows, _summary

CONV = Top("conv", "conv")
RNG = np.random.default_rng(0)
TOP = RNG.normal(size=(1, 4, 5, 3)).astype(np.float32)
"""Channels last."""

needs_opencv = pytest.mark.skipif(opencv.available(None) is not None, reason="OpenCV 4 is not installed")


def recorded(folder: Path, array: np.ndarray) -> Recording:
    with RecordingWriter(folder / "said", engine="opencv", version="opencv 4.12") as writer:
        writer.add("conv", "Convolution", "conv", channels_first(array))
    return writer.recording


@pytest.mark.parametrize(
    ("reference", "candidate", "agrees_with"),
    [
        (0.0, 0.1, "reference"),
        (0.1, 0.0, "candidate"),
        (0.0, 0.0, "both"),
        (0.1, -0.1, "neither"),
        (0.1, None, "neither"),
    ],
)
def test_with_whom_it_agrees(tmp_path: Path, reference: float, candidate: float | None, agrees_with: str) -> None:
    computed = None if candidate is None else TOP + np.float32(candidate)
    said = hear(recorded(tmp_path, TOP), CONV, TOP + np.float32(reference), computed, depth=1)
    assert said is not None
    assert (said.engine, said.agrees_with) == ("opencv 4.12", agrees_with)
    assert said.max_abs == pytest.approx(reference, abs=1e-6)


def test_rounding_of_the_layers_before_is_allowed_for(tmp_path: Path) -> None:
    recording = recorded(tmp_path, TOP * np.float32(1 + 3e-5))
    assert hear(recording, CONV, TOP, TOP, depth=1).agrees_with == "neither"
    assert hear(recording, CONV, TOP, TOP, depth=10).agrees_with == "both"


def test_a_layer_that_it_does_not_have(tmp_path: Path) -> None:
    assert hear(recorded(tmp_path, TOP), Top("dropped", "conv"), TOP, TOP, depth=1) is None


def test_another_shape_is_no_agreement(tmp_path: Path) -> None:
    said = hear(recorded(tmp_path, TOP), CONV, TOP[:, 1:], TOP, depth=1)
    assert (said.agrees_with, said.max_abs) == ("candidate", None)


def test_the_summary_says_that_it_is_not_caffe() -> None:
    row = reports.row(0)
    rows = [replace(row, witness=Witness("opencv 4.12", side, 0.0)) for side in ("both", "reference", "both")]
    assert summary(rows) == (
        "opencv 4.12, which is not Caffe, was asked about 3 layers: it agrees with both sides in 2, with Caffe alone in 1"
    )
    assert summary([row]) is None


def test_a_layer_at_fault_says_what_it_says() -> None:
    row = replace(reports.row(0), status=Status.DIVERGES, witness=Witness("opencv 4.12", "reference", 2e-6))
    assert _rows.detail(row).endswith(
        "opencv 4.12, which is not Caffe, agrees with Caffe and not with Keras (max|Δ| from Caffe 2.0e-06)"
    )


@pytest.mark.parametrize(
    ("reference", "candidate", "sentence"),
    [
        (0.1, 0.32, "Keras is 3.2 times as far from the exact result as Caffe"),
        (0.5, 0.01, "Caffe is 50 times as far from the exact result as Keras"),
        (1e-3, 4e4, "Keras is far from the exact result, Caffe is not"),
        (0.0, 0.1, "Keras is farther from the exact result than Caffe"),
        (0.2, 0.2, "both sides are as far from the exact result"),
    ],
)
def test_which_side_is_farther_from_the_exact_result(reference: float, candidate: float, sentence: str) -> None:
    found = Adjudication(1e-16, reference, candidate, agrees=True, reference_sound=True, sampled=None)
    assert _summary.farther(found) == sentence
    assert _summary.adjudicated(found).endswith(f": {sentence}.")
    assert sentence in _rows.detail(replace(reports.row(0), status=Status.DIVERGES, float64=found))


@needs_opencv
def test_a_wrong_port_and_the_third_voice(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    file = digits / "keras_model.py"
    right = file.read_text()
    assert right.count('activation="relu", name="conv2"') == 1
    file.write_text(right.replace('activation="relu", name="conv2"', 'activation="elu", name="conv2"'))
    options = pipeline.Options(reference=Reference(engine="golden"), witness="opencv")
    report = pipeline.compare(read_case(digits), options)
    (fault,) = [row for row in report.layers if row.status.fails]
    assert fault.layer == "conv2"
    assert fault.witness.agrees_with == "reference"
    assert fault.witness.engine.startswith("opencv 4.")
    assert report["conv1"].witness.agrees_with == "both"
    assert any("which is not Caffe, was asked about" in note for note in report.notes)


@needs_opencv
def test_what_it_cannot_run_is_said(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def refuse(*arguments: object) -> None:
        raise opencv.ReferenceEngineError("OpenCV cannot run the net: no such layer")

    monkeypatch.setattr(opencv, "record", refuse)
    options = pipeline.Options(reference=Reference(engine="golden"), witness="opencv")
    report = pipeline.compare(read_case(digits), options)
    assert report.passed
    assert all(row.witness is None for row in report.layers)
    assert (
        "opencv was asked as a third voice and cannot answer: OpenCV cannot run the net: no such layer" in report.notes
    )


def test_only_engines_that_are_known_are_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "digits_lenet", "--witness", "caffe2"])
    assert left.value.code == 2
    assert "'caffe2' is not 'opencv'" in capsys.readouterr().err
