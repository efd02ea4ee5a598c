"""The dump script writes a top while the next layer runs, and yet as it was when its own layer ended."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.resources import dump_script

LARGE = 3_000_000


@pytest.fixture(scope="module")
def dump() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dump_script_writing", dump_script())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Net:
    """What the script asks of pycaffe's Net: a layer that gives −1, 1, −1 …, and a ReLU in its place."""

    _blob_names = ("conv",)
    _layer_names = ("conv", "relu")
    inputs = ()
    params: dict[str, Any] = {}  # noqa: RUF012 (as pycaffe has it)
    layers = (SimpleNamespace(type="DummyData"), SimpleNamespace(type="ReLU"))

    def __init__(self) -> None:
        self.values = np.zeros((1, LARGE), np.float32)
        self.blobs = {"conv": SimpleNamespace(data=self.values, count=LARGE, shape=self.values.shape)}

    def _bottom_ids(self, layer: int) -> list[int]:
        return [0] if layer else []

    def _top_ids(self, layer: int) -> list[int]:
        return [0]

    def _forward(self, begin: int, end: int) -> None:
        if begin == 0:
            self.values[:] = np.where(np.arange(LARGE) % 2, 1, -1)
        else:
            np.maximum(self.values, 0, out=self.values)


def test_a_layer_in_place_waits_for_the_one_before_it(
    tmp_path: Path, dump: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "say", lambda line: None)
    conv, relu = dump.record(Net(), str(tmp_path), dump.Net())
    assert np.load(tmp_path / conv["file"])[0, :4].tolist() == [-1, 1, -1, 1]
    assert np.load(tmp_path / conv["file"]).min() == -1
    assert np.load(tmp_path / relu["file"])[0, :4].tolist() == [0, 1, 0, 1]
    for entry in (conv, relu):
        assert entry["sha256"] == hashlib.sha256((tmp_path / entry["file"]).read_bytes()).hexdigest()


def test_equal_tops_are_kept_once(tmp_path: Path, dump: ModuleType) -> None:
    writer = dump.Writer(str(tmp_path))
    for name in ("a.npy", "b.npy"):
        writer.add({"file": name}, np.arange(12, dtype="<f4"))
    writer.finish()
    assert [entry["file"] for entry in writer.entries] == ["a.npy", "a.npy"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_what_goes_wrong_beside_the_net_is_not_lost(tmp_path: Path, dump: ModuleType) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        dump.Beside(fail).wait()
