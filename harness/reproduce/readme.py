"""The page that goes with a layer that was cut out: what the files are, what was found, what to try."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from harness.data import Case, ParityReport
from harness.report import markdown


def write_readme(report: ParityReport, files: Mapping[str, str], commands: Mapping[str, str], notes: list[str]) -> str:
    """Markdown.

    Args:
        report: of the layer alone.
        files: what each is.
        commands: what each does.
        notes: sentences on what is missing.
    """
    (row,) = report.layers
    lines = [
        f"# One layer of {markdown.code(report.case)}: {markdown.code(row.layer)}",
        "",
        "A Caffe layer and the Keras layers that stand for it, cut out of both nets, with what Caffe read and computed.",
        "",
        *(f"- {markdown.prose(note)}" for note in notes),
        *([""] if notes else []),
        "| file | holds |",
        "| --- | --- |",
        *(f"| {markdown.code(name)} | {markdown.prose(what)} |" for name, what in files.items()),
        "",
        *(f"- {markdown.code(command)} {markdown.prose(what)}" for command, what in commands.items()),
        "",
    ]
    return "\n".join(lines) + "\n" + markdown.render(report)


def write_case(
    case: Case,
    name: str,
    inputs: Mapping[str, str],
    keras_names: Mapping[str, str],
    layers: Sequence[str],
    *,
    weights: str | None,
) -> str:
    """The folder's case.toml.

    Args:
        inputs: file by the net's input.
        keras_names: Caffe layer → Keras layer, where they differ.
        layers: the Caffe layers, whose tolerances are kept.
        weights: what kind the caffemodel's are; None where there is no caffemodel.
    """
    lines = [
        f"name = {_text(name)}",
        'prototxt = "layer.prototxt"',
        'keras = "segment.keras"',
        *(['python_layers = "python_layers"'] if case.python_layers else []),
        "",
        "[weights]",
        'caffemodel = "layer.caffemodel"' if weights else "seed = 0  # the layer has none",
        *(["synthetic = true"] if weights == "synthetic" else []),
        "",
        "[input.array]",
        *(f"{_text(blob)} = {_text(file)}" for blob, file in inputs.items()),
    ]
    if keras_names:
        lines += ["", "[names]", *(f"{_text(ours)} = {_text(theirs)}" for ours, theirs in keras_names.items())]
    for layer in layers:
        if layer in case.tolerance:
            limit = case.tolerance[layer]
            lines += ["", f"[tolerance.{_text(layer)}]", f"atol = {limit.atol!r}", f"rtol = {limit.rtol!r}"]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
