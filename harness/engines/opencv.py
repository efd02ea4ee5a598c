"""OpenCV's own reader and runner of Caffe nets: an embedded second opinion, asked by name only. It is not Caffe."""

from __future__ import annotations

import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from harness.cache import file_sha256
from harness.caffe import read_network
from harness.caffe.deploy import net_text
from harness.data import Network
from harness.engines import RecordRequest
from harness.errors import ReferenceEngineError
from harness.extras import import_opencv
from harness.progress import Progress
from harness.recording import RecordingWriter

NAME = "opencv"
LACKING = ("DepthwiseConvolution",)
"""Types of forks that another type of its own can stand in for; it knows most of them itself."""

PACKAGES = ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python")


def available(image: str | None) -> str | None:
    """Why OpenCV cannot run a Caffe net here, None if it can."""
    version = _version()
    if version is None:
        return "OpenCV is not installed: pip install 'caffe-keras-parity[opencv]'"
    if not version.startswith("4."):
        return f"OpenCV {version} has no importer for Caffe; 4.x has: pip install 'opencv-python-headless<5'"
    return None


def identity(image: str | None) -> dict[str, str]:
    """The version of OpenCV."""
    return {"opencv": _version() or ""}


def record(request: RecordRequest, out: Path, progress: Progress) -> None:
    """Fill an empty folder with a recording; layers that OpenCV leaves out are left out.

    Raises:
        EngineMissingError: OpenCV is not installed.
        ReferenceEngineError: OpenCV cannot read or run the net.
    """
    cv2 = import_opencv()
    arrays = {name: np.load(path, allow_pickle=False) for name, path in request.inputs.items()}
    network = read_network(request.prototxt, input_shapes={name: array.shape for name, array in arrays.items()})
    digests = {"prototxt": file_sha256(request.prototxt), "weights": file_sha256(request.caffemodel)}
    digests |= {f"input:{name}": file_sha256(path) for name, path in request.inputs.items()}
    net = _read(cv2, network, request)
    known = set(net.getLayerNames())
    layers = [layer for layer in network.layers if layer.name in known and layer.tops]
    try:
        for name, array in arrays.items():
            net.setInput(array, name)
        progress("opencv", 0, len(layers), "")
        computed = net.forward([layer.name for layer in layers])
    except cv2.error as error:
        raise ReferenceEngineError(f"OpenCV cannot run the net: {_sentence(error)}") from error
    with RecordingWriter(out, engine=NAME, version=f"opencv {_version()}", digests=digests) as writer:
        for top in network.inputs:
            writer.add(top.layer, "Input", top.blob, arrays[top.blob])
        for layer, array in zip(layers, computed, strict=True):
            writer.add(layer.name, layer.type, layer.tops[0].blob, array)


def _read(cv2: Any, network: Network, request: RecordRequest) -> Any:
    """OpenCV's net. It reads the prototxt itself where that is a net for inference, else what we made of it."""
    _refuse_silent_differences(network, request)
    with tempfile.TemporaryDirectory() as folder:
        prototxt = request.prototxt
        if network.dropped or any(layer.type in LACKING for layer in network.layers):
            prototxt = Path(folder, "deploy.prototxt")
            prototxt.write_text(net_text(network, lacks=LACKING), encoding="utf-8")
        try:
            net = cv2.dnn.readNetFromCaffe(str(prototxt), str(request.caffemodel))
        except cv2.error as error:
            message = f"OpenCV cannot read the net: {_sentence(error)}"
            raise ReferenceEngineError(message, file=request.prototxt) from error
    net.enableFusion(False)  # else a convolution's output has its activation in it
    net.enableWinograd(False)  # faster, and farther from the definition
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    return net


def _refuse_silent_differences(network: Network, request: RecordRequest) -> None:
    """What OpenCV reads without a word and then does not do."""
    for layer in network.layers:
        spec = layer.parameters.interp_param
        if layer.type == "Interp" and (spec.pad_beg or spec.pad_end):
            raise ReferenceEngineError(
                "OpenCV passes over pad_beg and pad_end", file=request.prototxt, line=layer.line, layer=layer.name
            )


def _version() -> str | None:
    for package in PACKAGES:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:240]
