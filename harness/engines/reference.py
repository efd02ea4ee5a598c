"""The reference of a case: a recording that is kept, or a new one by the engine that was asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from harness import cache
from harness.cache import file_sha256, locked, publish, write_whole
from harness.data import Case, Network, Recording, Shape, Top, Weights
from harness.engines import RecordRequest, ReferenceEngine, memory, reference_engine
from harness.engines.golden import find_golden, read_golden
from harness.errors import EngineError, EngineMissingError, HarnessError
from harness.layers.base import Float32
from harness.progress import Progress
from harness.recording import MANIFEST, read_recording

CONTAINERS = ("docker", "podman")
"""What `auto` tries before a golden. OpenCV is not among them: it is not Caffe."""


@dataclass(frozen=True)
class Reference:
    """How the reference is to be computed."""

    engine: str = "auto"
    image: str | None = None
    threads: int | None = None
    timeout: float = 3600.0
    folder: Path | None = None  # a recording made before, in place of an engine
    fresh: bool = False  # run the engine even where a recording is kept


class Ready(Protocol):
    """What a recording is made of."""

    @property
    def case(self) -> Case: ...
    @property
    def network(self) -> Network: ...
    @property
    def shapes(self) -> Mapping[Top, Shape]: ...
    @property
    def weights(self) -> Weights: ...
    @property
    def inputs(self) -> Mapping[str, Float32]: ...
    @property
    def title(self) -> str: ...


def make_recording(ready: Ready, how: Reference, progress: Progress) -> Recording:
    """The reference's activations.

    Raises:
        EngineMissingError: no engine works and there is no golden; the message gives the choices.
        EngineError: the engine failed, or would need more memory than there is.
        RecordingError: a golden or a given folder is stale or damaged.
    """
    if how.folder is not None:
        recording = read_recording(how.folder)
        return replace(recording, recorded_by=recording.engine, engine="recording")
    digests = {name: _sha256(array) for name, array in ready.inputs.items()}
    if how.engine == "golden":
        return _golden(ready, digests)
    name = how.engine
    if name == "auto":
        name, problems = _first_that_works(how.image)
        if name is None:
            if find_golden(ready.case, ready.title) is not None:
                return _golden(ready, digests)
            raise _no_engine(problems)
    engine = reference_engine(name)
    problem = engine.available(how.image)
    if problem:
        raise EngineMissingError(problem, fix="harness image build" if "image" in problem else None)
    return _kept_or_new(ready, engine, how, digests, progress)


def _kept_or_new(
    ready: Ready, engine: ReferenceEngine, how: Reference, digests: Mapping[str, str], progress: Progress
) -> Recording:
    assert ready.network.path is not None
    depends = {
        "engine": engine.NAME,
        **engine.identity(how.image),
        "prototxt": file_sha256(ready.network.path),
        "weights": ready.weights.sha256,
        "threads": how.threads,
        **{f"input:{name}": digest for name, digest in digests.items()},
    }
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache.folder("recordings") / key
    with locked(f"recordings/{key}", lambda why: progress("caffe", 0, 0, why)):
        if how.fresh or not _is_whole(folder):
            _record(ready, engine, how, folder, progress)
            return replace(read_recording(folder), age=None)
        age = time.time() - (folder / "manifest.json").stat().st_mtime
        return replace(read_recording(folder), age=max(0.0, age))


def _record(ready: Ready, engine: ReferenceEngine, how: Reference, folder: Path, progress: Progress) -> None:
    needed = memory.estimate(ready.network, ready.shapes)
    at_hand = memory.available()
    if at_hand is not None and needed > at_hand:
        raise EngineError(_too_little(ready, needed, at_hand))
    assert ready.network.path is not None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            inputs = {}
            for index, (name, array) in enumerate(ready.inputs.items()):
                inputs[name] = scratch / f"input{index}.npy"
                np.save(inputs[name], array, allow_pickle=False)
            out = scratch / "out"
            out.mkdir()
            scratch.chmod(0o755)
            request = RecordRequest(
                prototxt=ready.network.path,
                caffemodel=ready.weights.path,
                inputs=inputs,
                image=how.image,
                memory=int(needed * 1.5) + (1 << 30),
                timeout=how.timeout,
                threads=how.threads,
            )
            engine.record(request, out, progress)
            _annotate(out, about=ready.title, digests={f"values:{name}": _sha256(x) for name, x in ready.inputs.items()})
            publish(out, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise EngineError(
            f"the recording cannot be kept: {error.strerror or error}",
            file=folder.parent,
            fix="free some space, or set HARNESS_CACHE to a larger disk",
        ) from error


def _annotate(folder: Path, *, about: str, digests: Mapping[str, str]) -> None:
    """Add to a manifest what the engine could not know: the case, and the digests of the numbers that were fed."""
    read_recording(folder)
    file = folder / MANIFEST
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["about"] = about
    manifest["digests"] |= digests
    write_whole(file, json.dumps(manifest, indent=1, sort_keys=True).encode())


def _is_whole(folder: Path) -> bool:
    """True for a recording whose files are all there, in the size that they should have; contents are not read again."""
    try:
        recording = read_recording(folder)
        return bool(recording.tops) and all((folder / top.file).is_file() for top in recording.tops)
    except HarnessError:
        return False


def _golden(ready: Ready, digests: Mapping[str, str]) -> Recording:
    folder = find_golden(ready.case, ready.title)
    if folder is None:
        raise EngineMissingError(
            f"there is no golden of {ready.title}", fix="run it with a container engine: --reference docker"
        )
    assert ready.network.path is not None
    depends = {"prototxt": file_sha256(ready.network.path), "weights": ready.weights.sha256}
    # A golden remembers the numbers that were fed, not the file that they came in.
    recording = read_golden(folder, depends | {f"values:{name}": digest for name, digest in digests.items()})
    return replace(recording, recorded_by=recording.engine, engine="golden")


def _first_that_works(image: str | None) -> tuple[str | None, dict[str, str]]:
    problems: dict[str, str] = {}
    for name in CONTAINERS:
        problem = reference_engine(name).available(image)
        if problem is None:
            return name, problems
        problems[name] = problem
    return None, problems


def _no_engine(problems: Mapping[str, str]) -> EngineMissingError:
    return EngineMissingError(
        "no reference: " + "; ".join(problems.values()) + "; and there is no golden of this case",
        fix="harness image build with docker or podman; or --reference native with a Python that imports caffe; or, "
        "by name only since it is not Caffe, --reference opencv",
    )


def _too_little(ready: Ready, needed: int, at_hand: int) -> str:
    shape = next(iter(ready.network.inputs.values()), ())
    advice = ""
    if len(shape) == 4:
        height, width = memory.fitting_size((shape[2], shape[3]), needed, at_hand)
        advice = f"; --input-size {height}x{width} would fit"
    return f"Caffe would need about {needed / 1e9:.1f} GB, {at_hand / 1e9:.1f} GB are free{advice}"


def _sha256(array: Float32) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


