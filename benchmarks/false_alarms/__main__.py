"""False alarms: right layers that are called wrong, over cases, inputs and numeric paths.

    make false-alarms                                # the small cases and the trained nets of HARNESS_MODEL_ZOO, bundled
    python -m benchmarks.false_alarms --all          # every case at its published size, each by itself
    python -m benchmarks.false_alarms --path oneDNN  # only paths whose name has this in it

The Keras model is the harness' conversion (with --all: the case's own), so every layer is right and every alarm is false.
Caffe's recordings are kept. Each path is a process of its own, since TensorFlow reads its variables when it is imported;
which kernels were really taken is asked of oneDNN and OpenBLAS and printed. TensorFlow's other kernels (Eigen) have their
instruction set fixed when TensorFlow is built, so no cap reaches them. The last column has the largest error, in rounding
units, of Caffe with another BLAS against Caffe as installed, over the layers that read the same. Ends with 1 if there is an
alarm.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.false_alarms.bundle import INPUTS, SMALL, bundled, fixtures, prepared, trained
from benchmarks.false_alarms.paths import PATHS, NumericPath, caffe_in_effect, image_of, keras_in_effect, processor
from harness import pipeline
from harness.compare import limits
from harness.compare.measure import measure
from harness.data import Case, Layer, Recording
from harness.engines.image import image_tag
from harness.engines.reference import Reference, make_recording
from harness.errors import HarnessError
from harness.layers import layer_type
from harness.layout import channels_last
from harness.progress import silent
from harness.recording import load_top


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="every case at its published size, each by itself")
    parser.add_argument("--path", default="", help="only paths with this in their name")
    parser.add_argument("--child", metavar="IMAGE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        for found in judge_all(options.child or None, everything=options.all):
            print(json.dumps(found), flush=True)
        return 0
    print(f"{processor()}\n")
    columns = [f"{kind}: layers, in float64, alarms" for kind in INPUTS]
    print(f"| path | in effect | {' | '.join(columns)} | Caffe against itself |")
    print("| --- | --- |" + " ---: |" * (len(INPUTS) + 1))
    alarms: list[str] = []
    for path in (one for one in PATHS if options.path in one.name):
        begin = time.time()
        image = image_of(path)
        effect = caffe_in_effect(image or image_tag()) if path.caffe else keras_in_effect(path)
        itself = 0.0
        counts = {kind: [0, 0, 0] for kind in INPUTS}
        for found in run_path(path, image, everything=options.all):
            counts[found["input"]][0] += found["layers"]
            counts[found["input"]][1] += found["adjudicated"]
            counts[found["input"]][2] += len(found["alarms"])
            itself = max(itself, found.get("itself", 0.0))
            alarms += [f"{path.name}, {found['input']}: {alarm}" for alarm in found["alarms"]]
        cells = " | ".join(" ".join(map(str, count)) for count in counts.values())
        apart = f"{itself:.1f}" if path.caffe else "–"
        print(f"| {path.name} | {effect} | {cells} | {apart} |", flush=True)
        print(f"{path.name}: {time.time() - begin:.0f} s", file=sys.stderr, flush=True)
    print(f"\n{len(alarms)} false alarms")
    for alarm in alarms:
        print(f"- {alarm}")
    return 1 if alarms else 0


def run_path(path: NumericPath, image: str | None, *, everything: bool) -> Iterator[dict[str, Any]]:
    """What a process of its own finds on one path."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.false_alarms",
        "--child",
        image or "",
        *(["--all"] if everything else []),
    ]
    child = subprocess.Popen(command, env={**os.environ, **path.keras}, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise SystemExit(f"{path.name}: the process that judges ended with {child.returncode}")


def judge_all(image: str | None, *, everything: bool) -> Iterator[dict[str, Any]]:
    """Every case on every input, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        cases: list[Case] = [*fixtures(() if everything else SMALL), *trained()]
        for case in cases if everything else [bundled(cases, Path(folder))]:
            for kind in INPUTS:
                yield judge(case, kind, image)


def judge(case: Case, kind: str, image: str | None) -> dict[str, Any]:
    """One case on one kind of input: how many layers, how many of them by float64, and which are called wrong."""
    found: dict[str, Any] = {"input": kind, "layers": 0, "adjudicated": 0, "alarms": []}
    try:
        ready = prepared(case, kind)
        recording = make_recording(ready, Reference(engine="docker", image=image), silent)
        report = pipeline.judge_all(ready, recording, pipeline.Options(mode="isolated"), silent)
        if image is not None:
            plain = make_recording(ready, Reference(engine="docker"), silent)
            found["itself"] = largest_units(ready, plain, recording)
    except HarnessError as error:
        return found | {"alarms": [f"{case.name} could not be judged: {error}"]}
    wrong = [row for row in report.layers if row.status.fails]
    return found | {
        "layers": report.compared,
        "adjudicated": sum(row.judged_by == "float64" for row in report.layers),
        "alarms": [f"{case.name}: {row.layer} {row.type} {row.status.value} {row.note or ''}" for row in wrong],
    }


def largest_units(ready: pipeline.Prepared, one: Recording, other: Recording) -> float:
    """How far two recordings by Caffe are apart where a layer has read the same numbers in both."""
    recorded = {(top.layer, top.top) for top in one.tops}
    largest = 0.0
    for layer in ready.network.layers:
        if not layer.bottoms or not all((top.layer, top.blob) in recorded for top in (*layer.bottoms, *layer.tops[:1])):
            continue
        bottoms = [load_top(one, top.layer, top.blob) for top in layer.bottoms]
        if not all(
            np.array_equal(array, load_top(other, *key)) for array, key in zip(bottoms, _keys(layer), strict=True)
        ):
            continue
        top, again = (load_top(recording, layer.name, layer.tops[0].blob) for recording in (one, other))
        unit = layer_type(layer).unit(layer, ready.weights.of(layer.name), bottoms, top)
        metrics = measure(channels_last(top), channels_last(again), unit, limit=limits.MAX_UNITS).metrics
        largest = max(largest, metrics.max_units or 0.0)
    return largest


def _keys(layer: Layer) -> list[tuple[str, str]]:
    return [(top.layer, top.blob) for top in layer.bottoms]


if __name__ == "__main__":
    sys.exit(main())
