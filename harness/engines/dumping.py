"""Follows the dump script: its progress on standard output, its end, and what it or Caffe said when it failed."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import EngineMissingError, ReferenceEngineError
from harness.progress import Progress

NO_SPACE, KILLED = 4, 137
_CAFFE_SAYS = (
    re.compile(r"Error parsing text-format [\w.]+: (.*)"),
    re.compile(r"(Check failed: .*)"),
    re.compile(r"(Unknown layer type: .*)"),
    re.compile(r"^F\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] (.*)"),
)


def follow(
    command: Sequence[str],
    progress: Progress,
    *,
    engine: str,
    timeout: float,
    stop: Callable[[], None],
    out: Path,
    started: Callable[[int], object] = lambda pid: None,
) -> None:
    """Run the dump script to its end.

    Args:
        timeout: seconds.
        stop: ends what the command started, when it takes too long or the user interrupts.
        started: told the process's id.

    Raises:
        EngineMissingError: the command cannot be started.
        ReferenceEngineError: it failed; the message is the one sentence that matters.
    """
    late = threading.Event()

    def too_late() -> None:
        late.set()
        stop()

    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
            )
        except OSError as error:
            raise EngineMissingError(f"{command[0]} cannot be started: {error.strerror}") from error
        started(process.pid)
        watch = threading.Timer(timeout, too_late)
        watch.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                _report(line, progress)
            status = process.wait()
        except BaseException:
            stop()
            process.kill()
            process.wait()
            raise
        finally:
            watch.cancel()
        if status == 0:
            return
        complaints.seek(0)
        said = complaints.read()
    if late.is_set():
        raise ReferenceEngineError(
            f"Caffe did not finish within {timeout:g} s and was stopped", fix="give it longer: --timeout SECONDS"
        )
    raise _failure(status, said, engine, out)


def _report(line: str, progress: Progress) -> None:
    parts = line.rstrip("\n").split(" ", 4)
    if parts[0] != "@harness" or len(parts) < 3:
        return
    if parts[1] == "layer" and len(parts) == 5:
        progress("caffe", int(parts[2]) - 1, int(parts[3]), parts[4])
    elif parts[1] == "stage":
        progress("caffe", 0, 0, {"weights": "reading the weights", "net": "building the net"}.get(parts[2], parts[2]))


def _failure(status: int, said: str, engine: str, out: Path) -> ReferenceEngineError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in lines:
        if line.startswith("harness-dump: "):
            message = line.removeprefix("harness-dump: ")
            if status == NO_SPACE:
                return ReferenceEngineError(
                    "there is no space left for the recording",
                    file=out.parent,
                    fix="free some, or set HARNESS_CACHE to a larger disk",
                )
            if status != KILLED:
                return ReferenceEngineError(f"Caffe ({engine}): {message}")
    for pattern in _CAFFE_SAYS:
        for line in lines:
            if found := pattern.search(line):
                return ReferenceEngineError(f"Caffe ({engine}): {found[1]}")
    if status in (KILLED, -9):
        return ReferenceEngineError(
            f"Caffe ({engine}) was killed, perhaps because it took more memory than it may",
            fix="give the engine more memory, or run at a smaller --input-size",
        )
    last = lines[-1] if lines else "it said nothing"
    return ReferenceEngineError(f"Caffe ({engine}) ended with status {status}: {last}")
