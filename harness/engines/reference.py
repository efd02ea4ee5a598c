"""The reference of a case: a recording that is kept, or a new one by the engine that was asked for."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from harness import cache
from harness.cache import file_sha256, locked, publish, write_whole
from harness.caffe.deploy import net_file
from harness.data import Case, Network, Recording, Shape, Top, Weights
from harness.engines import RecordRequest, ReferenceEngine, memory, reference_engine
from harness.engines.golden import find_golden, read_golden
from harness.errors import EngineError, EngineMissingError, HarnessError, ReferenceEngineError
from harness.layers.base import Float32
from harness.progress import Progress
from harness.recording import MANIFEST, disk_error, read_recording, verify

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
        verify(recording)
        return replace(recording, recorded_by=recording.engine, engine="recording")
    digests = {name: values_sha256(array) for name, array in ready.inputs.items()}
    if how.engine == "golden":
        return _golden(ready, digests)
    name: str | None = how.engine
    if name == "auto":
        name, problems = _first_that_works(how.image)
        if name is None:
            if how.image is None and find_golden(ready.case, ready.title) is not None:
                return _golden(ready, digests)
            raise _no_engine(problems, how.image)
    assert name is not None
    engine = reference_engine(name)
    problem = engine.available(how.image)
    if problem:
        raise EngineMissingError(problem, fix="harness image build" if "image" in problem else None)
    return _kept_or_new(ready, engine, how, digests, progress)


def _kept_or_new(
    ready: Ready, engine: ReferenceEngine, how: Reference, digests: Mapping[str, str], progress: Progress
) -> Recording:
    net = net_file(ready.network, ready.shapes)
    depends = {
        "engine": engine.NAME,
        **engine.identity(how.image),
        **_sources(ready),
        "net": None if net is None else hashlib.sha256(net).hexdigest(),
        "threads": how.threads,
        **{f"input:{name}": digest for name, digest in digests.items()},
    }
    key = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache.folder("recordings") / key
    with locked(f"recordings/{key}", lambda why: progress("notice", 0, 0, why)):
        cache.sweep(folder)
        kept = None if how.fresh else _kept(folder, progress)
        if kept is not None:
            return kept
        _record(ready, engine, how, folder, net, digests, progress)
        return read_recording(folder)


def _kept(folder: Path, progress: Progress) -> Recording | None:
    """The recording in the cache, or None if there is none that is whole.

    Its files' digests are checked each time; those of large files are read again only if the files were touched
    (`recording.verify`), so what slips through is a disk that changes bits and no times.
    """
    if not folder.exists():
        progress("notice", 0, 0, "no recording is kept of this net, weights and input: running Caffe first")
        return None
    try:
        recording = read_recording(folder)
        verify(recording)
    except HarnessError as error:
        progress("notice", 0, 0, f"recording again, since the one that was kept is no good: {error.message}")
        return None
    return replace(recording, age=max(0.0, time.time() - (folder / MANIFEST).stat().st_mtime))


def _record(
    ready: Ready,
    engine: ReferenceEngine,
    how: Reference,
    folder: Path,
    net: bytes | None,
    digests: Mapping[str, str],
    progress: Progress,
) -> None:
    needed = memory.estimate(ready.network, ready.shapes)
    at_hand = memory.available()
    if at_hand is not None and needed > at_hand:
        raise EngineError(_too_little(ready, needed, at_hand))
    assert ready.network.path is not None
    try:
        scratch = cache.partial_folder(folder)
        try:
            inputs = {}
            for index, (name, array) in enumerate(ready.inputs.items()):
                inputs[name] = scratch / f"input{index}.npy"
                np.save(inputs[name], array, allow_pickle=False)
            if net is not None:
                (scratch / "net.json").write_bytes(net)
            out = scratch / "out"
            out.mkdir()
            request = RecordRequest(
                prototxt=ready.network.path,
                caffemodel=ready.weights.path,
                inputs=inputs,
                image=how.image,
                memory=int(needed * 1.5) + (1 << 30),
                timeout=how.timeout,
                threads=how.threads,
                needed=needed,
                net=None if net is None else scratch / "net.json",
                python_layers=ready.case.python_layers,
            )
            engine.record(request, out, progress)
            _check_source(out, ready)
            fed = {f"values:{name}": digest for name, digest in digests.items()}
            _annotate(out, about=ready.title, digests=_sources(ready) | fed)
            publish(out, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise disk_error(error, folder.parent) from error


def _sources(ready: Ready) -> dict[str, str]:
    """The digests of the user's files, whatever was made of them for the engine."""
    assert ready.network.path is not None
    found = {"prototxt": file_sha256(ready.network.path), "weights": ready.weights.sha256}
    if ready.case.python_layers is not None:
        found["python_layers"] = folder_sha256(ready.case.python_layers)
    return found


def folder_sha256(folder: Path) -> str:
    """The digest of a folder's files and their names, compiled Python aside."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in name.parts:
            digest.update(f"{name.as_posix()}\n{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _check_source(folder: Path, ready: Ready) -> None:
    """An engine on another machine may have another file under the same path, and a file may change meanwhile."""
    recording = read_recording(folder)
    assert ready.network.path is not None
    for what, other, digest, path in (
        ("prototxt", "another prototxt than this", file_sha256(ready.network.path), ready.network.path),
        ("weights", "other weights than these", ready.weights.sha256, ready.weights.path),
    ):
        if recording.digests.get(what, digest) != digest:
            raise ReferenceEngineError(
                f"Caffe ({recording.engine}) read {other}",
                file=path,
                fix="run again; if it stays, HARNESS_CONTAINER_COPY=1 sends the files in place of mounting them",
            )


def _annotate(folder: Path, *, about: str, digests: Mapping[str, str]) -> None:
    """Add to a manifest what the engine could not know: the case, and the digests of the numbers that were fed."""
    file = folder / MANIFEST
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["about"] = about
    manifest["digests"] |= digests
    write_whole(file, json.dumps(manifest, indent=1, sort_keys=True).encode())


def _golden(ready: Ready, digests: Mapping[str, str]) -> Recording:
    folder = find_golden(ready.case, ready.title)
    if folder is None:
        raise EngineMissingError(
            f"there is no golden of {ready.title}",
            fix="--fetch downloads the one that the case names"
            if ready.case.golden
            else "run it with a container engine: --reference docker",
        )
    # A golden remembers the numbers that were fed, not the file that they came in.
    recording = read_golden(folder, _sources(ready) | {f"values:{name}": digest for name, digest in digests.items()})
    return replace(recording, recorded_by=recording.engine, engine="golden")


def _first_that_works(image: str | None) -> tuple[str | None, dict[str, str]]:
    problems: dict[str, str] = {}
    for name in CONTAINERS:
        problem = reference_engine(name).available(image)
        if problem is None:
            return name, problems
        problems[name] = problem
    return None, problems


def _no_engine(problems: Mapping[str, str], image: str | None) -> EngineMissingError:
    golden = "there is no golden of this case" if image is None else f"a golden cannot stand for {image}"
    return EngineMissingError(
        f"no reference: {'; '.join(problems.values())}; and {golden}",
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


def values_sha256(array: Float32) -> str:
    """The digest of an array's shape and numbers: those of a seed are the same at 4×6 and at 6×4."""
    digest = hashlib.sha256(f"{array.shape}\n".encode())
    digest.update(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
