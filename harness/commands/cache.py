"""`harness cache`."""

from __future__ import annotations

import time

import click


@click.command("cache")
@click.option("--clear", is_flag=True, help="remove all of it; what another run is using stays")
def command(clear: bool) -> None:
    """Show what is kept between runs, how large and how old."""
    from harness import cache

    if clear:
        click.echo(f"freed {_size(cache.clear())}")
        return
    entries = cache.entries()
    for entry in entries:
        age = (time.time() - entry.modified) / 3600
        click.echo(f"{entry.kind:<11} {entry.name[:48]:<48} {_size(entry.bytes):>9}  {age:6.1f} h old")
    click.echo(f"{len(entries)} kept, {_size(sum(entry.bytes for entry in entries))}, in {cache.root()}")


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
