"""The Caffe image: its name, how it is built, what is in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator

from harness.engines.cli import call, last_line
from harness.engines.dumping import scripts_sha256
from harness.errors import EngineError, EngineMissingError
from harness.resources import docker_folder

REPOSITORY = "caffe-keras-parity/caffe"
LOCAL_BASE = "caffe-keras-parity/base:bullseye"
PUBLIC_BASE = "debian:bullseye-slim"
CAFFE = "1.0.0"
LABEL = "caffe-keras-parity"
_PATIENCE = 60.0  # seconds for a daemon to say its version


def image_tag() -> str:
    """The name of the image that this version of the package builds; another dump script or Python layer is another image."""
    digest = hashlib.sha256()
    folder = docker_folder()
    for path in (folder / "Dockerfile", folder / "dump.py", *sorted((folder / "layers").glob("*.py"))):
        digest.update(path.read_bytes())
    return f"{REPOSITORY}:{CAFFE}-{digest.hexdigest()[:12]}"


def why_not(cli: str, image: str | None) -> str | None:
    """Why no net can be run with this engine, None if one can."""
    if shutil.which(cli) is None:
        return f"{cli} is not installed"
    try:
        side = "Server" if cli == "docker" else "Client"
        answer = call(cli, "version", "--format", f"{{{{.{side}.Version}}}}", timeout=_PATIENCE)
    except EngineMissingError as error:
        return error.message
    if answer.returncode:
        return f"{cli} does not answer: {last_line(answer.stderr)}"
    if image is None and not _exists(cli, image_tag()):
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
        base = LOCAL_BASE if _exists(cli, LOCAL_BASE) else PUBLIC_BASE
    yield f"base {base}"
    command = [cli, "build", "--build-arg", f"BASE={base}", "--tag", image_tag()]
    if snapshot is not None:
        command += ["--build-arg", f"SNAPSHOT={snapshot}"]
    try:
        process = subprocess.Popen(
            [*command, str(docker_folder())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise EngineMissingError(f"{cli} cannot be started: {error.strerror}") from error
    said = ""
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            said = line.strip() or said
            yield line.rstrip()
    if process.returncode:
        fix = "read the build's output above"
        if base == PUBLIC_BASE:
            fix = f"if no image registry can be reached: sudo docker/make-base {cli}, then harness image build"
        raise EngineError(f"the Caffe image cannot be built: {said}", file=docker_folder() / "Dockerfile", fix=fix)


def inspect(cli: str, image: str | None = None) -> dict[str, str]:
    """Name, id, versions, size and time of an image. Raises EngineMissingError if it is not there."""
    name = image or image_tag()
    answer = call(cli, "image", "inspect", name)
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
    """What a recording depends on beside the net and its input: the image and the scripts that run in it."""
    return {"image": inspect(cli, image)["id"], "dump": scripts_sha256()}


def _exists(cli: str, image: str) -> bool:
    return call(cli, "image", "inspect", image).returncode == 0
