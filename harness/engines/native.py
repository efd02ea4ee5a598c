"""BVLC Caffe in any Python of this machine that imports it, through the same dump script."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

from harness.engines import RecordRequest
from harness.engines.dumping import follow
from harness.errors import EngineMissingError
from harness.progress import Progress
from harness.resources import docker_folder

NAME = "native"


def available(image: str | None) -> str | None:
    """Why no Python here can run Caffe, None if one can."""
    return None if _python() else "no Python here imports caffe (HARNESS_CAFFE_PYTHON names one)"


def identity(image: str | None) -> dict[str, str]:
    """Which Python, which Caffe, which dump script."""
    dump = hashlib.sha256((docker_folder() / "dump.py").read_bytes()).hexdigest()
    return {"python": shlex.join(_checked()), "dump": dump}


def record(request: RecordRequest, out: Path, progress: Progress) -> None:
    """Fill an empty folder with a recording. Raises EngineError."""
    command = [*_checked(), str(docker_folder() / "dump.py"), "--prototxt", str(request.prototxt.resolve())]
    command += ["--caffemodel", str(request.caffemodel.resolve()), "--out", str(out.resolve())]
    for blob, path in request.inputs.items():
        command += ["--input", f"{blob}={path.resolve()}"]
    if request.threads:
        command += ["--threads", str(request.threads)]
    child: list[int] = []
    follow(command, progress, engine=NAME, timeout=request.timeout, stop=lambda: _kill(child), out=out, started=child.append)


def _kill(child: list[int]) -> None:
    for pid in child:
        os.kill(pid, 9)


def _checked() -> list[str]:
    python = _python()
    if python is None:
        raise EngineMissingError(
            "no Python here imports caffe", fix="set HARNESS_CAFFE_PYTHON to the command of one that does"
        )
    return python


@cache
def _python() -> list[str] | None:
    """The command of a Python that imports caffe; a chroot's or an environment's wrapper may take several words."""
    given = os.environ.get("HARNESS_CAFFE_PYTHON")
    for command in [shlex.split(given)] if given else [["python3"], ["python"], ["python2"]]:
        if shutil.which(command[0]) is None:
            continue
        answer = subprocess.run([*command, "-c", "import caffe"], capture_output=True, check=False)
        if answer.returncode == 0:
            return command
    return None
