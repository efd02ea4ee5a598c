"""`harness compare [CASE]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.commands._options import case_options, run_options


@click.command("compare")
@case_options
@click.option(
    "--reference",
    metavar="ENGINE|DIR",
    default="auto",
    show_default=True,
    help="whose recording: auto, docker, podman, native, opencv, golden; or a folder with one",
)
@click.option(
    "--candidate", type=click.Path(path_type=Path), metavar="DIR", help="a recording in place of a Keras model"
)
@click.option("--atol", type=float, help="two bare folders: absolute tolerance")
@click.option("--rtol", type=float, help="two bare folders: relative tolerance")
@run_options
def command(candidate: Path | None, atol: float | None, rtol: float | None, **given: Any) -> None:
    """Compare again without running Caffe again; makes a recording first if none is kept."""
    from harness.commands._compare import compare_and_report, compare_folders

    if candidate is not None:
        status = compare_folders(candidate, atol, rtol, **given)
    else:
        status = compare_and_report(anew=False, **given)
    raise click.exceptions.Exit(status)
