"""`harness run CASE`."""

from __future__ import annotations

from typing import Any

import click

from harness.commands._options import case_options, run_options


@click.command("run")
@case_options
@click.option(
    "--reference",
    metavar="ENGINE",
    default="auto",
    show_default=True,
    help="auto, docker, podman, native, opencv, golden",
)
@run_options
def command(**given: Any) -> None:
    """Compute the reference, compare the Keras model with it layer by layer, and report."""
    from harness.commands._compare import compare_and_report

    raise click.exceptions.Exit(compare_and_report(anew=True, **given))
