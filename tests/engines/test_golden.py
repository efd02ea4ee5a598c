"""Goldens: written whole or not at all, the same bytes for the same numbers, refused when stale."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.data import Recording
from harness.engines.golden import read_golden, write_golden
from harness.errors import EngineError, RecordingError
from harness.recording import RecordingWriter, read_recording, verify

DIGESTS = {"prototxt": "a" * 64, "weights": "b" * 64, "values:data": "c" * 64}


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return record(tmp_path / "recording", 0.25)


def record(folder: Path, seconds: float) -> Recording:
    with RecordingWriter(folder, engine="docker", version="caffe 1.0.0", threads=2, digests=DIGESTS) as writer:
        writer.add("conv", "Convolution", "conv", np.arange(6.0).reshape(1, 1, 2, 3), seconds=seconds)
        writer.add("relu", "ReLU", "conv", np.arange(6.0).reshape(1, 1, 2, 3), seconds=seconds)
        writer.add("a/b", "Softmax", "prob", np.ones((1, 2)), seconds=seconds)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"peak_bytes": int(1e9 * seconds), "about": "net@4x4"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return read_recording(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestWrite:
    def test_a_golden_is_the_recording_without_what_passes(self, recording: Recording, tmp_path: Path) -> None:
        golden = write_golden(recording, tmp_path / "golden" / "net")
        verify(golden)
        assert golden.folder == tmp_path / "golden" / "net"
        assert golden.tops == recording.tops
        assert golden.digests == recording.digests
        assert (golden.engine, golden.version, golden.threads) == ("docker", "caffe 1.0.0", 2)
        text = (golden.folder / "manifest.json").read_text()
        assert "seconds" not in text
        assert "peak_bytes" not in text
        assert json.loads(text)["about"] == "net@4x4"

    def test_the_same_numbers_give_the_same_bytes(self, recording: Recording, tmp_path: Path) -> None:
        write_golden(recording, tmp_path / "golden")
        before = contents(tmp_path / "golden")
        write_golden(record(tmp_path / "slower", 7.5), tmp_path / "golden")
        assert contents(tmp_path / "golden") == before
        assert len(before) == 3

    def test_a_renewed_golden_keeps_no_file_of_the_old_one(self, recording: Recording, tmp_path: Path) -> None:
        write_golden(recording, tmp_path / "golden")
        with RecordingWriter(tmp_path / "new", engine="docker", version="caffe 1.0.0") as writer:
            writer.add("other", "ReLU", "other", np.zeros((1, 2)))
        write_golden(writer.recording, tmp_path / "golden")
        assert sorted(contents(tmp_path / "golden")) == ["0001-other.npy", "manifest.json"]

    def test_a_damaged_recording_leaves_the_old_golden(self, recording: Recording, tmp_path: Path) -> None:
        write_golden(recording, tmp_path / "golden")
        before = contents(tmp_path / "golden")
        with (recording.folder / recording.tops[0].file).open("r+b") as stream:
            stream.seek(-1, 2)
            stream.write(b"\x41")
        with pytest.raises(RecordingError, match="damaged: its digest is not the manifest's"):
            write_golden(recording, tmp_path / "golden")
        assert contents(tmp_path / "golden") == before
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    def test_a_full_disk_leaves_nothing(
        self, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(source: Path, target: Path) -> None:
            target.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(shutil, "copyfile", full)
        (tmp_path / "place").mkdir()
        with pytest.raises(EngineError, match="no space left on the disk"):
            write_golden(recording, tmp_path / "place" / "golden")
        assert list((tmp_path / "place").iterdir()) == []

    def test_a_folder_with_something_else_is_not_touched(self, recording: Recording, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "thesis.tex").write_text("all of it")
        with pytest.raises(RecordingError, match=r"holds something that is no recording\n  → choose a new or an empty"):
            write_golden(recording, tmp_path / "home")
        assert contents(tmp_path / "home") == {"thesis.tex": b"all of it"}


class TestRead:
    def test_a_fresh_one(self, recording: Recording) -> None:
        assert read_golden(recording.folder, DIGESTS).tops == recording.tops

    def test_a_stale_one_names_what_changed_and_the_command(self, recording: Recording) -> None:
        with pytest.raises(RecordingError) as caught:
            read_golden(recording.folder, DIGESTS | {"prototxt": "d" * 64, "values:data": "e" * 64})
        assert str(caught.value) == (
            f"{recording.folder}: the golden is stale: prototxt, data changed since it was recorded\n"
            "  → renew it with a container engine: make goldens"
        )

    def test_one_that_does_not_know_an_input_is_stale(self, recording: Recording) -> None:
        with pytest.raises(RecordingError, match="stale: mask changed"):
            read_golden(recording.folder, DIGESTS | {"values:mask": "f" * 64})

    def test_a_damaged_one(self, recording: Recording) -> None:
        path = recording.folder / recording.tops[-1].file
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
        with pytest.raises(RecordingError, match="damaged: its digest is not the manifest's"):
            read_golden(recording.folder, DIGESTS)
