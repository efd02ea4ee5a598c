"""A Caffe net, its weights and input, and the ports that equal it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.bugs.weights import draw_weights
from harness.caffe import load_weights, read_network, write_caffemodel
from harness.convert.weights import write_weights
from harness.data import Case, InputSource, WeightsSource

ROOT = Path(__file__).resolve().parents[2]
INPUTS = ROOT / "fixtures" / "inputs"
NETS = Path(__file__).parent / "nets"
MEAN_BGR = (104.0, 117.0, 123.0)
PHOTOGRAPH = InputSource(image=INPUTS / "cat.png", mean_bgr=MEAN_BGR)

FUNCTION, PREPROCESS = "get_model", "load_input"
"""What every port calls the function that makes its model, and the one that reads a picture, if it has one."""


@dataclass(frozen=True)
class Net:
    """What a bug is put into. Its weights are drawn, unless a case has its own."""

    name: str
    prototxt: str
    ports: Mapping[str, str]  # name → Python source
    input: InputSource = PHOTOGRAPH
    case: Case | None = None  # a case that is there already, whose weights and input are taken
    converted: bool = False  # its ports load what the harness converts from its caffemodel, a weights.h5

    def lay_out(self, folder: Path) -> Case:
        """Write prototxt, caffemodel and the ports' weights.npz into a folder; the case, still without a port."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.case is not None:
            if self.converted and self.case.weights.caffemodel is not None:
                network = read_network(self.case.prototxt)
                write_weights(
                    network, load_weights(self.case.weights.caffemodel, network=network), folder / "weights.h5"
                )
            return self.case
        prototxt, caffemodel = folder / "deploy.prototxt", folder / "weights.caffemodel"
        prototxt.write_text(self.prototxt, encoding="utf-8")
        network = read_network(prototxt)
        blobs = draw_weights(network)
        if blobs:
            write_caffemodel(caffemodel, network.name, blobs, {layer.name: layer.type for layer in network.layers})
        arrays = {f"{layer}/{index}": blob for layer, some in blobs.items() for index, blob in enumerate(some)}
        np.savez(folder / "weights.npz", **arrays)
        return Case(
            name=self.name,
            folder=folder,
            prototxt=prototxt,
            keras="",
            keras_weights="own",
            # Caffe wants a caffemodel of a net that learns nothing as well: the harness writes it.
            weights=WeightsSource(caffemodel=caffemodel) if blobs else WeightsSource(seed=0),
            input=self.input,
        )


def find_net(name: str) -> Net:
    """A net of `nets/`, with all its ports. Raises FileNotFoundError for a name that has no folder there."""
    folder = NETS / name
    ports = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))}
    return Net(name, (folder / "deploy.prototxt").read_text(encoding="utf-8"), ports)
