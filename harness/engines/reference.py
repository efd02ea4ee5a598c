"""Which engine is the reference, and the recordings that are kept of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from harness.cache import cache_root, file_sha256, locked
from harness.data import Case, Network, Recording, Shape, Top, Weights
from harness.engines import memory
from harness.errors import EngineError, EngineMissingError, RecordingError
from harness.layers.base import Float32
from harness.progress import Progress
from harness.recording import read_recording

AUTO = ("docker", "podman", "golden")
"""What `auto` tries, in this order. OpenCV is not among them: it is not Caffe."""


@dataclass(frozen=True)
class Reference:
    """How the reference is to be computed."""

    engine: str = "auto"
    image: str | None = None
    threads: int | None = None
    timeout: float = 3600.0
    folder: Path | None = None  # a recording made before, instead of an engine
    fresh: bool = False  # run the engine even where a recording is kept


class Ready(Protocol):
    """What a recording is made of."""

    case: Case
    network: Network
    shapes: Mapping[Top, Shape]
    weights: Weights
    inputs: Mapping[str, Float32]
