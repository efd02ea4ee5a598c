"""From a case and a layer's name to a folder."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness import pipeline
from harness.data import Case, LayerMap, Network, Pair
from harness.engines.candidate import open_candidate
from harness.engines.reference import make_recording
from harness.errors import MappingError, UsageError
from harness.progress import Progress, silent
from harness.reproduce.writer import Reproducer, Writer


def reproduce(
    case: Case,
    layer: str,
    out: Path,
    options: pipeline.Options | None = None,
    progress: Progress = silent,
) -> Reproducer:
    """Cut one layer out of both nets, with what Caffe's read and computed: the recording that is kept, or a new one.

    Args:
        layer: a Caffe layer's name, or a glob that one layer fits.
        out: a folder that is new or empty.
        options: whose recording, and what the report says of the command; the rest is set here.

    Raises:
        UsageError: the folder has something in it, or not exactly one layer is meant.
        MappingError: the layer has no counterpart in the Keras model.
        HarnessError: as `pipeline.compare`.
    """
    options = options or pipeline.Options()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is there already", file=out, fix="give a new folder, or an empty one")
    case = replace(
        case, input=replace(case.input, preprocess=None)
    )  # the layer is fed Caffe's bottoms, whoever made them
    ready = pipeline.prepare(case, fetch=options.fetch)
    progress("keras", 0, 1, case.keras)
    candidate, layer_map = open_candidate(case, ready.network, ready.weights, ready.shapes)
    layer_map = replace(layer_map, beyond={})  # what is wrong behind the last layer is not this one's fault
    pair = _pair(ready.network, layer_map, layer)
    recording = make_recording(ready, options.reference, progress)
    alone = pipeline.Options(layers=(pair.layer.name,), mode="isolated", command=options.command, target=options.target)
    report = pipeline.judge_candidate(ready, recording, candidate, layer_map, alone, progress)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".harness-") as scratch:
            unfinished = Path(scratch) / "new"
            written = Writer(ready, recording, candidate, layer_map, pair, report, unfinished, out).write()
            if out.exists():
                out.rmdir()
            os.replace(unfinished, out)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", file=out, fix="is the disk full?") from error
    return written


def _pair(network: Network, layer_map: LayerMap, glob: str) -> Pair:
    """The pair that a layer's name or glob means, by any of its Caffe layers."""
    names = [layer.name for layer in network.layers]
    found = [glob] if glob in names else [name for name in names if fnmatchcase(name, glob)]
    if not found:
        raise UsageError(f"no layer is named {glob!r}", file=network.path, fix=f"layers are {', '.join(names)}")
    pairs = [pair for pair in layer_map.pairs if any(layer.name in found for layer in pair.caffe)]
    if len(pairs) > 1:
        several = ", ".join(pair.layer.name for pair in pairs)
        raise UsageError(f"--layer {glob} means several layers: {several}", fix="name one of them")
    if pairs:
        return pairs[0]
    name, line = found[0], network[found[0]].line
    if name in layer_map.missing:
        raise MappingError(
            layer_map.missing[name],
            file=network.path,
            line=line,
            layer=name,
            fix="there is no Keras layer to cut out; harness map shows what stands for what",
        )
    raise UsageError(
        "computes nothing by itself; it is judged with the layer that reads it",
        file=network.path,
        line=line,
        layer=name,
        fix=f"name one of {', '.join(pair.layer.name for pair in layer_map.pairs)}",
    )
