"""Recordings: names that cannot lead astray, files that are what the manifest says, folders that are whole."""

from __future__ import annotations

import errno
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.data import Recording
from harness.errors import EngineError, RecordingError
from harness.recording import (
    RecordingWriter,
    escape_name,
    file_name,
    find_top,
    load_top,
    read_recording,
    verify,
    write_manifest,
)
from harness.resources import dump_script

ARRAY = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
NAMES = [
    "conv5_3",
    "res2a/branch1",
    "../../etc/passwd",
    "..",
    ".",
    "",
    ".hidden",
    "trailing.",
    "a.b",
    "con",
    "CON.x",
    "lpt1",
    "üñí 名前",
    "new\nline",
    "nul\0byte",
    "back\\slash:colon*?",
    "%2F",
    "x" * 300,
    "/" * 200,
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def dump() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dump_script", dump_script())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    with RecordingWriter(tmp_path / "rec", engine="keras", version="keras 3", digests={"weights": "a" * 64}) as writer:
        writer.add("conv", "Convolution", "conv", ARRAY, seconds=0.5)
        writer.add("relu", "ReLU", "conv", ARRAY + 1, seconds=0.25)
        writer.add("split", "Slice", "one", ARRAY)
        writer.add("split", "Slice", "two", ARRAY * 2)
    return writer.recording


def test_who_computed_a_layer_is_kept_and_may_be_missing(recording: Recording) -> None:
    manifest = json.loads((recording.folder / "manifest.json").read_text())
    assert all("python" not in line for line in manifest["tops"])
    assert not any(line.python for line in recording.tops)
    manifest["tops"][0]["python"] = True
    (recording.folder / "manifest.json").write_text(json.dumps(manifest))
    again = read_recording(recording.folder)
    assert [line.python for line in again.tops] == [True, False, False, False]
    write_manifest(again)
    assert read_recording(recording.folder).tops == again.tops


def record(folder: Path, *layers: str, then: type[BaseException] | None = None) -> None:
    """Record a few layers; end with an error if one is given."""
    with RecordingWriter(folder, engine="keras", version="keras 3") as writer:
        for layer in layers:
            writer.add(layer, "X", layer, ARRAY)
        if then is not None:
            raise then


def edit(recording: Recording, change: Callable[[dict[str, object]], object]) -> None:
    """Change the manifest."""
    path = recording.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_are_harmless_everywhere(self, name: str) -> None:
        for found in (escape_name(name), file_name(7, 0, name, name), file_name(7, 1, name, "top")):
            assert re.fullmatch(r"[A-Za-z0-9_%-][A-Za-z0-9_.%-]{0,199}", found)
            assert not found.endswith(".")
            assert found.split(".")[0].upper() not in ("CON", "LPT1")

    def test_differ_where_the_layers_do(self) -> None:
        assert len({escape_name(name) for name in NAMES}) == len(NAMES)
        assert file_name(1, 0, "Conv", "Conv").lower() != file_name(2, 0, "conv", "conv").lower()

    def test_can_be_read(self) -> None:
        assert escape_name("a/b") == "a%2Fb"
        assert file_name(7, 0, "conv2_1", "conv2_1") == "0007-conv2_1.npy"
        assert file_name(8, 1, "relu/1", "conv") == "0008.1-relu%2F1-conv.npy"

    @pytest.mark.parametrize("name", NAMES)
    def test_are_the_dump_scripts_too(self, name: str, dump: ModuleType) -> None:
        assert dump.escape_name(name) == escape_name(name)
        for top in (name, "other/top"):
            assert dump.file_name(12, 1, name, top) == file_name(12, 1, name, top)


class TestWriter:
    def test_what_is_written_is_read(self, recording: Recording) -> None:
        assert [(line.layer, line.type, line.top, line.shape) for line in recording.tops] == [
            ("conv", "Convolution", "conv", (1, 2, 3, 4)),
            ("relu", "ReLU", "conv", (1, 2, 3, 4)),
            ("split", "Slice", "one", (1, 2, 3, 4)),
            ("split", "Slice", "two", (1, 2, 3, 4)),
        ]
        np.testing.assert_array_equal(load_top(recording, "relu"), ARRAY + 1)
        np.testing.assert_array_equal(load_top(recording, "split", "two"), ARRAY * 2)
        assert recording.seconds == 0.75
        assert recording.digests == {"weights": "a" * 64}
        verify(recording)

    def test_equal_tops_share_a_file(self, recording: Recording) -> None:
        assert find_top(recording, "split", "one").file == find_top(recording, "conv").file == "0001-conv.npy"
        assert len(list(recording.folder.glob("*.npy"))) == 3

    @pytest.mark.parametrize("shape", [(), (0, 3), (2,), (1, 1, 1, 1, 2)])
    def test_any_shape(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        with RecordingWriter(tmp_path / "rec", engine="keras", version="3") as writer:
            writer.add("x", "X", "x", np.ones(shape, np.float64))
        found = load_top(writer.recording, "x")
        assert found.shape == shape
        assert found.dtype == np.float32
        verify(writer.recording)

    def test_the_same_bytes_as_the_dump_scripts(self, recording: Recording, dump: ModuleType) -> None:
        path = recording.folder / "0001-conv.npy"
        assert path.read_bytes() == dump.npy_header(ARRAY) + ARRAY.tobytes()

    def test_broken_off_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            record(tmp_path / "rec", "x", then=KeyboardInterrupt)
        assert [path for path in tmp_path.iterdir() if path.name != "cache"] == []

    def test_broken_off_leaves_the_old_one(self, recording: Recording) -> None:
        with pytest.raises(ZeroDivisionError):
            record(recording.folder, "x", then=ZeroDivisionError)
        verify(read_recording(recording.folder))

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(self: Path, mode: str = "r") -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(EngineError) as caught:
            record(tmp_path / "rec", "x")
        assert re.fullmatch(r"no space left on the disk \(\d+\.\d GB free\)", caught.value.message)
        assert caught.value.fix == "free some space, or choose a disk with more: --out DIR, HARNESS_CACHE=DIR"
        assert not (tmp_path / "rec").exists()

    def test_nothing_recorded_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="nothing was recorded"):
            record(tmp_path / "rec")

    def test_a_top_twice_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="top 'x' was recorded twice"):
            record(tmp_path / "rec", "x", "x")

    def test_another_folder_is_not_touched(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("all of it")
        with pytest.raises(RecordingError, match="holds something that is no recording"):
            record(tmp_path, "x")
        assert (tmp_path / "thesis.tex").read_text() == "all of it"


class TestReading:
    def test_no_folder_no_manifest_and_a_broken_off_one(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match=r"there is no such folder\n  → record it again: harness dump"):
            read_recording(tmp_path / "no")
        with pytest.raises(RecordingError, match=r"no recording: it has no manifest\.json"):
            read_recording(tmp_path)
        (tmp_path / "manifest.json.partial").write_text("")
        with pytest.raises(RecordingError, match="the recording is incomplete: it was stopped half-way"):
            read_recording(tmp_path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda m: m.update(schema="other/2"), "the manifest's schema is 'other/2'; this version reads"),
            (lambda m: m.update(tops=[]), "the recording is empty: the manifest lists no layer"),
            (lambda m: m.pop("engine"), "the manifest is damaged ('engine' is missing)"),
            (lambda m: m["tops"][0].update(shape=[1, -2]), "the manifest is damaged (shape expected, got [1, -2])"),
            (lambda m: m["tops"][0].update(shape=[1, True]), "the manifest is damaged (shape expected"),
            (lambda m: m["tops"][0].update(layer=7), "the manifest is damaged (text expected, got 7)"),
            (lambda m: m["tops"].append(m["tops"][0]), "the manifest lists top 'conv' twice"),
            (lambda m: m["tops"][0].update(file="no.npy"), "the file is missing"),
            (lambda m: m["tops"][0].update(file="../x.npy"), "names a file outside the recording: '../x.npy'"),
            (lambda m: m["tops"][0].update(file="/etc/passwd"), "names a file outside the recording"),
            (lambda m: m["tops"][0].update(file=".."), "names a file outside the recording"),
        ],
    )
    def test_a_manifest_is_not_trusted(
        self, change: Callable[[dict[str, object]], object], message: str, recording: Recording
    ) -> None:
        edit(recording, change)
        with pytest.raises(RecordingError, match=re.escape(message)):
            read_recording(recording.folder)

    def test_a_link_that_leads_out_is_refused(self, recording: Recording, tmp_path: Path) -> None:
        (tmp_path / "secret.npy").write_bytes((recording.folder / "0001-conv.npy").read_bytes())
        (recording.folder / "0001-conv.npy").unlink()
        (recording.folder / "0001-conv.npy").symlink_to(tmp_path / "secret.npy")
        with pytest.raises(RecordingError, match="names a file outside the recording"):
            read_recording(recording.folder)

    def test_a_pickle_is_never_loaded(self, recording: Recording) -> None:
        np.save(recording.folder / "0001-conv.npy", np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(RecordingError, match="holds object, not float32 or float64"):
            load_top(recording, "conv")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "damaged: no .npy file"),
            (b"\x93NUMPY\x01\x00\xff\xff{", "damaged: no .npy file"),
            (b"PK\x03\x04" * 30, "damaged: no .npy file"),
        ],
    )
    def test_a_file_that_is_no_array(self, content: bytes, message: str, recording: Recording) -> None:
        (recording.folder / "0001-conv.npy").write_bytes(content)
        with pytest.raises(RecordingError, match=re.escape(message)):
            load_top(recording, "conv")

    def test_a_file_cut_short_or_of_another_shape(self, recording: Recording) -> None:
        path = recording.folder / "0001-conv.npy"
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(RecordingError, match="damaged: 220 bytes, where shape 1×2×3×4 takes 224"):
            load_top(recording, "conv")
        np.save(path, ARRAY.reshape(1, 2, 4, 3))
        with pytest.raises(RecordingError, match="damaged: shape 1×2×4×3, the manifest says 1×2×3×4"):
            load_top(recording, "conv")

    def test_other_numbers_of_the_same_size_fail_verification(self, recording: Recording) -> None:
        np.save(recording.folder / "0001-conv.npy", ARRAY + 9)
        load_top(recording, "conv")
        with pytest.raises(RecordingError, match="damaged: its digest is not the manifest's"):
            verify(recording)

    def test_a_top_is_found_by_layer_and_by_name(self, recording: Recording) -> None:
        with pytest.raises(RecordingError, match="several tops; it has one, two\n  → name one of them"):
            find_top(recording, "split")
        with pytest.raises(RecordingError, match="no top 'three'; it has one, two"):
            find_top(recording, "split", "three")
        with pytest.raises(RecordingError, match="the recording has no such layer"):
            find_top(recording, "pool")


class TestForeign:
    def test_one_npy_per_layer_in_any_order_and_precision(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a%2Fb.npy", np.asfortranarray(ARRAY.astype(np.float64)))
        np.save(tmp_path / "conv.npy", ARRAY)
        recording = read_recording(tmp_path, foreign=True)
        assert [line.layer for line in recording.tops] == ["a/b", "conv"]
        np.testing.assert_array_equal(load_top(recording, "a/b"), ARRAY)

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(
            RecordingError, match=r"neither a manifest nor a single \.npy file\n  → one \.npy per layer"
        ):
            read_recording(tmp_path, foreign=True)

    def test_an_array_that_is_not_of_floats(self, tmp_path: Path) -> None:
        np.save(tmp_path / "conv.npy", ARRAY.astype(np.int32))
        with pytest.raises(
            RecordingError, match=r"holds int32, not float32 or float64\n  → save activations as float32"
        ):
            read_recording(tmp_path, foreign=True)
