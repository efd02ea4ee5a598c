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
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.cache import folder, partial_folder
from harness.engines import RecordRequest
from harness.engines.cli import call, last_line
from harness.engines.dumping import Job, follow, full_disk
from harness.engines.image import LABEL, build, identity, image_tag, inspect, why_not
from harness.errors import EngineError
from harness.progress import Progress
from harness.resources import docker_folder, dump_script

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
"$python" "$@" || exit $?
echo "@harness done"
read -r gone
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
        if request.net is not None:
            net["net.json"] = request.net
        return {"dump.py": dump_script(), **net, **inputs}

    @property
    def folders(self) -> dict[str, Path]:
        """Python layers that it may import, by their folder's name inside: ours lie beside the script, as here."""
        ours = {"layers": docker_folder() / "layers"} if self.request.net is not None else {}
        theirs = {"python_layers": self.request.python_layers} if self.request.python_layers is not None else {}
        return {**ours, **theirs}

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
        if self.request.net is not None:
            arguments += ["--net", f"{HOME}/in/net.json"]
        if self.request.python_layers is not None:
            arguments += ["--python-layers", f"{HOME}/in/python_layers"]
        if self.request.threads:
            arguments += ["--threads", str(self.request.threads)]
        return [*arguments, "--engine", self.cli, "--image", self.image["id"], "--end-with-stdin"]

    def job(
        self, command: tuple[str, ...], out: Path | None, answers: Mapping[str, Callable[[], object]] | None = None
    ) -> Job:
        """What there is to follow; `out` is None where the recording grows on the engine's own disk."""
        return Job(
            command=command,
            engine=self.cli,
            timeout=self.request.timeout,
            stop=lambda client: call(self.cli, "kill", self.name),
            out=out,
            files={f"{HOME}/in/{place}": path for place, path in {**self.files, **self.folders}.items()},
            needed=self.request.needed,
            limit=self.request.memory,
            answers=answers or {},
        )


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
    ours = user == os.getuid()
    with tempfile.TemporaryDirectory(prefix=".readable.", dir=out.parent) as staging:
        mounts = ["--mount", _mount(out, f"{HOME}/out")]
        for place, path in container.files.items():
            readable = path if _may_read(path, user, group) else _own_copy(path, Path(staging, place), user, group)
            mounts += ["--mount", _mount(readable, f"{HOME}/in/{place}", "readonly")]
        for place, folder in container.folders.items():
            readable = (
                folder if _may_read_all(folder, user, group) else _own_tree(folder, Path(staging, place), user, group)
            )
            mounts += ["--mount", _mount(readable, f"{HOME}/in/{place}", "readonly")]
        if not ours:
            os.chown(out, user, group)
        follow(container.job(container.command(*mounts, script=_MOUNTED), out), progress)
    if not ours:
        for path in (out, *out.iterdir()):
            os.chown(path, os.getuid(), os.getgid(), follow_symlinks=False)


def _run_copied(container: Container, out: Path, progress: Progress) -> None:
    """The files come and go while it runs and waits: one that has not begun, or has ended, could be left behind."""
    answers = {"ready": lambda: _copy_in(container), "done": lambda: _copy_out(container, out)}
    follow(container.job(container.command("--volume", HOME, script=_COPIED), None, answers), progress)


def _copy_in(container: Container) -> None:
    """All files as one archive, in which anyone may read them whatever their own modes are."""
    command = [container.cli, "cp", "-", f"{container.name}:{HOME}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin is not None
    try:
        with tarfile.open(fileobj=process.stdin, mode="w|", dereference=True) as archive:
            for place, mode in (("in", 0o755), ("out", 0o777)):
                entry = tarfile.TarInfo(place)
                entry.type, entry.mode = tarfile.DIRTYPE, mode
                archive.addfile(entry)
            for place, path in container.files.items():
                _archive(archive, path, f"in/{place}")
            for place, folder in container.folders.items():
                for path in (folder, *_contents(folder)):
                    _archive(archive, path, str(Path("in", place, path.relative_to(folder))))
    except BrokenPipeError:
        pass  # it says why
    except BaseException:
        process.kill()
        process.communicate()
        raise
    said = process.communicate()[1].decode("utf-8", "replace")
    if process.returncode:
        raise EngineError(f"{container.cli} cp failed: {last_line(said)}")


def _archive(archive: tarfile.TarFile, path: Path, place: str) -> None:
    entry = archive.gettarinfo(path, arcname=place)
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o755 if path.is_dir() else 0o644, 0, 0, "", ""
    if path.is_dir():
        archive.addfile(entry)
        return
    with path.open("rb") as stream:
        archive.addfile(entry, stream)


def _contents(folder: Path) -> list[Path]:
    """What is in a folder of Python layers, compiled files aside."""
    return [path for path in sorted(folder.rglob("*")) if "__pycache__" not in path.relative_to(folder).parts]


def _copy_out(container: Container, out: Path) -> None:
    answer = call(container.cli, "cp", f"{container.name}:{HOME}/out/.", str(out))
    if answer.returncode and "no space left" in answer.stderr.lower():
        raise full_disk(out.parent)
    if answer.returncode:
        raise EngineError(f"{container.cli} cp failed: {last_line(answer.stderr)}")


def _mount(source: Path, place: str, *more: str) -> str:
    """One `--mount`, which is a line of CSV: a path may hold commas and quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(["type=bind", f"src={source.resolve()}", f"dst={place}", *more])
    return line.getvalue()


def _may_read(path: Path, user: int, group: int) -> bool:
    """True if the file itself lets them; folders above it do not matter to a mount."""
    state = path.stat()
    wanted = 0o5 if path.is_dir() else 0o4
    shift = 6 if state.st_uid == user else 3 if state.st_gid == group else 0
    return state.st_mode >> shift & wanted == wanted


def _own_copy(path: Path, copy: Path, user: int, group: int) -> Path:
    shutil.copyfile(path, copy)
    copy.chmod(0o400)
    if user != os.getuid():
        os.chown(copy, user, group)
    return copy


def _may_read_all(folder: Path, user: int, group: int) -> bool:
    """True if they may read all that is in a folder; a link may lead to where a mount does not reach."""
    inside = (folder, *_contents(folder))
    return all(_may_read(path, user, group) and not path.is_symlink() for path in inside)


def _own_tree(folder: Path, copy: Path, user: int, group: int) -> Path:
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o400)
        if user != os.getuid():
            os.chown(path, user, group)
    return copy


def _user_inside(cli: str) -> tuple[int, int]:
    """In a rootless engine's containers, root is the user outside."""
    return (0, 0) if _is_rootless(cli) else _user_outside(cli)


def _user_outside(cli: str) -> tuple[int, int]:
    """Whom the files inside belong to."""
    ordinary = os.getuid() != 0 or _is_rootless(cli)
    return (os.getuid(), os.getgid()) if ordinary else (ORDINARY, ORDINARY)


@cache
def _is_rootless(cli: str) -> bool:
    where = "{{.SecurityOptions}}" if cli == "docker" else "{{.Host.Security.Rootless}}"
    said = call(cli, "info", "--format", where).stdout
    return "rootless" in said or said.strip() == "true"


@cache
def _sees_our_files(cli: str, image: str) -> bool:
    """True if the daemon can mount a file of ours; a remote one, or one beside our container, cannot."""
    place = partial_folder(folder("recordings") / "probe")
    try:
        probe, word = place / "probe", secrets.token_hex(8)
        probe.write_text(word)
        probe.chmod(0o644)
        options = ["--rm", "--network", "none", "--mount", _mount(probe, "/probe", "readonly")]
        answer = call(cli, "run", *options, "--entrypoint", "cat", image, "/probe")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return answer.returncode == 0 and answer.stdout.strip() == word
