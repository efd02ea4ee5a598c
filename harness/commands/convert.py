"""`harness convert PROTOTXT [CAFFEMODEL]`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import UsageError


@click.command("convert")
@click.argument("prototxt", type=click.Path(path_type=Path))
@click.argument("caffemodel", type=click.Path(path_type=Path), required=False)
@click.option("--weights", type=click.Path(path_type=Path), metavar="W.h5", help="write the weights as HDF5")
@click.option("--code", metavar="MODEL.py", help="write Keras source (- is standard output, the default)")
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="MODEL.keras", help="write a saved model, weights included"
)
@click.option("--input-size", metavar="HxW", help="for another size than the prototxt's")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    prototxt: Path,
    caffemodel: Path | None,
    weights: Path | None,
    code: str | None,
    save: Path | None,
    input_size: str | None,
    debug: bool,
) -> None:
    """Convert a Caffe net to readable Keras source, its caffemodel to HDF5 weights."""
    from harness.caffe import load_weights, read_network
    from harness.cases import parse_size
    from harness.convert.plan import plan
    from harness.convert.source import write_source
    from harness.convert.weights import write_weights

    network = read_network(prototxt, size=parse_size(input_size) if input_size else None)
    for note in network.notes:
        click.echo(f"note: {note}", err=True)
    if (weights or save) and caffemodel is None:
        raise UsageError("weights can only be converted from a caffemodel", fix="harness convert PROTOTXT CAFFEMODEL …")
    if code or not (weights or save):
        source = write_source(plan(network))
        if code in (None, "-"):
            click.echo(source, nl=False)
        else:
            assert code is not None
            _write(Path(code), source)
            click.echo(f"wrote {code}", err=True)
    if caffemodel is None:
        return
    learned = load_weights(caffemodel, network=network)
    if weights:
        write_weights(network, learned, weights)
        click.echo(f"wrote {weights}", err=True)
    if save:
        from harness.convert.save import save_model

        save_model(network, learned, save)
        own = sorted({step.call.class_name for step in plan(network).steps if step.call.custom})
        hint = f"; it has layers of the harness ({', '.join(own)}): import harness.keras_layers before it is loaded"
        click.echo(f"wrote {save}{hint if own else ''}", err=True)


def _write(path: Path, text: str) -> None:
    from harness.cache import write_whole

    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", file=path) from error
