"""All layers of the table in one net, run through Caffe in one container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from support import nets
from support.table import Entry

from harness.caffe import read_network, write_caffemodel
from harness.caffe.deploy import net_file
from harness.data import Layer, Recording
from harness.engines import RecordRequest, docker
from harness.layers.shapes import infer_shapes
from harness.progress import silent
from harness.recording import load_top, read_recording


@dataclass(frozen=True)
class Computed:
    """What Caffe made of one layer of the table."""

    entry: Entry
    layer: Layer  # as it stands alone in its net
    blobs: nets.Blobs
    bottoms: list[np.ndarray]
    tops: list[np.ndarray]


def run_caffe(folder: Path, entries: Sequence[Entry]) -> dict[str, Computed]:
    """Every entry by its id. Raises EngineError."""
    text = ""
    inputs: dict[str, np.ndarray] = {}
    blobs: dict[str, nets.Blobs] = {}
    types: dict[str, str] = {}
    single: dict[str, tuple[Layer, nets.Blobs, list[np.ndarray]]] = {}
    for index, entry in enumerate(entries):
        name, net, bottoms = f"layer{index}", entry.net, entry.inputs()
        own = entry.blobs(net)
        feeds = [f"data{index}_{position}" for position in range(len(bottoms))]
        text += "".join(nets.data(*array.shape, name=feed) for feed, array in zip(feeds, bottoms, strict=True))
        text += entry.text(name, feeds)
        inputs |= zip(feeds, bottoms, strict=True)
        types[name] = entry.kind
        if own:
            blobs[name] = own
        single[entry.id] = (net["layer"], own, bottoms)
    recording = _record(folder, text, inputs, blobs, types)
    return {
        entry.id: Computed(entry, *single[entry.id], _tops(recording, f"layer{index}", entry))
        for index, entry in enumerate(entries)
    }


def _tops(recording: Recording, layer: str, entry: Entry) -> list[np.ndarray]:
    return [np.array(load_top(recording, layer, top)) for top in entry.top_names(layer)]


def record_net(
    folder: Path, text: str, blobs: Mapping[str, nets.Blobs] | None = None
) -> tuple[Recording, dict[str, np.ndarray]]:
    """One net through Caffe, with random weights unless some are given, and what it was fed by blob."""
    net = nets.network(text)
    inputs = {top.blob: array for top, array in nets.random_inputs(net).items()}
    types = {layer.name: layer.type for layer in net.layers}
    return _record(folder, text, inputs, blobs or nets.random_blobs(net), types), inputs


def _record(
    folder: Path,
    text: str,
    inputs: Mapping[str, np.ndarray],
    blobs: Mapping[str, nets.Blobs],
    types: Mapping[str, str],
) -> Recording:
    prototxt = folder / "deploy.prototxt"
    prototxt.write_text(text, encoding="utf-8")
    network = read_network(prototxt)
    layers = net_file(network, infer_shapes(network))  # types of forks, for which Python layers stand in
    if layers is not None:
        (folder / "net.json").write_bytes(layers)
    write_caffemodel(folder / "weights.caffemodel", "table", blobs, types)
    files = {}
    for name, array in inputs.items():
        files[name] = folder / f"{name}.npy"
        np.save(files[name], array)
    out = folder / "out"
    out.mkdir()
    folder.chmod(0o755)
    net = folder / "net.json" if layers is not None else None
    docker.record(RecordRequest(prototxt, folder / "weights.caffemodel", files, net=net), out, silent)
    return read_recording(out)
