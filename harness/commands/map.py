"""`harness map CASE`."""

from __future__ import annotations

from typing import Any

import click

from harness.commands._options import case_options, resolve_case
from harness.errors import UsageError


@click.command("map")
@case_options
@click.option("--write", is_flag=True, help="put the names that differ into the case's [names]")
@click.option("--debug", is_flag=True, hidden=True)
def command(debug: bool, fetch: bool, write: bool, **given: Any) -> None:
    """Show which Keras layer stands for which Caffe layer, with the reason for each pair.

    Names first; then equal weights, where the Keras model has its own; then the place in the graph.
    """
    from harness.cases import write_names
    from harness.commands._progress import shown_progress
    from harness.layers.base import keras_name
    from harness.pipeline import compared_layers

    case = resolve_case(**given)
    if write and case.file is None:
        raise UsageError(
            "--write needs a case to write into", fix="put the files into a folder with a case.toml, and name that"
        )
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
    if write:
        assert case.file is not None
        pairs = {pair.layer.name: pair.main for pair in found.pairs if pair.main != keras_name(pair.layer.name)}
        pairs = {caffe: keras for caffe, keras in pairs.items() if case.names.get(caffe) != keras}
        write_names(case.file, pairs)
        click.echo(f"{len(pairs)} names written into {case.file}")
    raise click.exceptions.Exit(1 if found.missing else 0)
