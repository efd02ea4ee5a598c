"""`harness reproduce CASE --layer L --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands._options import case_options, command_line, resolve_case, target


@click.command("reproduce")
@case_options
@click.option("--layer", required=True, metavar="L", help="the Caffe layer; a glob that one layer fits")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="a new folder")
@click.option(
    "--reference",
    metavar="ENGINE|DIR",
    default="auto",
    show_default=True,
    help="whose recording: auto, docker, podman, native, opencv, golden; or a folder with one",
)
@click.option("--image", metavar="NAME", help="another Caffe image")
@click.option("--threads", type=click.IntRange(min=1), help="threads for Caffe")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="seconds for Caffe")
@click.option("--debug", is_flag=True, hidden=True)
def command(layer: str, out: Path, **given: Any) -> None:
    """Write the smallest thing to send to someone: one layer of both nets, its arrays, and a pytest.

    The pytest fails as long as the Keras layer computes something else than Caffe's. The folder is a case, too.
    """
    from harness import pipeline
    from harness.commands._compare import reference_of
    from harness.commands._progress import shown_progress
    from harness.reproduce import reproduce

    hows = ("reference", "image", "threads", "timeout")
    about = {key: value for key, value in given.items() if key not in (*hows, "fetch", "debug")}
    options = pipeline.Options(
        reference=reference_of(given), fetch=given["fetch"], command=command_line(), target=target(given)
    )
    with shown_progress() as progress:
        written = reproduce(resolve_case(**about), layer, out, options, progress)
    (row,) = written.report.layers
    click.echo(f"{row.layer}: {row.status.value}; in {out}/")
    width = max(map(len, (*written.files, *written.commands)))
    for name, what in (*written.files.items(), *written.commands.items()):
        click.echo(f"  {name:<{width}}  {what}")
    for note in written.notes:
        click.echo(f"note: {note}")
