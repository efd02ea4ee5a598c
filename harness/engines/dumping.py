"""Follows the dump script: its progress on standard output, its end, and what it or Caffe said when it failed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness.errors import EngineMissingError, ReferenceEngineError
from harness.progress import Progress
from harness.resources import dump_script, layer_scripts

NO_SPACE = 4
KILLED = (137, -signal.SIGKILL)
DIVIDED = (136, -signal.SIGFPE)
_PATIENCE = 10.0  # seconds for what was stopped to end by itself
_STAGES = {"caffe": "starting Caffe", "net": "building the net", "weights": "reading the weights"}
_THEY_SAY = (
    re.compile(r"Error parsing text-format [\w.]+: (.*)"),
    re.compile(r"(Unknown layer type: \S+)"),
    re.compile(r"(Check failed: .*)"),
    re.compile(r"^F\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] (.*)"),
    re.compile(r"^(?:docker|podman|Error): (?:Error response from daemon: )?(.*)"),
)


@dataclass(frozen=True)
class Job:
    """A command that runs the dump script, and what has to be known to judge its end."""

    command: tuple[str, ...]
    engine: str
    timeout: float  # seconds
    stop: Callable[[int], object]  # ends what the command (its process id) started
    out: Path | None  # the folder being written; None if it lies on the engine's own disk
    files: Mapping[str, Path] = field(default_factory=dict)  # by the names that the script knows them by
    needed: int | None = None  # bytes, estimated
    limit: int | None = None  # bytes that it may take
    answers: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What to do at `@harness WORD`; an empty line on standard input then tells the other side that it is done."""


def scripts_sha256() -> str:
    """The digest of what runs where Caffe is: the dump script and the Python layers that it may bring."""
    digest = hashlib.sha256()
    for script in (dump_script(), *layer_scripts()):
        digest.update(f"{script.name}\n".encode() + script.read_bytes())
    return digest.hexdigest()


def follow(job: Job, progress: Progress) -> None:
    """Run the dump script to its end.

    The command has a process group of its own: what the user's Ctrl-C ends is this process, which ends the rest.
    Its standard input stays open for as long as this process lives, however that dies.

    Raises:
        EngineMissingError: the command cannot be started.
        ReferenceEngineError: it failed; the message is the one sentence that matters.
    """
    late = threading.Event()

    def too_late() -> None:
        late.set()
        _end(process, job)

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            process = subprocess.Popen(
                job.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise EngineMissingError(f"{job.command[0]} cannot be started: {error.strerror}") from error
        watch = threading.Timer(job.timeout, too_late)
        watch.daemon = True
        watch.start()
        try:
            needed = _listen(process, job, progress)
            status = process.wait()
        except Exception:
            if not late.is_set():
                raise
        finally:
            watch.cancel()
            if process.poll() is None:
                _end(process, job)
            _close(process.stdin)
            _close(process.stdout)
        if late.is_set():
            raise ReferenceEngineError(
                f"Caffe ({job.engine}) did not finish within {job.timeout:g} s and was stopped",
                fix="give it longer: --timeout SECONDS",
            )
        if status == 0:
            return
        complaints.seek(0)
        said = complaints.read()
    raise _failure(status, said, job, needed)


def _listen(process: subprocess.Popen[str], job: Job, progress: Progress) -> int | None:
    """Report and answer until the command says nothing more; the bytes that Caffe needs, as far as they are known."""
    assert process.stdout is not None
    assert process.stdin is not None
    needed = job.needed
    for line in process.stdout:
        mark, word, *rest = line.rstrip("\n").split(" ", 2) + [""] * 2
        if mark != "@harness":
            continue
        if word in job.answers:
            job.answers[word]()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("\n")
                process.stdin.flush()
        elif word == "stage":
            progress("caffe", 0, 0, _STAGES.get(rest[0], rest[0]))
        elif word == "memory" and needed is None and rest[0].isdigit():
            needed = int(rest[0])
        elif word == "layer":
            with contextlib.suppress(ValueError):
                number, count, name = rest[0].split(" ", 2)
                progress("caffe", int(number) - 1, int(count), name)
    return needed


def _end(process: subprocess.Popen[str], job: Job) -> None:
    """Stop the command and what it started; kill it only if it does not end by itself.

    An engine's client that is killed while it starts a container leaves one behind that nobody started.
    """
    job.stop(process.pid)
    _close(process.stdin)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        process.wait()


def kill_group(pid: int) -> None:
    """Kill a process that leads its group, and all in it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _close(stream: IO[str] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()


def _failure(status: int, said: str, job: Job, needed: int | None) -> ReferenceEngineError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if status in KILLED:
        return _killed(job, needed)
    own = next((line for line in lines if line.startswith("harness-dump: ")), None)
    if status == NO_SPACE and own is not None:
        if job.out is not None:
            return full_disk(job.out.parent)
        return ReferenceEngineError(
            f"{job.engine}'s disk has no space left for the recording", fix=f"free some: {job.engine} system prune"
        )
    message = own.removeprefix("harness-dump: ") if own is not None else _theirs(lines)
    if message is None and status in DIVIDED:
        message = "divided by zero, as its layers do for a blob without items: does a Filter let nothing pass here?"
    if message is None:
        message = f"ended with status {status}: {lines[-1] if lines else 'it said nothing'}"
    for inside, outside in job.files.items():
        message = message.replace(inside, str(outside))
    return ReferenceEngineError(f"Caffe ({job.engine}): {message}")


def _theirs(lines: list[str]) -> str | None:
    """The sentence of Caffe or of the engine that says why, among those around it."""
    for pattern in _THEY_SAY:
        for line in lines:
            if found := pattern.search(line):
                return found[1]
    return None


def _killed(job: Job, needed: int | None) -> ReferenceEngineError:
    need = f"it needs about {needed / 1e9:.1f} GB" if needed else "how much memory it needs is not known"
    share = f" and may take {job.limit / 1e9:.1f} GB" if job.limit else ""
    if needed and job.limit and needed > job.limit:
        message, fix = f"ran out of memory: {need}{share}", "give it more memory"
    else:
        message, fix = f"was killed, by someone or for want of memory: {need}{share}", "run it again, with more memory"
    return ReferenceEngineError(f"Caffe ({job.engine}) {message}", fix=f"{fix}, or at a smaller --input-size")


def full_disk(folder: Path) -> ReferenceEngineError:
    """There is no room for a recording in this folder."""
    return ReferenceEngineError(
        "there is no space left for the recording",
        file=folder,
        fix="free some, or set HARNESS_CACHE to a folder on a larger disk",
    )
