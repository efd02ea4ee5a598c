"""A train_val prototxt from end to end: the real Caffe runs its net for inference, and the report says what was left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import pipeline
from harness.cache import file_sha256
from harness.cases import read_case
from harness.engines import opencv
from harness.engines.reference import Reference
from harness.recording import load_top, read_recording

LABELLED = """layer { name: "data" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 16 channels: 1 height: 8 width: 8 } }
layer {
  name: "conv1\""""
TRAINED = """
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy" include { phase: TEST } }
"""


@pytest.fixture
def train_val(digits: Path) -> Path:
    """digits_lenet, its input a data layer, with a loss and a measure behind it."""
    deploy = (digits / "deploy.prototxt").read_text()
    head, rest = deploy.split('layer {\n  name: "conv1"')
    (digits / "deploy.prototxt").write_text(head.split("layer {")[0] + LABELLED + rest + TRAINED)
    return digits


def same_as_the_golden(recorded: Path, models: Path, **tolerance: float) -> None:
    golden, recording = read_recording(models.parent / "golden" / "digits_lenet"), read_recording(recorded)
    assert [top.layer for top in recording.tops] == [top.layer for top in golden.tops]
    for top in golden.tops:
        ours, kept = load_top(recording, top.layer), load_top(golden, top.layer)
        np.testing.assert_allclose(ours, kept, **tolerance, err_msg=top.layer)


@pytest.mark.engine
def test_the_real_caffe_runs_it_and_keras_agrees(engine: str, train_val: Path, models: Path, tmp_path: Path) -> None:
    case = read_case(train_val)
    report = pipeline.run(case, pipeline.Options(reference=Reference(engine=engine)))
    assert report.passed
    assert report.notes == (
        "layer 'data' of the prototxt: a MemoryData layer, which a program feeds; its top 'data' becomes an input of "
        "16×1×8×8; nobody reads 'label' any more",
        "layer 'loss' of the prototxt: a SoftmaxWithLoss layer, for training only; left out",
        "layer 'accuracy' of the prototxt: an Accuracy layer, for training only; left out",
    )
    recording = pipeline.dump(case, Reference(engine=engine), tmp_path / "dump")
    assert recording.digests["prototxt"] == file_sha256(train_val / "deploy.prototxt")
    same_as_the_golden(tmp_path / "dump", models, rtol=1e-6, atol=1e-6)


def test_opencv_is_given_the_net_for_inference_too(train_val: Path, models: Path, tmp_path: Path) -> None:
    assert opencv.available(None) is None
    pipeline.dump(read_case(train_val), Reference(engine="opencv"), tmp_path / "dump")
    same_as_the_golden(tmp_path / "dump", models, rtol=1e-5, atol=2e-5)
