"""A container that can do nothing but compute: what docker and podman have in common.

The container has no network, a read-only root, no capabilities, no new privileges, an ordinary user, limits on memory,
time and processes, its inputs read-only and one folder to write. Files reach it by mounts where the daemon sees them
(a probe file tells), else by copying, so that Docker in Docker and remote daemons work. It ends when its standard
input does, so nothing outlives a harness that was killed.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.cache import folder, partial_folder
from harness.engines import RecordRequest
from harness.engines.cli import call, checked, last_line
from harness.engines.dumping import Job, follow
from harness.engines.image import LABEL, build, identity, image_tag, inspect, why_not
from harness.errors import EngineError
from harness.progress import Progress
from harness.resources import dump_script

__all__ = ["build", "identity", "image_tag", "inspect", "record", "why_not"]

HOME = "/harness"
ORDINARY = 1000
"""The user inside, where the one outside is root."""

_OURS = "python=python3\n"
_FIND = """
for python in python3 python python2 ""; do
    [ -n "$python" ] && "$python" -c "import caffe" 2> /dev/null && break
done
[ -n "$python" ] || { echo "harness-dump: no Python in this image imports caffe" >&2; exit 3; }
"""
_MOUNTED = 'exec "$python" "$@"'
_COPIED = """
echo "@harness ready"
read -r go || exit 5
"$python" "$@"
status=$?
echo "@harness done"
read -r gone
exit $status
"""


@dataclass(frozen=True)
class Container:
    """One container for one recording."""

    cli: str
    name: str
    image: dict[str, str]
    request: RecordRequest

    @property
    def files(self) -> dict[str, Path]:
        """What it reads, by its name inside. The script goes with it, so that another image (--image) needs none."""
        request = self.request
        inputs = {f"input{index}.npy": path for index, path in enumerate(request.inputs.values())}
        net = {"deploy.prototxt": request.prototxt, "weights.caffemodel": request.caffemodel}
        return {"dump.py": dump_script(), **net, **inputs}

    def command(self, *options: str, script: str) -> tuple[str, ...]:
        """`docker run …`, the script run by a shell whose $python is one that imports caffe."""
        python = _OURS if self.request.image is None else _FIND
        limits = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        limits += ["--pids-limit", "256", "--user", "{}:{}".format(*_user_inside(self.cli))]
        limits += ["--tmpfs", "/tmp:rw,nosuid,nodev,size=64m", "--env", "HOME=/tmp", "--workdir", "/tmp"]
        if self.request.memory:
            limits += ["--memory", str(self.request.memory), "--memory-swap", str(self.request.memory)]
        run = [self.cli, "run", "--rm", "--interactive", "--name", self.name, "--label", LABEL, *limits, *options]
        return (*run, "--entrypoint", "sh", self.image["name"], "-c", python + script, "dump", *self._arguments())

    def _arguments(self) -> list[str]:
        arguments = [f"{HOME}/in/dump.py", "--prototxt", f"{HOME}/in/deploy.prototxt"]
        arguments += ["--caffemodel", f"{HOME}/in/weights.caffemodel", "--out", f"{HOME}/out"]
        for index, blob in enumerate(self.request.inputs):
            arguments += ["--input", f"{blob}={HOME}/in/input{index}.npy"]
        if self.request.threads:
            arguments += ["--threads", str(self.request.threads)]
        return [*arguments, "--engine", self.cli, "--image", self.image["id"], "--end-with-stdin"]

    def stop(self, client: int) -> None:
        """Kill it; its client then ends by itself."""
        call(self.cli, "kill", self.name)


def record(cli: str, request: RecordRequest, out: Path, progress: Progress) -> None:
    """Run a net in a container; `out` is an empty folder of ours. Raises EngineError."""
    image = inspect(cli, request.image)
    container = Container(cli, f"harness-{os.getpid()}-{secrets.token_hex(4)}", image, request)
    copying = os.environ.get("HARNESS_CONTAINER_COPY") == "1" or not _sees_our_files(cli, image["id"])
    try:
        (_run_copied if copying else _run_mounted)(container, out, progress)
    finally:
        # `--rm` has removed it already, unless its client was killed before it had begun.
        call(cli, "rm", "--force", "--volumes", container.name)


def _run_mounted(container: Container, out: Path, progress: Progress) -> None:
    user, group = _user_outside(container.cli)
    staging = partial_folder(out.parent / "readable")
    try:
        mounts = ["--mount", _mount(out, f"{HOME}/out")]
        for place, path in container.files.items():
            readable = path if _may_read(path, user, group) else _own_copy(path, staging / place, user, group)
            mounts += ["--mount", _mount(readable, f"{HOME}/in/{place}", "readonly")]
        if user != os.getuid():
            os.chown(out, user, group)
        follow(_job(container, container.command(*mounts, script=_MOUNTED), out), progress)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if user != os.getuid():
            for path in (out, *out.iterdir()):
                os.chown(path, os.getuid(), os.getgid(), follow_symlinks=False)


def _run_copied(container: Container, out: Path, progress: Progress) -> None:
    """The files come and go while it runs and waits: one that has not begun, or has ended, could be left behind."""
    command = container.command("--volume", HOME, script=_COPIED)
    answers = {
        "ready": lambda: _copy_in(container),
        "done": lambda: checked(container.cli, "cp", f"{container.name}:{HOME}/out/.", str(out)),
    }
    follow(_job(container, command, None, answers), progress)


def _job(container: Container, command: tuple[str, ...], out: Path | None, answers: Mapping[str, _Answer] = {}) -> Job:
    request = container.request
    return Job(
        command=command,
        engine=container.cli,
        timeout=request.timeout,
        stop=container.stop,
        out=out,
        files={f"{HOME}/in/{place}": path for place, path in container.files.items()},
        needed=request.needed,
        limit=request.memory,
        answers=answers,
    )
