"""Public trained nets through the whole line: converted, run in the real Caffe, every layer a match, nothing hand-tuned."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness import pipeline
from harness.cli import main
from harness.data import Case, InputSource, Status, WeightsSource
from harness.engines import docker
from harness.engines.reference import Reference

ZOO = os.environ.get("HARNESS_MODEL_ZOO")
MODELS = sorted(folder.name for folder in Path(ZOO).iterdir() if folder.is_dir()) if ZOO else []

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(not ZOO, reason="HARNESS_MODEL_ZOO is not set"),
    pytest.mark.skipif(docker.available(None) is not None, reason="no container engine with the Caffe image"),
]


def case(model: str, **changes) -> Case:
    folder = Path(ZOO or "") / model
    return Case(
        name=model,
        folder=folder,
        prototxt=folder / "deploy.prototxt",
        keras=changes.pop("keras", "auto"),
        weights=WeightsSource(caffemodel=folder / "weights.caffemodel"),
        input=InputSource(seed=0, **changes),
    )


def test_the_zoo_is_there() -> None:
    assert len(MODELS) >= 13


@pytest.mark.parametrize("model", MODELS)
def test_the_conversion_computes_what_caffe_computes(model: str) -> None:
    report = pipeline.compare(case(model), pipeline.Options(reference=Reference(engine="docker")))
    assert {row.layer: row.status for row in report.layers if row.status is not Status.MATCH} == {}
    assert report.passed
    assert report.compared == report.of
    assert all(output.label_agreement is None or output.label_agreement > 0.999 for output in report.outputs)


def test_a_keras_2_file_of_other_names_is_mapped_by_its_weights() -> None:
    keras2 = case("hyperlpr_Segmentation", keras="char_judgement.h5", size=(22, 22))
    report = pipeline.compare(keras2, pipeline.Options(reference=Reference(engine="docker")))
    assert [row.status for row in report.layers] == [Status.MATCH] * 10
    assert report["conv2d_12"].keras == ("conv2d_3",)
    assert report["dense_9"].reason == "equal weights"
    assert "Keras 2.0.8 file" in report.candidate["version"]


def test_sizes_that_differ_are_said_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(ZOO or "") / "hyperlpr_Segmentation"
    files = {"prototxt": "deploy.prototxt", "caffemodel": "weights.caffemodel", "keras": "char_judgement.h5"}
    arguments = [word for option, name in files.items() for word in (f"--{option}", str(folder / name))]
    with pytest.raises(SystemExit) as left:
        main(["run", *arguments])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "the Keras model takes 23×23×1, the Caffe net 22×22×1 for 'data'" in said
    assert "--input-size 22x22 runs both as Caffe's net is" in said
