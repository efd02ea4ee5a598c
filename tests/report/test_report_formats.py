"""Formats are found, not listed; a report is written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import reports as samples

from harness import report as reports
from harness.data import ParityReport
from harness.errors import HarnessError, UsageError


def test_every_module_is_a_format():
    folder = Path(reports.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
    assert {"html", "json", "junit", "markdown", "terminal"} <= modules
    assert set(reports.formats()) == modules


def test_an_unknown_format_says_what_there_is_and_what_to_add():
    with pytest.raises(UsageError) as caught:
        reports.write(samples.passing(), "pdf", "-")
    assert str(caught.value).splitlines() == [
        "no report format 'pdf'; there are html, json, junit, markdown, terminal",
        "  → choose one of them, or add harness/report/pdf.py",
    ]


def test_a_duplicate_is_refused():
    module = SimpleNamespace(FORMAT="json", FILE_NAME="x", render=str, __file__="x.py")
    with pytest.raises(HarnessError, match="there is a report format 'json' already"):
        reports.add(dict(reports.formats()), module)


def test_a_module_that_lacks_a_part_is_refused():
    module = SimpleNamespace(FORMAT="csv", __file__="csv.py")
    with pytest.raises(HarnessError, match=r"csv.py: the report format lacks FILE_NAME, render"):
        reports.add({}, module)


def test_standard_output(capsysbinary):
    reports.write(samples.passing(), "json", "-")
    assert json.loads(capsysbinary.readouterr().out)["passed"] is True


def test_a_file_and_its_folder(tmp_path):
    target = tmp_path / "reports" / "case" / "report.json"
    reports.write(samples.passing(), "json", target)
    assert json.loads(target.read_text(encoding="utf-8"))["case"] == "dilation8_pascal_voc"
    assert os.listdir(target.parent) == ["report.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    target.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="the report cannot be written: No space left on device"):
        reports.write(samples.passing(), "json", target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_link_keeps_pointing(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    reports.write(samples.passing(), "markdown", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8").startswith("## ✓ PARITY")


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(UsageError, match="the report cannot be written: Is a directory"):
        reports.write(samples.passing(), "json", tmp_path)


def test_several_reports_in_a_format_for_one():
    with pytest.raises(UsageError, match="a json file holds one report, not 2"):
        reports.write([samples.passing(), samples.failing()], "json", "-")


@pytest.mark.parametrize("name", ["html", "junit", "markdown", "terminal"])
def test_several_reports_on_one_page(name, tmp_path):
    reports.write([samples.passing(case="first"), samples.failing(case="second")], name, tmp_path / "all")
    text = (tmp_path / "all").read_text(encoding="utf-8")
    assert text.index("first") < text.index("second")


@pytest.mark.parametrize("name", sorted(reports.formats()))
@pytest.mark.parametrize(
    "report", [samples.report([]), samples.hostile(), samples.report([samples.row(0)], of=3)], ids=["0", "x", "1"]
)
def test_every_format_takes_every_report(name, report: ParityReport):
    assert reports.formats()[name].render(report).endswith("\n")


def test_finding_the_formats_imports_nothing_heavy():
    code = (
        "import sys, harness.report, harness.report.json; harness.report.formats();"
        "print(sorted({'numpy', 'rich', 'jinja2', 'PIL', 'jsonschema', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
