"""All layers of the table in one net, run through Caffe in one container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from support import nets
from support.layer_table import Entry

from harness.caffe import write_caffemodel
from harness.data import Layer, Recording, Shape
from harness.engines import RecordRequest, docker
from harness.progress import silent
from harness.recording import load_top, read_recording


@dataclass(frozen=True)
class Computed:
    """What Caffe made of one layer of the table."""

    entry: Entry
    layer: Layer
    blobs: nets.Blobs
    x: np.ndarray
    top: np.ndarray


def run_caffe(folder: Path, entries: Sequence[Entry]) -> dict[str, Computed]:
    """Every entry by its id. Raises EngineError."""
    shapes: dict[Shape, str] = {}
    for entry in entries:
        shapes.setdefault(entry.shape, f"data{len(shapes)}")
    names = {entry.id: f"layer{index}" for index, entry in enumerate(entries)}
    text = "".join(nets.data(*shape, name=name) for shape, name in shapes.items())
    for entry in entries:
        text += nets.layer(entry.kind, shapes[entry.shape], names[entry.id], entry.parameters)
    net = nets.network(text)
    inputs = {top.blob: array for top, array in nets.random_inputs(net).items()}
    blobs = nets.random_blobs(net)
    recording = _record(folder, text, inputs, blobs, {layer.name: layer.type for layer in net.layers})
    return {
        entry.id: Computed(
            entry,
            net[names[entry.id]],
            blobs.get(names[entry.id], ()),
            inputs[shapes[entry.shape]],
            np.array(load_top(recording, names[entry.id])),
        )
        for entry in entries
    }


def record_net(folder: Path, text: str) -> tuple[Recording, dict[str, np.ndarray]]:
    """One net with random weights through Caffe, and what it was fed by blob."""
    net = nets.network(text)
    inputs = {top.blob: array for top, array in nets.random_inputs(net).items()}
    types = {layer.name: layer.type for layer in net.layers}
    return _record(folder, text, inputs, nets.random_blobs(net), types), inputs


def _record(folder: Path, text: str, inputs, blobs, types) -> Recording:
    (folder / "deploy.prototxt").write_text(text, encoding="utf-8")
    write_caffemodel(folder / "weights.caffemodel", "table", blobs, types)
    files = {}
    for name, array in inputs.items():
        files[name] = folder / f"{name}.npy"
        np.save(files[name], array)
    out = folder / "out"
    out.mkdir()
    folder.chmod(0o755)
    docker.record(RecordRequest(folder / "deploy.prototxt", folder / "weights.caffemodel", files), out, silent)
    return read_recording(out)
