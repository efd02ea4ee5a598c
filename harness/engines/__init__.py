"""What computes: one file per engine. Reference engines are found by being here; nothing lists them by hand.

A reference engine is a module with

    NAME = "docker"
    def available(image: str | None) -> str | None: ...     why it cannot be used, None if it can
    def identity(image: str | None) -> dict[str, str]: ...  what a recording depends on beside the net and its input
    def record(request: RecordRequest, out: Path, progress: Progress) -> None: ...    fills `out` with a recording
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from harness.errors import HarnessError, UsageError
from harness.progress import Progress


@dataclass(frozen=True)
class RecordRequest:
    """What an engine is to run."""

    prototxt: Path
    caffemodel: Path
    inputs: Mapping[str, Path]  # blob → .npy, N, C, H, W
    image: str | None = None
    memory: int | None = None  # bytes that a container may take
    timeout: float = 3600.0  # seconds
    threads: int | None = None
    needed: int | None = None  # bytes, estimated
    net: Path | None = None  # the net in layers (`caffe.deploy.net_file`), where the prototxt cannot be given as it is
    python_layers: Path | None = None  # a folder of the user's


class ReferenceEngine(Protocol):
    """The parts of a reference engine's module."""

    NAME: str

    def available(self, image: str | None) -> str | None:
        """Why it cannot be used, None if it can."""

    def identity(self, image: str | None) -> dict[str, str]:
        """Digests of what computes."""

    def record(self, request: RecordRequest, out: Path, progress: Progress) -> None:
        """Fill an empty folder with a recording. Raises EngineError."""


@cache
def reference_engines() -> Mapping[str, ReferenceEngine]:
    """Every reference engine, by name. Raises HarnessError for a name given twice."""
    found: dict[str, ReferenceEngine] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name in ("keras", "candidate"):
            continue  # the candidate's side; importing it costs seconds
        module: Any = importlib.import_module(f"{__name__}.{info.name}")
        name = getattr(module, "NAME", None)
        if name is None:
            continue
        if name in found:
            raise HarnessError(f"two engines are called {name!r}", file=module.__file__)
        found[name] = module
    return found


def reference_engine(name: str) -> ReferenceEngine:
    """The engine of that name. Raises UsageError; the message lists those at hand."""
    engines = reference_engines()
    if name not in engines:
        raise UsageError(
            f"no engine is called {name!r}",
            fix=f"there are {', '.join(engines)}; another one is a file harness/engines/{name}.py",
        )
    return engines[name]
