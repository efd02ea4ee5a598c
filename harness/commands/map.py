"""`harness map CASE`."""

from __future__ import annotations

from typing import Any

import click

from harness.commands._options import case_options, resolve_case


@click.command("map")
@case_options
@click.option("--debug", is_flag=True, hidden=True)
def command(debug: bool, fetch: bool, **given: Any) -> None:
    """Show which Keras layer stands for which Caffe layer, with the reason for each pair."""
    from harness.commands._progress import shown_progress
    from harness.pipeline import compared_layers

    case = resolve_case(**given)
    with shown_progress() as progress:
        progress("keras", 0, 0, case.keras)
        found = compared_layers(case)
    rows = [(" + ".join(one.name for one in pair.caffe), " + ".join(pair.keras), pair.reason) for pair in found.pairs]
    rows += [(name, "—", f"folded: {name} computes nothing at inference") for name in found.folded]
    rows += [(name, "MISSING", why) for name, why in found.missing.items()]
    rows += [("EXTRA", name, why) for name, why in found.extra.items()]
    widths = [max(len(row[column]) for row in [*rows, ("Caffe", "Keras", "")]) for column in (0, 1)]
    for caffe, keras, why in [("Caffe", "Keras", "why"), *rows]:
        click.echo(f"{caffe:<{widths[0]}}  {keras:<{widths[1]}}  {why}")
    raise click.exceptions.Exit(1 if found.missing else 0)
