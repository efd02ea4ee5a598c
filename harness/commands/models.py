"""`harness models`."""

from __future__ import annotations

import click

from harness.commands._options import case_roots


@click.command("models")
def command() -> None:
    """List the cases at hand: their size, weights, Keras model and golden."""
    from harness.cases import list_cases, read_case
    from harness.errors import HarnessError

    roots = case_roots()
    names = list_cases(roots)
    if not names:
        click.echo("no cases here; make one with a case.toml in fixtures/models/NAME/")
        return
    width = max(map(len, names))
    for name in names:
        folder = next(root / name for root in roots if (root / name / "case.toml").is_file())
        try:
            case = read_case(folder)
        except HarnessError as error:
            click.echo(f"{name:<{width}}  {error}")
            continue
        size = "×".join(map(str, case.input.size)) if case.input.size else "as in the prototxt"
        weights = "synthetic" if case.weights.seed is not None else "trained"
        keras = "converted by the harness" if case.keras == "auto" else case.keras
        golden = "  golden" if any((root.parent / "golden" / name).is_dir() for root in roots) else ""
        click.echo(f"{name:<{width}}  {size:<18}  {weights:<9}  {keras}{golden}")
