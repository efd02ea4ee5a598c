"""The well-known nets through the whole line: every layer a match in the real Caffe, nothing set by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import pipeline
from harness.cases import find_case, read_case
from harness.data import Status
from harness.engines import docker
from harness.engines.reference import Reference

MODELS = Path(__file__).parent.parent / "fixtures" / "models"
AUTO = sorted(file.parent.name for file in MODELS.glob("*/case.toml") if read_case(file).keras == "auto")
BY_HAND = {"fcn8s_by_hand": "@101x77", "segnet_basic_by_hand": ""}

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(docker.available(None) is not None, reason="no container engine with the Caffe image"),
]
SMALLER = dict.fromkeys(["fcn32s", "fcn16s", "fcn8s"], "@101x77") | dict.fromkeys(
    ["dilation7_kitti", "dilation8_camvid", "dilation10_cityscapes"], "@437x437"
)
"""Nets whose real size takes half a minute and up to 18 GB; `harness run` does them whole."""


@pytest.mark.parametrize("case", [*(name + SMALLER.get(name, "") for name in AUTO), *map("".join, BY_HAND.items())])
def test_every_layer_matches(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    report = pipeline.run(find_case(case, [MODELS]), pipeline.Options(reference=Reference(engine="docker")))
    shutil.rmtree(tmp_path)  # half a gigabyte of weights
    assert {row.layer: row.status for row in report.layers if row.status is not Status.MATCH} == {}
    assert report.compared == report.of > 0
    assert not any(row.judged_by == "user" for row in report.layers)
