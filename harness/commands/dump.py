"""`harness dump CASE --engine ENGINE --out DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands._options import case_options, resolve_case


@click.command("dump")
@case_options
@click.option(
    "--engine", default="auto", show_default=True, metavar="auto|docker|podman|native|keras", help="which side"
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="a new folder")
@click.option("--image", metavar="NAME", help="another Caffe image")
@click.option("--threads", type=click.IntRange(min=1), help="threads for Caffe")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="seconds for Caffe")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    engine: str,
    out: Path,
    image: str | None,
    threads: int | None,
    timeout: float,
    debug: bool,
    fetch: bool,
    **given: Any,
) -> None:
    """Record one side: one .npy per layer and a manifest, in a folder of your own."""
    from harness import pipeline
    from harness.commands._progress import shown_progress
    from harness.engines.reference import Reference

    case = resolve_case(**given)
    how = Reference(engine=engine, image=image, threads=threads, timeout=timeout)
    with shown_progress() as progress:
        recording = pipeline.dump(case, how, out, fetch=fetch, progress=progress)
    click.echo(f"{len(recording.tops)} activations by {recording.version} ({recording.engine}) in {out}")
