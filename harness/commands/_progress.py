"""Progress on a terminal: one bar with the layer at hand; in a pipe, silence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from harness.progress import Progress, silent

_STAGES = {"caffe": "Caffe", "keras": "Keras", "compare": "comparing"}


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A bar on standard error for as long as the context lasts, if that is a terminal; notices are lines of their own."""
    if quiet:
        yield silent
    elif not sys.stderr.isatty():
        yield _notices_only
    else:
        with _bar() as progress:
            yield progress


def _notices_only(stage: str, done: int, total: int, what: str) -> None:
    if stage == "notice":
        click.echo(f"harness: {what}", err=True)


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description:<9}"),
        rich.BarColumn(bar_width=28),
        rich.TextColumn("{task.fields[count]:>7}"),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[what]}", markup=False),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, rich.TaskID] = {}

        def show(stage: str, done: int, total: int, what: str) -> None:
            printable = "".join(c if c.isprintable() else "?" for c in what)
            if stage == "notice":
                bar.console.print(f"harness: {printable}", markup=False, highlight=False)
                return
            for other, task in tasks.items():
                if other != stage:
                    bar.update(task, visible=False)
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES.get(stage, stage), total=None, count="", what="")
            count = f"{done}/{total}" if total else ""
            bar.update(
                tasks[stage], completed=done, total=total or None, count=count, what=printable[:40], visible=True
            )

        yield show
