"""What docker and podman have in common: the image, and a container that can do nothing but compute.

The container has no network, a read-only root, no capabilities, no new privileges, an ordinary user, limits on memory,
time and processes, its inputs read-only and one folder to write. Files reach it by mounts where the daemon sees them
(a probe file tells), else by copying, so that Docker in Docker and remote daemons work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from harness.engines import RecordRequest
from harness.engines.dumping import follow
from harness.errors import EngineError, EngineMissingError
from harness.progress import Progress
from harness.resources import docker_folder

REPOSITORY = "caffe-keras-parity/caffe"
LOCAL_BASE = "caffe-keras-parity/base:bullseye"
PUBLIC_BASE = "debian:bullseye-slim"
CAFFE = "1.0.0"
LABEL = "caffe-keras-parity"
HOME = "/harness"
ORDINARY = 1000
"""The user inside, where the one outside is root."""


def image_tag() -> str:
    """The name of the image that this version of the package builds; another dump script is another image."""
    digest = hashlib.sha256()
    for name in ("Dockerfile", "dump.py"):
        digest.update((docker_folder() / name).read_bytes())
    return f"{REPOSITORY}:{CAFFE}-{digest.hexdigest()[:12]}"


def why_not(cli: str, image: str | None) -> str | None:
    """Why no net can be run with this engine, None if one can."""
    if shutil.which(cli) is None:
        return f"{cli} is not installed"
    answer = _call(cli, "version", "--format", "{{.Server.Version}}" if cli == "docker" else "{{.Client.Version}}")
    if answer.returncode:
        return f"{cli} does not answer: {_last(answer.stderr)}"
    if image is None and _call(cli, "image", "inspect", image_tag()).returncode:
        return "the Caffe image is not built yet: harness image build"
    return None


def build(cli: str, base: str | None = None, snapshot: str | None = None) -> Iterator[str]:
    """Build the image; yields the engine's output, line by line.

    Args:
        base: default: the one made by docker/make-base if it is there, else Debian's own image.
        snapshot: a date in Debian's snapshot archive; empty for none.

    Raises:
        EngineError: it cannot be built.
    """
    if base is None:
        base = LOCAL_BASE if not _call(cli, "image", "inspect", LOCAL_BASE).returncode else PUBLIC_BASE
    yield f"base {base}"
    command = [cli, "build", "--build-arg", f"BASE={base}", "--tag", image_tag()]
    if snapshot is not None:
        command += ["--build-arg", f"SNAPSHOT={snapshot}"]
    process = subprocess.Popen(
        [*command, str(docker_folder())], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line.rstrip())
        yield line.rstrip()
    if process.wait():
        said = _last("\n".join(lines))
        fix = "read the build's output above"
        if base == PUBLIC_BASE:
            fix = f"if no image registry can be reached: sudo docker/make-base {cli}, then harness image build"
        raise EngineError(f"the Caffe image cannot be built: {said}", file=docker_folder() / "Dockerfile", fix=fix)


def inspect(cli: str, image: str | None = None) -> dict[str, str]:
    """Name, id, versions, size and time of an image. Raises EngineMissingError if it is not there."""
    name = image or image_tag()
    answer = _call(cli, "image", "inspect", name)
    if answer.returncode:
        raise EngineMissingError(
            f"there is no image {name}", fix="harness image build" if image is None else f"{cli} pull {name}"
        )
    about = json.loads(answer.stdout)[0]
    labels = (about.get("Config") or {}).get("Labels") or {}
    return {
        "name": name,
        "id": str(about["Id"]),
        "caffe": labels.get(f"{LABEL}.caffe", "unknown"),
        "package": labels.get(f"{LABEL}.caffe-package", "unknown"),
        "blas": labels.get(f"{LABEL}.blas", "unknown"),
        "size": f"{int(about.get('Size', 0)) / 1e6:.0f} MB",
        "created": str(about.get("Created", "")),
    }


def identity(cli: str, image: str | None) -> dict[str, str]:
    """What a recording depends on beside the net and its input: the image and the dump script."""
    dump = hashlib.sha256((docker_folder() / "dump.py").read_bytes()).hexdigest()
    return {"image": inspect(cli, image)["id"], "dump": dump}


def record(cli: str, request: RecordRequest, out: Path, progress: Progress) -> None:
    """Run a net in a container; `out` is an empty folder of ours. Raises EngineError."""
    image = inspect(cli, request.image)
    name = f"harness-{os.getpid()}-{secrets.token_hex(4)}"
    places = {"deploy.prototxt": request.prototxt, "weights.caffemodel": request.caffemodel}
    given = []
    for index, (blob, path) in enumerate(request.inputs.items()):
        places[f"input{index}.npy"] = path
        given += ["--input", f"{blob}={HOME}/in/input{index}.npy"]
    arguments = ["--prototxt", f"{HOME}/in/deploy.prototxt", "--caffemodel", f"{HOME}/in/weights.caffemodel", *given]
    arguments += ["--out", f"{HOME}/out", "--engine", cli, "--image", image["id"], "--end-with-stdin"]
    if request.threads:
        arguments += ["--threads", str(request.threads)]
    # The script is mounted over the image's own, so that another image (--image) needs none.
    places["dump.py"] = docker_folder() / "dump.py"
    program = ["--entrypoint", "/usr/bin/env", image["name"], "python3", f"{HOME}/in/dump.py", *arguments]
    if request.image is not None:
        program[2:4] = [image["name"], "sh", "-c", _ANY_PYTHON, "dump"]
        program[7:8] = [f"{HOME}/in/dump.py"]
    limits = _limits(request)
    if os.environ.get("HARNESS_CONTAINER_COPY") != "1" and _sees_our_files(cli, image["name"]):
        _run_mounted(cli, name, limits, program, places, request, out, progress)
    else:
        _run_copied(cli, name, limits, program, places, request, out, progress)


_ANY_PYTHON = 'for p in python3 python python2; do "$p" -c "import caffe" 2>/dev/null && exec "$p" "$@"; done; exec python "$@"'


def _limits(request: RecordRequest) -> list[str]:
    options = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    options += ["--pids-limit", "256", "--label", LABEL, "--user", _user(), "--interactive"]
    options += ["--tmpfs", "/tmp:rw,nosuid,nodev,size=64m", "--env", "HOME=/tmp"]
    if request.memory:
        options += ["--memory", str(request.memory), "--memory-swap", str(request.memory)]
    return options


def _run_mounted(
    cli: str,
    name: str,
    limits: Sequence[str],
    program: Sequence[str],
    places: dict[str, Path],
    request: RecordRequest,
    out: Path,
    progress: Progress,
) -> None:
    mounts = []
    for place, path in places.items():
        mounts += ["--mount", f"type=bind,src={path.resolve()},dst={HOME}/in/{place},readonly"]
    mounts += ["--mount", f"type=bind,src={out.resolve()},dst={HOME}/out"]
    if os.getuid() == 0:
        os.chown(out, ORDINARY, ORDINARY)
    with _gone_afterwards(cli, name) as stop:
        command = [cli, "run", "--rm", "--name", name, *limits, *mounts, *program]
        follow(command, progress, engine=cli, timeout=request.timeout, stop=stop, out=out)


def _run_copied(
    cli: str,
    name: str,
    limits: Sequence[str],
    program: Sequence[str],
    places: dict[str, Path],
    request: RecordRequest,
    out: Path,
    progress: Progress,
) -> None:
    with _gone_afterwards(cli, name) as stop:
        _checked(cli, "create", "--name", name, *limits, "--volume", HOME, *program)
        with tempfile.TemporaryDirectory(prefix="harness-") as staging:
            folder = Path(staging) / "in"
            folder.mkdir()
            for place, path in places.items():
                with contextlib.suppress(OSError):
                    os.link(path, folder / place)
                if not (folder / place).exists():
                    shutil.copyfile(path, folder / place)
            _checked(cli, "cp", str(folder), f"{name}:{HOME}/in")
        follow(
            [cli, "start", "--attach", "--interactive", name],
            progress,
            engine=cli,
            timeout=request.timeout,
            stop=stop,
            out=out,
        )
        _checked(cli, "cp", f"{name}:{HOME}/out/.", str(out))


@contextlib.contextmanager
def _gone_afterwards(cli: str, name: str) -> Iterator[object]:
    """The container is removed, whatever happens; yields what stops it before its end."""

    def stop() -> None:
        _call(cli, "kill", name)

    try:
        yield stop
    finally:
        _call(cli, "rm", "--force", "--volumes", name)


@cache
def _sees_our_files(cli: str, image: str) -> bool:
    """True if the daemon can mount a file of ours; a remote one, or one beside our container, cannot."""
    with tempfile.TemporaryDirectory(prefix="harness-probe-", dir=_shared_folder()) as folder:
        probe = Path(folder) / "probe"
        word = secrets.token_hex(8)
        probe.write_text(word)
        probe.chmod(0o644)
        Path(folder).chmod(0o755)
        mount = f"type=bind,src={probe.resolve()},dst=/probe,readonly"
        answer = _call(
            cli, "run", "--rm", "--network", "none", "--mount", mount, "--entrypoint", "/bin/cat", image, "/probe"
        )
    return answer.returncode == 0 and answer.stdout.strip() == word


def _shared_folder() -> Path:
    from harness.cache import folder

    return folder("probes")


def _user() -> str:
    return f"{ORDINARY}:{ORDINARY}" if os.getuid() == 0 else f"{os.getuid()}:{os.getgid()}"


def _checked(cli: str, *arguments: str) -> None:
    answer = _call(cli, *arguments)
    if answer.returncode:
        raise EngineError(f"{cli} {arguments[0]} failed: {_last(answer.stderr)}")


def _call(cli: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([cli, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise EngineMissingError(f"{cli} cannot be started: {error.strerror}") from error


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
