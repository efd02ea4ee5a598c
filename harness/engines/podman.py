"""BVLC Caffe in a container run by podman."""

from __future__ import annotations

from pathlib import Path

from harness.engines import RecordRequest, container
from harness.progress import Progress

NAME = "podman"


def available(image: str | None) -> str | None:
    """Why podman cannot run the image, None if it can."""
    return container.why_not(NAME, image)


def identity(image: str | None) -> dict[str, str]:
    """Digests of the image and of the dump script."""
    return container.identity(NAME, image)


def record(request: RecordRequest, out: Path, progress: Progress) -> None:
    """Fill an empty folder with a recording. Raises EngineError."""
    container.record(NAME, request, out, progress)
