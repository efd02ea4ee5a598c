"""Caffe in a Python that the user names, by a command of several words."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from support.recording import SLOW, request_of, start_harness, wait_for

from harness.engines import container, native
from harness.errors import EngineMissingError, ReferenceEngineError, UsageError
from harness.progress import silent
from harness.recording import read_recording, verify
from harness.resources import docker_folder


@pytest.fixture
def wrapped(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A command that runs the image's Python with this test's files where they are."""
    words = [engine, "run", "--rm", "--interactive", "--network", "none", "--user", f"{os.getuid()}:{os.getgid()}"]
    for folder in (tmp_path, docker_folder()):
        words += ["--volume", f"{folder}:{folder}"]
    command = shlex.join([*words, "--entrypoint", "python3", container.image_tag()])
    monkeypatch.setenv(native.VARIABLE, command)
    return command


@pytest.mark.engine
class TestWithTheRealCaffe:
    def test_records_the_same_as_the_container(self, wrapped: str, engine: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net", threads=1)
        assert native.available(None) is None
        native.record(request, out, silent)
        recording = read_recording(out)
        verify(recording)
        assert recording.engine == "native"
        other = tmp_path / "other" / "out"
        other.mkdir(parents=True)
        container.record(engine, request, other, silent)
        digests = [(top.layer, top.sha256) for top in recording.tops]
        assert digests == [(top.layer, top.sha256) for top in read_recording(other).tops]

    def test_its_identity_names_the_build_of_caffe(self, wrapped: str) -> None:
        about = native.identity(None)
        assert about["python"] == wrapped
        version, size, modified = about["caffe"].split()
        assert version == "1.0.0"
        assert int(size) > 0
        assert int(modified) > 0

    def test_a_check_inside_caffe_that_fails(self, wrapped: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.prototxt.write_text(request.prototxt.read_text().replace("Softmax", "Hardmax"))
        with pytest.raises(ReferenceEngineError, match=r"^Caffe \(native\): Unknown layer type: Hardmax$"):
            native.record(request, out, silent)

    def test_ends_with_a_harness_that_is_killed(self, wrapped: str, tmp_path: Path) -> None:
        process = start_harness(request_of(tmp_path / "net", SLOW), "native", tmp_path / "dump")
        recordings = tmp_path / "cache" / "recordings"
        wait_for(lambda: list(recordings.glob(".*/out/0002-*")) or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        (scratch,) = recordings.glob(".*/out")
        process.kill()
        process.communicate()
        sizes: list[int] = []

        def is_quiet() -> bool:
            sizes.append(sum(path.stat().st_size for path in scratch.iterdir()))
            return len(sizes) > 80 and sizes[-1] == sizes[-80]  # four seconds: several layers' time

        wait_for(is_quiet, 40)
        assert not (scratch / "manifest.json").exists()
        assert len(list(scratch.iterdir())) < 30


class TestWithoutCaffe:
    def test_names_the_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(native.VARIABLE, "false --really")
        assert native.available(None) == "'false --really' (HARNESS_CAFFE_PYTHON) does not import caffe"
        with pytest.raises(EngineMissingError) as caught:
            native.identity(None)
        assert str(caught.value) == (
            "'false --really' (HARNESS_CAFFE_PYTHON) does not import caffe\n"
            "  → set HARNESS_CAFFE_PYTHON to the command of one that does, as in "
            "HARNESS_CAFFE_PYTHON='conda run -n caffe python'"
        )

    def test_a_command_with_an_open_quote(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(native.VARIABLE, "chroot '/caffe")
        with pytest.raises(UsageError) as caught:
            native.available(None)
        assert str(caught.value) == "HARNESS_CAFFE_PYTHON is no command: No closing quotation\n  → close its quotes"
