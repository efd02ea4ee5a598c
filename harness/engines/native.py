"""BVLC Caffe in any Python of this machine that imports it, through the same dump script."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

from harness.engines import RecordRequest
from harness.engines.dumping import Job, follow, kill_group, scripts_sha256
from harness.errors import EngineMissingError, UsageError
from harness.progress import Progress
from harness.resources import dump_script

NAME = "native"
VARIABLE = "HARNESS_CAFFE_PYTHON"
_ABOUT = """
import os, sys, caffe
library = os.stat(sys.modules["caffe._caffe"].__file__)
print("@harness %s %d %d" % (getattr(caffe, "__version__", "unknown"), library.st_size, library.st_mtime))
"""


def available(image: str | None) -> str | None:
    """Why no Python here can run Caffe, None if one can."""
    given = os.environ.get(VARIABLE)
    if _python(given):
        return None
    return f"{given!r} ({VARIABLE}) does not import caffe" if given else f"no Python here imports caffe ({VARIABLE})"


def identity(image: str | None) -> dict[str, str]:
    """Which Python, which build of Caffe, which dump script."""
    python, caffe = _found()
    return {
        "python": shlex.join(python),
        "caffe": caffe,
        "dump": scripts_sha256(),
    }


def record(request: RecordRequest, out: Path, progress: Progress) -> None:
    """Fill an empty folder with a recording. Raises EngineError."""
    command = [*_found()[0], str(dump_script()), "--prototxt", str(request.prototxt.resolve())]
    command += ["--caffemodel", str(request.caffemodel.resolve()), "--out", str(out.resolve())]
    for blob, path in request.inputs.items():
        command += ["--input", f"{blob}={path.resolve()}"]
    if request.net is not None:
        command += ["--net", str(request.net.resolve())]
    if request.python_layers is not None:
        command += ["--python-layers", str(request.python_layers.resolve())]
    if request.threads:
        command += ["--threads", str(request.threads)]
    job = Job(
        command=(*command, "--end-with-stdin"),
        engine=NAME,
        timeout=request.timeout,
        stop=kill_group,
        out=out,
        needed=request.needed,
    )
    follow(job, progress)


def _found() -> tuple[tuple[str, ...], str]:
    found = _python(os.environ.get(VARIABLE))
    if found is None:
        raise EngineMissingError(
            available(None) or "no Python here imports caffe",
            fix=f"set {VARIABLE} to the command of one that does, as in {VARIABLE}='conda run -n caffe python'",
        )
    return found


@cache
def _python(given: str | None) -> tuple[tuple[str, ...], str] | None:
    """The command of a Python that imports caffe, and which Caffe that is; a chroot's command takes several words."""
    try:
        commands = [shlex.split(given)] if given else [["python3"], ["python"], ["python2"]]
    except ValueError as error:
        raise UsageError(f"{VARIABLE} is no command: {error}", fix="close its quotes") from error
    for command in commands:
        if not command or shutil.which(command[0]) is None:
            continue
        answer = subprocess.run(
            [*command, "-c", _ABOUT], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        said = [line for line in answer.stdout.splitlines() if line.startswith("@harness ")]
        if answer.returncode == 0 and said:
            return tuple(command), said[0].removeprefix("@harness ")
    return None
