"""The same bug is reported the same way whichever engine was the reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import pipeline
from harness.cases import read_case
from harness.data import LayerComparison
from harness.engines.reference import Reference

BUGS = {
    'padding="same", activation="relu"': 'padding="same", activation="elu"',
    'activation="softmax"': 'activation="sigmoid"',
    "MaxPooling2D(2, strides=2": "AveragePooling2D(2, strides=2",
}


def wrong(folder: Path, engine: str) -> list[LayerComparison]:
    """The rows at fault."""
    report = pipeline.compare(read_case(folder), pipeline.Options(reference=Reference(engine=engine)))
    return [row for row in report.layers if row.status.fails]


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["docker", "opencv"])
def test_as_with_a_golden(engine: str, tmp_path: Path, models: Path) -> None:
    folder = Path(shutil.copytree(models / "digits_lenet", tmp_path / "digits_lenet"))
    file = folder / "keras_model.py"
    for old, new in BUGS.items():
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))
    golden, other = wrong(folder, "golden"), wrong(folder, engine)
    assert [(row.layer, row.status) for row in other] == [(row.layer, row.status) for row in golden]
    for one, same in zip(golden, other, strict=True):
        assert [(cause.code, cause.fix, cause.summary, cause.proven) for cause in same.causes] == [
            (cause.code, cause.fix, cause.summary, cause.proven) for cause in one.causes
        ]
        assert one.causes
