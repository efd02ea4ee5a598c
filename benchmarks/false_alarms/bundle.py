"""Many small nets side by side as one, so that Caffe and TensorFlow are started once for all; and what they are fed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from google.protobuf import text_format

from harness import pipeline
from harness.caffe import write_caffemodel
from harness.caffe.caffe_pb2 import NetParameter
from harness.caffe.deploy import net_text
from harness.cases import read_case
from harness.data import Case, InputSource, Shape, WeightsSource
from harness.extras import import_pillow
from harness.layers.base import Float32

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SMALL = ("digits_lenet", "dilation_mini", "lenet", "squeezenet", "mobilenet")
SMALLER = {"enet_cityscapes_bnmerged": (128, 256), "vdsr": (64, 64)}
"""Trained nets that take minutes at their own size, with the reference BLAS above all; `--all` has them whole."""

INPUTS = ("photograph", "letterbox", "blank", "noise")


def trained() -> Iterator[Case]:
    """The trained nets that HARNESS_MODEL_ZOO names."""
    for prototxt in sorted(Path(os.environ.get("HARNESS_MODEL_ZOO", "/nowhere")).glob("*/deploy.prototxt")):
        weights = WeightsSource(caffemodel=prototxt.parent / "weights.caffemodel")
        yield Case(prototxt.parent.name, prototxt.parent, prototxt, "auto", weights, InputSource(seed=0))


def fixtures(names: Sequence[str] = ()) -> Iterator[Case]:
    """The cases that come with the package: those named, or all."""
    for file in sorted(FIXTURES.glob("models/*/case.toml")):
        if not names or file.parent.name in names:
            yield read_case(file.parent)


def bundled(cases: Sequence[Case], folder: Path) -> Case:
    """One case of many: layers and blobs are called `CASE/…`, so that a row of the report tells whose it is."""
    net, blobs, types = NetParameter(name="bundle"), {}, {}
    for case in cases:
        ready = pipeline.prepare(replace(case, input=InputSource(seed=0, size=SMALLER.get(case.name, case.input.size))))
        own = text_format.Parse(net_text(ready.network), NetParameter())
        for layer in own.layer:
            layer.name = f"{case.name}/{layer.name}"
            layer.bottom[:] = [f"{case.name}/{blob}" for blob in layer.bottom]
            layer.top[:] = [f"{case.name}/{blob}" for blob in layer.top]
            for parameter in layer.param:
                parameter.name = f"{case.name}/{parameter.name}" if parameter.name else ""
        net.layer.extend(own.layer)
        for layer in ready.network.layers:
            types[f"{case.name}/{layer.name}"] = layer.type
            if ready.weights.of(layer.name):
                blobs[f"{case.name}/{layer.name}"] = ready.weights.of(layer.name)
    prototxt, caffemodel = folder / "bundle.prototxt", folder / "bundle.caffemodel"
    prototxt.write_text(text_format.MessageToString(net), encoding="utf-8")
    write_caffemodel(caffemodel, net.name, blobs, types)
    return Case(net.name, folder, prototxt, "auto", WeightsSource(caffemodel=caffemodel), InputSource(seed=0))


def prepared(case: Case, kind: str) -> pipeline.Prepared:
    """A case that reads one kind of input, or its noise where its input is no picture."""
    ready = pipeline.prepare(replace(case, input=InputSource(seed=0, size=case.input.size)))
    if kind == "noise":
        return ready
    inputs = {blob: picture(kind, array.shape) if array.ndim == 4 else array for blob, array in ready.inputs.items()}
    return replace(ready, inputs=inputs)


def picture(kind: str, shape: Shape) -> Float32:
    """A photograph less its mean colour, or 0 … 1 where it is grey; letterboxed between black bars; or plain white."""
    _, channels, height, width = shape
    pixels = np.zeros((height, width, 3), np.float32)
    if kind == "blank":
        pixels += 255
    else:
        tall = height if kind == "photograph" else max(1, height // 2)
        with import_pillow().open(FIXTURES / "inputs" / "cat.png") as file:
            pixels[(height - tall) // 2 :][:tall] = np.asarray(file.convert("RGB").resize((width, tall)))[:, :, ::-1]
    if channels == 3:
        pixels -= np.float32([104, 117, 123])
    else:  # grey, as often as there are channels
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True) / np.float32(255), channels, axis=2)
    return np.ascontiguousarray(np.broadcast_to(pixels.transpose(2, 0, 1), shape))
