"""Asks the real Caffe what it builds of prototxts: one container for all of them, nothing mounted."""

from __future__ import annotations

import json
import math
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.data import Shape
from harness.engines.image import image_tag

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Built:
    """A net as Caffe built it."""

    types: Mapping[str, str]  # by layer
    blobs: Mapping[str, Shape]
    learned: Mapping[str, tuple[Shape, ...]]  # by layer

    def counts(self) -> Counter[str]:
        """How many layers of each type, without the Split layers that Caffe puts in."""
        return Counter(kind for kind in self.types.values() if kind != "Split")

    def parameters(self) -> tuple[int, int]:
        """How many numbers are learned by gradients, and how many BatchNorm keeps."""
        sizes = {True: 0, False: 0}
        for layer, shapes in self.learned.items():
            sizes[self.types[layer] == "BatchNorm"] += sum(map(math.prod, shapes))
        return sizes[False], sizes[True]


def build_nets(engine: str, nets: Mapping[str, str]) -> dict[str, Built]:
    """Every net by its name. Fails with Caffe's own words where one cannot be built."""
    script = (HERE / "describe_nets.py").read_text(encoding="utf-8")
    modules = {"upsample": (HERE / "upsample.py").read_text(encoding="utf-8")}
    run = [engine, "run", "--rm", "--interactive", "--network", "none", "--env", "GLOG_minloglevel=2"]
    run += ["--entrypoint", "python3", image_tag()]
    answer = subprocess.run(
        [*run, "-c", script],
        input=json.dumps({"modules": modules, "nets": dict(nets)}),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert answer.returncode == 0, answer.stderr
    built = {}
    for line in answer.stdout.splitlines():
        said = json.loads(line)
        built[said["name"]] = Built(
            said["types"],
            {name: tuple(shape) for name, shape in said["blobs"].items()},
            {name: tuple(map(tuple, shapes)) for name, shapes in said["learned"].items()},
        )
    return built
