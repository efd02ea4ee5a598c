"""A container engine with the Caffe image, for the tests that need the real one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engines import image
from harness.engines.reference import CONTAINERS


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HARNESS_CONTAINER_COPY", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def engine() -> str:
    """docker or podman, whichever can run the Caffe image."""
    problems = []
    for cli in CONTAINERS:
        problem = image.why_not(cli, None)
        if problem is None:
            return cli
        problems.append(problem)
    pytest.skip("; ".join(problems))


@pytest.fixture(params=["mounted", "copied"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two ways by which files reach a container."""
    monkeypatch.setenv("HARNESS_CONTAINER_COPY", "1" if request.param == "copied" else "0")
    return str(request.param)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder for a recording."""
    folder = tmp_path / "work" / "out"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def other_image(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Caffe image with nothing of ours in it."""
    yield from _built(engine, tmp_path_factory.mktemp("image"), "rm -rf /harness /opt/harness; userdel harness")


@pytest.fixture(scope="session")
def image_without_caffe(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image whose Python does not know Caffe."""
    yield from _built(engine, tmp_path_factory.mktemp("image"), "rm -rf /usr/lib/python3/dist-packages/caffe*")


def _built(engine: str, folder: Path, change: str) -> Iterator[str]:
    assert shutil.which(engine)
    name = f"caffe-keras-parity/test:{folder.parent.name}-{folder.name}"
    text = f'FROM {image.image_tag()}\nUSER root\nRUN {change}\nENTRYPOINT ["false"]\n'
    (folder / "Dockerfile").write_text(text)
    built = subprocess.run(
        [engine, "build", "--network", "none", "-t", name, str(folder)], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    yield name
    subprocess.run([engine, "rmi", "--force", name], capture_output=True, check=True)
