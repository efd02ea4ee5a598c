"""`harness report REPORT.json …`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command("report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT.json …")
@click.option("--html", metavar="F", help="a page; several reports make one page")
@click.option("--junit", metavar="F", help="JUnit XML")
@click.option("--markdown", metavar="F", help="Markdown, for a CI job's summary")
@click.option("--all", "show_all", is_flag=True, help="show every row")
def command(files: tuple[Path, ...], html: str | None, junit: str | None, markdown: str | None, show_all: bool) -> None:
    """Another view of a report, without tensors: a table, or the formats that are asked for."""
    from harness import report as reports
    from harness.report.json import load

    loaded = [load(file) for file in files]
    wanted = {"html": html, "junit": junit, "markdown": markdown}
    for name, target in wanted.items():
        if target is not None:
            reports.write(loaded[0] if len(loaded) == 1 else loaded, name, target)
    if not any(wanted.values()):
        from harness.report import terminal

        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        for report in loaded:
            click.echo(terminal.render(report, color=colour, show_all=show_all))
