"""OpenCV as a second opinion, held against goldens by the real Caffe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import pipeline
from harness.cases import read_case
from harness.engines import opencv
from harness.engines.reference import Reference
from harness.recording import load_top, read_recording


@pytest.fixture
def recorded(tmp_path: Path, models: Path) -> Path:
    """digits_lenet as OpenCV computes it."""
    pipeline.dump(read_case(models / "digits_lenet"), Reference(engine="opencv"), tmp_path / "opencv")
    return tmp_path / "opencv"


def test_every_layer_is_caffes_to_rounding(recorded: Path, models: Path) -> None:
    theirs, caffe = read_recording(recorded), read_recording(models.parent / "golden" / "digits_lenet")
    assert [top.layer for top in theirs.tops] == [top.layer for top in caffe.tops]
    for top in caffe.tops:
        np.testing.assert_allclose(
            load_top(theirs, top.layer), load_top(caffe, top.layer), rtol=1e-5, atol=2e-5, err_msg=top.layer
        )


def test_a_layer_in_place_does_not_hide_the_one_before_it(recorded: Path) -> None:
    theirs = read_recording(recorded)
    before, behind = load_top(theirs, "conv2"), load_top(theirs, "relu2")
    assert before.min() < 0
    np.testing.assert_array_equal(behind, np.maximum(before, 0))


def test_it_is_never_called_caffe(models: Path) -> None:
    report = pipeline.compare(
        read_case(models / "dilation_mini"), pipeline.Options(reference=Reference(engine="opencv"))
    )
    assert report.passed
    assert report.reference["engine"] == "opencv"
    assert "caffe" not in report.reference["version"]
    from harness.report import terminal

    assert "NOT CAFFE" in terminal.render(report)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (None, "OpenCV is not installed: pip install 'caffe-keras-parity[opencv]'"),
        ("5.0.0", "OpenCV 5.0.0 has no importer for Caffe; 4.x has: pip install 'opencv-python-headless<5'"),
        ("4.14.0", None),
    ],
)
def test_why_it_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, version: str | None, said: str | None) -> None:
    monkeypatch.setattr(opencv, "_version", lambda: version)
    assert opencv.available(None) == said
