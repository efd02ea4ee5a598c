"""The image: its name, and why an engine cannot run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.engines import image, reference_engine, reference_engines
from harness.errors import EngineError, EngineMissingError, UsageError


def a_cli(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Puts a docker of our own before the real one."""
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_tag_changes_with_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"caffe-keras-parity/caffe:1\.0\.0-[0-9a-f]{12}", image.image_tag())
    monkeypatch.setattr(image, "docker_folder", lambda: tmp_path)
    (tmp_path / "layers").mkdir()
    tags = []
    for name, text in [
        ("Dockerfile", ""),
        ("dump.py", "1"),
        ("dump.py", "2"),
        ("layers/bn.py", "3"),
        ("README.md", "4"),
    ]:
        (tmp_path / "Dockerfile").touch()
        (tmp_path / "dump.py").touch()
        (tmp_path / name).write_text(text)
        tags.append(image.image_tag())
    assert len(set(tags)) == 4
    assert tags[3] == tags[4]


def test_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cli(tmp_path / "a", monkeypatch, "echo 'Cannot connect to the daemon' >&2; exit 1")
    assert image.why_not("docker", None) == "docker does not answer: Cannot connect to the daemon"
    a_cli(tmp_path / "a", monkeypatch, '[ "$1" = version ]')
    assert image.why_not("docker", None) == "the Caffe image is not built yet: harness image build"
    assert image.why_not("docker", "bvlc/caffe:cpu") is None
    a_cli(tmp_path / "a", monkeypatch, "exec sleep 20")
    monkeypatch.setattr(image, "_PATIENCE", 0.2)
    assert image.why_not("docker", None) == "docker does not answer within 0.2 s"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert image.why_not("docker", None) == "docker is not installed"


def test_an_image_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cli(tmp_path / "a", monkeypatch, "exit 1")
    with pytest.raises(EngineMissingError, match=r"there is no image caffe-keras-parity/.*\n  → harness image build$"):
        image.inspect("docker")


def test_a_build_that_fails_says_why_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cli(tmp_path / "a", monkeypatch, '[ "$1" = build ] && echo "Step 1" && echo "dial tcp: no route"; exit 1')
    seen = []
    with pytest.raises(EngineError) as caught:
        seen.extend(image.build("docker"))
    assert caught.value.message == "the Caffe image cannot be built: dial tcp: no route"
    assert caught.value.fix == (
        "if no image registry can be reached: sudo docker/make-base docker, then harness image build"
    )


def test_a_build_takes_the_base_that_was_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_cli(tmp_path / "a", monkeypatch, '[ "$1" = build ] && echo "$@"; exit 0')
    said = list(image.build("docker", snapshot=""))
    assert said[0] == "base caffe-keras-parity/base:bullseye"
    assert "--build-arg BASE=caffe-keras-parity/base:bullseye --tag caffe-keras-parity/caffe:1.0.0-" in said[1]
    assert "--build-arg SNAPSHOT= " in said[1]


def test_engines_are_found_by_being_there() -> None:
    assert {"docker", "podman", "native"} <= set(reference_engines())
    assert not {"keras", "container", "golden"} & set(reference_engines())


def test_an_unknown_engine_lists_those_at_hand() -> None:
    with pytest.raises(UsageError) as caught:
        reference_engine("caffe2")
    assert caught.value.message == "no engine is called 'caffe2'"
    assert caught.value.fix is not None
    assert "docker, native" in caught.value.fix
    assert "harness/engines/caffe2.py" in caught.value.fix


@pytest.mark.engine
def test_the_real_image(engine: str) -> None:
    about = image.inspect(engine)
    assert about["caffe"] == "1.0.0"
    assert about["id"].startswith("sha256:")
    assert image.identity(engine, None)["image"] == about["id"]
