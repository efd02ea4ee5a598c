"""A recording by the real Caffe that is kept beside the cases, for machines without a container engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.cache import partial_folder, publish, root, write_whole
from harness.data import Case, Recording
from harness.errors import RecordingError
from harness.recording import MANIFEST, disk_error, read_recording, verify
from harness.resources import fixtures_folder

RENEW = "make goldens"
_PASSING = frozenset({"seconds", "peak_bytes"})
"""What a manifest says of one run only; without it, the same numbers give the same bytes."""


def find_golden(case: Case, title: str) -> Path | None:
    """The golden of a case at its size: in the case's folder, in `fixtures/golden`, or fetched from its URL."""
    folders = [case.folder / "golden", fixtures_folder() / "golden" / title]
    if case.golden is not None:
        folders.append(root() / "goldens" / case.golden.sha256)
    for folder in folders:
        if (folder / MANIFEST).is_file():
            return folder
    return None


def read_golden(folder: Path, digests: Mapping[str, str]) -> Recording:
    """A golden, if it was made from these files.

    Args:
        digests: sha256 of the prototxt, the weights and each input, as a recording's manifest has them.

    Raises:
        RecordingError: it is damaged or stale; the message names what changed and the command that renews it.
    """
    recording = read_recording(folder)
    changed = [
        what.removeprefix("values:") for what, digest in digests.items() if recording.digests.get(what) != digest
    ]
    if changed:
        raise RecordingError(
            f"the golden is stale: {', '.join(changed)} changed since it was recorded",
            file=folder,
            fix=f"renew it with a container engine: {RENEW}",
        )
    verify(recording)
    return recording


def write_golden(recording: Recording, folder: Path) -> Recording:
    """Copies a recording to a folder that is kept, whole or not at all; an older recording there is replaced.

    The manifest loses what changes from run to run, so that renewing a golden of which nothing changed leaves the
    same bytes.

    Raises:
        RecordingError: the recording is damaged, or the folder holds something else.
        EngineError: the copy cannot be written.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecordingError("holds something that is no recording", file=folder, fix="choose a new or an empty folder")
    partial = partial_folder(folder)
    try:
        for name in sorted({top.file for top in recording.tops}):
            shutil.copyfile(recording.folder / name, partial / name)
        manifest = json.loads((recording.folder / MANIFEST).read_text("utf-8"))
        lasting = {key: value for key, value in manifest.items() if key not in _PASSING}
        lasting["tops"] = [{k: v for k, v in top.items() if k not in _PASSING} for top in manifest["tops"]]
        write_whole(partial / MANIFEST, (json.dumps(lasting, indent=1, sort_keys=True) + "\n").encode())
        verify(read_recording(partial))
        publish(partial, folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return read_recording(folder)
