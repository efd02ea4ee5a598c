"""Progress on a terminal: one bar with the layer at hand; in a pipe, silence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness.progress import Progress, silent

_STAGES = {"caffe": "Caffe", "keras": "Keras", "compare": "comparing", "image": "image"}


@contextmanager
def shown_progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error for as long as the context lasts, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bar,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[count]:>7}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[what]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def show(stage: str, done: int, total: int, what: str) -> None:
            printable = "".join(c if c.isprintable() else "?" for c in what)[:40]
            for other, task in tasks.items():
                if other != stage:
                    bar.update(task, visible=False)  # type: ignore[arg-type]
            if stage not in tasks:
                tasks[stage] = bar.add_task(_STAGES.get(stage, stage), total=None, count="", what="")
            count = f"{done}/{total}" if total else ""
            bar.update(tasks[stage], completed=done, total=total or None, count=count, what=printable, visible=True)  # type: ignore[arg-type]

        yield show
