"""A recording by the real Caffe that is kept beside the cases, for machines without a container engine."""

from __future__ import annotations

from pathlib import Path

from harness.data import Case, Recording
from harness.errors import RecordingError
from harness.recording import read_recording, verify
from harness.resources import fixtures_folder

RENEW = "make goldens"


def find_golden(case: Case, title: str) -> Path | None:
    """The golden of a case at its size: in the case's folder, or in `fixtures/golden`."""
    for folder in (case.folder / "golden", fixtures_folder() / "golden" / title):
        if (folder / "manifest.json").is_file():
            return folder
    return None


def read_golden(folder: Path, digests: dict[str, str]) -> Recording:
    """A golden, if it was made from these files.

    Args:
        digests: sha256 of the prototxt, the weights and each input, as a recording's manifest has them.

    Raises:
        RecordingError: it is damaged or stale; the message names what changed and the command that renews it.
    """
    recording = read_recording(folder)
    changed = [what for what, digest in digests.items() if recording.digests.get(what) != digest]
    if changed:
        raise RecordingError(
            f"the golden is stale: {', '.join(changed)} changed since it was recorded",
            file=folder,
            fix=f"renew it with a container engine: {RENEW}",
        )
    verify(recording)
    return recording
