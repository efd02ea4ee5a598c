"""`harness inspect FILE [--layer L]`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageError


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--layer", metavar="L", help="one layer: its figures")
@click.option("--top", metavar="T", help="… one of its tops, where it has several")
@click.option("--png", type=click.Path(path_type=Path), metavar="F", help="draw that activation, a tile per channel")
@click.option("--input-size", metavar="HxW", help="a prototxt at another size")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    file: Path, layer: str | None, top: str | None, png: Path | None, input_size: str | None, debug: bool
) -> None:
    """Show what is in a prototxt, caffemodel, weights file, recording or report."""
    if not file.exists():
        raise UsageError("no such file", file=file)
    if png is not None and layer is None:
        raise UsageError("--png draws one activation", fix="give --layer L as well")
    if file.is_dir() or file.name == "manifest.json":
        _recording(file if file.is_dir() else file.parent, layer, top, png)
    elif file.suffix == ".prototxt":
        _prototxt(file, input_size)
    elif file.suffix == ".caffemodel":
        from harness.caffe import read_caffemodel

        _arrays(
            ((name, str(i), blob) for name, blobs in read_caffemodel(file).items() for i, blob in enumerate(blobs)),
            layer,
        )
    elif file.suffix in (".h5", ".hdf5"):
        _arrays(_hdf5(file), layer)
    elif file.suffix == ".json":
        from harness.report import terminal
        from harness.report.json import load

        click.echo(terminal.render(load(file), show_all=True))
    else:
        raise UsageError(
            "is none of .prototxt, .caffemodel, .h5, .json and a recording's folder",
            file=file,
            fix="rename it if it is one",
        )


def _prototxt(file: Path, input_size: str | None) -> None:
    from harness.caffe import read_network
    from harness.cases import parse_size
    from harness.layers.shapes import blob_shapes, infer_shapes

    network = read_network(file, size=parse_size(input_size) if input_size else None)
    for note in network.notes:
        click.echo(f"note: {note}", err=True)
    tops = infer_shapes(network)
    blobs = blob_shapes(network, tops)
    rows = []
    for layer in network.layers:
        place = " in place" if layer.in_place else ""
        learned = ", ".join("×".join(map(str, shape)) for shape in blobs.get(layer.name, ()))
        tops_text = ", ".join("×".join(map(str, tops[one])) for one in layer.tops)
        rows.append((str(layer.line or ""), layer.name, layer.type + place, tops_text, learned))
    _table(("line", "layer", "type", "top", "weights"), rows)


def _recording(folder: Path, layer: str | None, blob: str | None, png: Path | None) -> None:
    from harness.recording import load_top, read_recording

    recording = read_recording(folder, foreign=True)
    if layer is None:
        click.echo(f"{recording.version}, {recording.engine}, {len(recording.tops)} activations")
        for name, digest in recording.digests.items():
            click.echo(f"{name:<16} {digest}")
        _table(
            ("layer", "type", "top", "shape", "sha256"),
            [(t.layer, t.type, t.top, "×".join(map(str, t.shape)), t.sha256[:12]) for t in recording.tops],
        )
        return
    array = load_top(recording, layer, blob)
    _figures(layer, blob or "", array)
    if png is not None:
        from harness.pictures import tile_channels, write_png

        write_png(tile_channels(array), png)
        click.echo(f"wrote {png}", err=True)


def _hdf5(file: Path) -> Iterable[tuple[str, str, Any]]:
    from harness.extras import import_h5py

    h5py = import_h5py()

    found: list[tuple[str, str, Any]] = []
    try:
        with h5py.File(file, "r") as opened:
            opened.visititems(
                lambda name, item: (
                    found.append((*name.rpartition("/")[::2], item[()])) if isinstance(item, h5py.Dataset) else None
                )
            )
    except OSError as error:
        raise UsageError(f"is not an HDF5 file: {error}", file=file) from error
    return found


def _arrays(arrays: Iterable[tuple[str, str, Any]], layer: str | None) -> None:
    listed = list(arrays)
    if layer is None:
        _table(
            ("layer", "blob", "shape", "values"),
            [(a, b, "×".join(map(str, c.shape)), f"{c.size:,}") for a, b, c in listed],
        )
        click.echo(f"{sum(c.size for _, _, c in listed):,} values")
        return
    chosen = [one for one in listed if one[0] == layer]
    if not chosen:
        raise UsageError(
            f"has no layer {layer!r}", fix=f"layers are {', '.join(dict.fromkeys(a for a, _, _ in listed))}"
        )
    for name, blob, array in chosen:
        _figures(name, blob, array)


def _figures(layer: str, blob: str, array: Any) -> None:
    import numpy as np

    values = np.asarray(array, np.float64).ravel()
    finite = values[np.isfinite(values)]
    click.echo(f"{layer} {blob}".strip() + f"  {'×'.join(map(str, array.shape)) or 'a number'}  {array.dtype}")
    if finite.size:
        quantiles = np.quantile(finite, [0, 0.01, 0.5, 0.99, 1])
        click.echo(f"  mean {finite.mean():.6g}  std {finite.std():.6g}  zeros {(finite == 0).mean():.1%}")
        click.echo("  min {:.6g}  1 % {:.6g}  median {:.6g}  99 % {:.6g}  max {:.6g}".format(*quantiles))
    if finite.size < values.size:
        click.echo(f"  NaN or infinite: {values.size - finite.size:,} of {values.size:,}")
    click.echo(f"  first values {json.dumps([float(f'{value:.6g}') for value in values[:6] if np.isfinite(value)])}")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo("".join(c if c.isprintable() else "?" for c in line))
