"""Small nets on disk, for engines to record."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from support import nets

from harness.caffe import read_network, write_caffemodel
from harness.engines import RecordRequest

TINY = nets.data(1, 2, 6, 5) + nets.conv() + nets.relu("conv") + nets.layer("Softmax", "conv", "prob")
"""Four layers, one of them in place."""

SLOW = nets.data(16, 64, 64, 64) + "".join(
    nets.conv("data" if index == 0 else f"conv{index - 1}", f"conv{index}", "num_output: 64 kernel_size: 9 pad: 4")
    for index in range(40)
)
"""About a second for each of its layers."""


def request_of(folder: Path, text: str = TINY, **more: object) -> RecordRequest:
    """Prototxt, weights and input of a net as files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    prototxt, caffemodel = folder / "deploy.prototxt", folder / "net.caffemodel"
    prototxt.write_text(text)
    net = read_network(prototxt)
    types = {layer.name: layer.type for layer in net.layers}
    write_caffemodel(caffemodel, net.name, nets.random_blobs(net), types)
    inputs = {}
    for top, array in nets.random_inputs(net).items():
        inputs[top.blob] = folder / f"{top.blob}.npy"
        np.save(inputs[top.blob], array)
    return RecordRequest(prototxt, caffemodel, inputs, **more)  # type: ignore[arg-type]


def start_harness(request: RecordRequest, engine: str, out: Path, **environment: str) -> subprocess.Popen[str]:
    """`harness dump` of a net, in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "from harness.cli import main; main()",
        "dump",
        "--prototxt",
        str(request.prototxt),
    ]
    command += ["--caffemodel", str(request.caffemodel), "--keras", "auto", "--input", str(request.inputs["data"])]
    return subprocess.Popen(
        [*command, "--engine", engine, "--out", str(out)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)
