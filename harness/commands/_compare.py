"""The one path that `run` and `compare` take: case → report → what people see."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.commands._options import command_line, remember, resolve_case, target
from harness.commands._progress import shown_progress
from harness.data import Case, ParityReport
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.engines.reference import Reference

FILES = ("html", "json", "junit")
"""What a run leaves in its folder without being asked."""


def compare_and_report(*, anew: bool, **given: Any) -> int:
    """Run the line and write what was asked for; the exit status."""
    case_keys = (
        "case", "prototxt", "caffemodel", "keras", "keras_weights", "weights", "input_", "input_size", "python_layers",
    )  # fmt: skip
    case = resolve_case(**{key: given[key] for key in case_keys})
    from harness import pipeline

    if given["static"]:
        return _check(case, given)
    options = pipeline.Options(
        reference=reference_of(given),
        layers=given["layers"],
        mode=given["mode"] or ("isolated" if given["layers"] else "both"),
        strict=given["strict"],
        witness=given["witness"],
        until=given["until"],
        fetch=given["fetch"],
        command=command_line(),
        target=target(given),
    )
    with shown_progress(quiet=given["quiet"] or _to_stdout(given)) as progress:
        report = (pipeline.run if anew else pipeline.compare)(case, options, progress)
    if given["case"]:
        remember(given["case"])
    show(report, given["out"] or pipeline.default_out(case), given)
    return 0 if report.passed else 1


def reference_of(given: dict[str, Any]) -> Reference:
    """Whose recording `--reference` and the options beside it mean. Raises UsageError for neither engine nor folder."""
    from harness.engines.reference import Reference

    folder = Path(given["reference"])
    is_folder = given["reference"] not in _engines() and folder.is_dir()
    if not is_folder and given["reference"] not in _engines():
        raise UsageError(
            f"--reference {given['reference']}: neither an engine nor a folder",
            fix=f"engines are {', '.join(_engines())}",
        )
    return Reference(
        engine="auto" if is_folder else given["reference"],
        image=given["image"],
        threads=given["threads"],
        timeout=given["timeout"],
        folder=folder if is_folder else None,
    )


def _check(case: Case, given: dict[str, Any]) -> int:
    """Compare definitions only; the exit status. Raises UsageError beside an option that says how to run."""
    from harness import pipeline, static

    if given["mode"] or given["strict"]:
        raise UsageError(
            f"--static runs nothing, so --{'strict' if given['strict'] else 'mode'} says nothing",
            fix="give one of the two",
        )
    options = pipeline.Options(
        layers=given["layers"], until=given["until"], fetch=given["fetch"], command=command_line(), target=target(given)
    )
    with shown_progress(quiet=given["quiet"] or _to_stdout(given)) as progress:
        report = static.check(case, options, progress)
    show(report, given["out"] or pipeline.default_out(case) / "static", given)
    return 0 if report.passed else 1


def compare_folders(candidate: Path, atol: float | None, rtol: float | None, **given: Any) -> int:
    """Compare two folders of activations; the exit status."""
    from harness import pipeline
    from harness.data import Tolerance

    reference = Path(given["reference"])
    if given["reference"] == "auto":
        raise UsageError("--candidate DIR without --reference DIR", fix="give both folders")
    if (atol is None) != (rtol is None):
        raise UsageError("one of --atol and --rtol alone", fix="give both; 0 turns one off")
    report = pipeline.compare_folders(
        reference,
        candidate,
        prototxt=given["prototxt"],
        caffemodel=given["caffemodel"],
        tolerance=Tolerance(atol, rtol) if atol is not None and rtol is not None else None,
        command=command_line(),
    )
    show(report, given["out"] or Path("reports") / candidate.name, given)
    return 0 if report.passed else 1


def show(report: ParityReport, out: Path, given: dict[str, Any]) -> None:
    """Print the table and write the files; only what was asked for goes to standard output if a report goes there."""
    from harness import report as reports

    wanted = {"html": given["html"], "json": given["json_"], "junit": given["junit"], "markdown": given["markdown"]}
    for name in FILES:
        reports.write(report, name, out / reports.format_named(name).file_name)
    for name, place in wanted.items():
        if place is not None:
            reports.write(report, name, place)
    if _to_stdout(given):
        return
    from harness.report import terminal

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    text = terminal.render(
        report, color=colour, width=_width(), show_all=given["show_all"], saved=str(out / "index.html")
    )
    click.echo(text.split("\n", 1)[0] if given["quiet"] else text.rstrip("\n"))


def _width() -> int:
    import shutil

    return max(80, min(140, shutil.get_terminal_size((100, 24)).columns)) if sys.stdout.isatty() else 100


def _to_stdout(given: dict[str, Any]) -> bool:
    return "-" in (given["html"], given["json_"], given["junit"], given["markdown"])


def _engines() -> tuple[str, ...]:
    from harness.engines import reference_engines

    return ("auto", *reference_engines(), "golden")
