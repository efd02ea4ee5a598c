"""What a container is given, what it may do, and what is left when it is broken off."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.recording import SLOW, TINY, request_of, start_harness, wait_for

from harness import cache
from harness.caffe import read_network
from harness.caffe.deploy import net_file
from harness.engines import RecordRequest, container
from harness.errors import EngineMissingError, ReferenceEngineError
from harness.progress import silent
from harness.recording import load_top, read_recording, verify

pytestmark = pytest.mark.engine


DOUBLE = """
import caffe
from helpers import FACTOR


class Times(caffe.Layer):
    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = FACTOR * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        pass
"""
"""A Python layer of a user's."""


def containers(engine: str, pid: int | None = None) -> list[str]:
    """The ids of the containers that a process of ours has, running or not."""
    name = f"name=harness-{os.getpid() if pid is None else pid}-"
    asked = subprocess.run([engine, "ps", "-aq", "--filter", name], capture_output=True, text=True, check=True)
    return asked.stdout.split()


def has_begun(engine: str, pid: int | None = None) -> bool:
    """True once Caffe is at work in the container of a process."""
    return any("@harness layer 2 " in _logs(engine, one) for one in containers(engine, pid))


def _logs(engine: str, one: str) -> str:
    return subprocess.run([engine, "logs", one], capture_output=True, text=True).stdout


@pytest.fixture(autouse=True)
def _nothing_is_left(engine: str) -> Iterator[None]:
    yield
    assert containers(engine) == []


class Interference(threading.Thread):
    """Does something to the running container, once Caffe is at work in it."""

    def __init__(self, engine: str, what: Callable[[str], object]) -> None:
        super().__init__(daemon=True)
        self.engine, self.what = engine, what
        self.done = False

    def run(self) -> None:
        wait_for(lambda: has_begun(self.engine))
        self.what(containers(self.engine)[0])
        self.done = True


def record(engine: str, request: RecordRequest, out: Path) -> None:
    container.record(engine, request, out, silent)


class TestRecords:
    def test_every_layer_in_place_ones_too(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        seen: list[tuple[str, int, int, str]] = []
        container.record(engine, request_of(tmp_path / "net"), out, lambda *said: seen.append(said))
        recording = read_recording(out)
        verify(recording)
        assert [(top.layer, top.top) for top in recording.tops] == [
            ("data", "data"),
            ("conv", "conv"),
            ("relu", "conv"),
            ("prob", "prob"),
        ]
        before, after = load_top(recording, "conv"), load_top(recording, "relu")
        assert before.min() < 0
        np.testing.assert_array_equal(after, np.maximum(before, 0))
        assert recording.engine == engine
        assert recording.image == container.inspect(engine)["id"]
        assert ("caffe", 1, 4, "conv") in seen

    def test_the_files_belong_to_the_user_outside(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        record(engine, request_of(tmp_path / "net"), out)
        assert {path.stat().st_uid for path in (out, *out.iterdir())} == {os.getuid()}
        assert [path.name for path in out.parent.iterdir()] == ["out"]

    def test_both_ways_give_the_same_bytes(self, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        request, found = request_of(tmp_path / "net"), []
        for way in ("0", "1"):
            monkeypatch.setenv("HARNESS_CONTAINER_COPY", way)
            out = tmp_path / way / "out"
            out.mkdir(parents=True)
            record(engine, request, out)
            found.append([(top.layer, top.file, top.sha256) for top in read_recording(out).tops])
        assert found[0] == found[1]

    def test_files_that_only_their_owner_may_read(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        for path in (request.prototxt, request.caffemodel, *request.inputs.values()):
            path.chmod(0o600)
        (tmp_path / "net").chmod(0o700)
        record(engine, request, out)
        assert len(read_recording(out).tops) == 4
        assert request.caffemodel.stat().st_mode & 0o777 == 0o600

    def test_paths_with_commas_quotes_colons_and_spaces(self, engine: str, way: str, tmp_path: Path) -> None:
        odd = tmp_path / 'a,b "c" d:e=f'
        request = request_of(odd / "net")
        (odd / "out").mkdir()
        record(engine, request, odd / "out")
        assert len(read_recording(odd / "out").tops) == 4

    def test_with_another_image_that_has_nothing_of_ours(
        self, engine: str, way: str, other_image: str, tmp_path: Path, out: Path
    ) -> None:
        record(engine, request_of(tmp_path / "net", image=other_image), out)
        recording = read_recording(out)
        assert len(recording.tops) == 4
        assert recording.image == container.inspect(engine, other_image)["id"] != container.inspect(engine)["id"]

    def test_the_users_own_python_layers(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        folder = tmp_path / "layers"
        (folder / "helpers").mkdir(parents=True)
        (folder / "helpers" / "__init__.py").write_text("FACTOR = 3\n")
        (folder / "bn.py").write_text(DOUBLE)  # a name that one of ours has too
        (folder / "bn.py").chmod(0o600)
        text = TINY + 'layer { name: "twice" type: "Python" bottom: "prob" top: "twice" '
        text += "python_param { module: 'bn' layer: 'Times' } }\n"
        text += nets.layer("Permute", "twice", "last", "permute_param { order: [0, 2, 3, 1] }")
        request = request_of(tmp_path / "net")
        request.prototxt.write_text(text)
        described = net_file(read_network(request.prototxt))
        assert described is not None
        (tmp_path / "net.json").write_bytes(described)
        record(engine, dataclasses.replace(request, net=tmp_path / "net.json", python_layers=folder), out)
        recording = read_recording(out)
        np.testing.assert_array_equal(load_top(recording, "twice"), 3 * load_top(recording, "prob"))
        last = np.moveaxis(load_top(recording, "twice"), 1, -1)
        np.testing.assert_array_equal(load_top(recording, "last"), last)
        assert [(top.type, top.python) for top in recording.tops[-2:]] == [("Python", False), ("Permute", True)]
        assert [path.name for path in out.parent.iterdir()] == ["out"]

    def test_python_layers_that_are_not_given(self, engine: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        with request.prototxt.open("a") as stream:
            stream.write(nets.layer("Python", "prob", "twice", "python_param { module: 'mine' layer: 'Times' }"))
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert caught.value.message == (
            f"Caffe ({engine}): a Python layer cannot be made (ModuleNotFoundError: No module named 'mine'); "
            "--python-layers DIR gives the folder of its module"
        )

    def test_the_thread_count_reaches_caffe(self, engine: str, tmp_path: Path, out: Path) -> None:
        record(engine, request_of(tmp_path / "net", threads=1), out)
        assert read_recording(out).threads == 1


def test_the_container_may_do_nothing_but_compute(engine: str, way: str, tmp_path: Path, out: Path) -> None:
    found: list[dict[str, object]] = []

    def look(one: str) -> None:
        answer = subprocess.run([engine, "inspect", one], capture_output=True, text=True, check=True)
        found.append(json.loads(answer.stdout)[0])
        subprocess.run([engine, "kill", one], capture_output=True, check=True)

    Interference(engine, look).start()
    with pytest.raises(ReferenceEngineError, match="was killed"):
        record(engine, request_of(tmp_path / "net", SLOW, memory=8 << 30), out)
    about = found[0]
    host = about["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert host["Memory"] == host["MemorySwap"] == 8 << 30
    assert host["PidsLimit"] == 256
    assert not host["Privileged"]
    user = os.getuid() or 1000
    assert about["Config"]["User"].startswith(f"{user}:")
    writable = [mount["Destination"] for mount in about["Mounts"] if mount["RW"]]
    assert writable == (["/harness/out"] if way == "mounted" else ["/harness"])


class TestSaysInOneSentence:
    def test_a_layer_type_that_caffe_does_not_know(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.prototxt.write_text(request.prototxt.read_text().replace("Softmax", "Hardmax"))
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert str(caught.value) == f"Caffe ({engine}): Unknown layer type: Hardmax"

    def test_a_prototxt_that_caffe_cannot_parse(self, engine: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.prototxt.write_text('name: "x"\nlayer { nam: "y" }\n')
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert str(caught.value).startswith(f'Caffe ({engine}): 2:12: Message type "caffe.LayerParameter" has no field')

    def test_a_check_inside_caffe_that_fails(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.prototxt.write_text(request.prototxt.read_text().replace("num_output: 3", "num_output: 4"))
        with pytest.raises(
            ReferenceEngineError, match=r"Check failed: .*[Ss]hape mismatch|Cannot copy param 0 weights"
        ):
            record(engine, request, out)

    def test_a_truncated_caffemodel_by_its_own_path(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.caffemodel.write_bytes(request.caffemodel.read_bytes()[:-7])
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        size = request.caffemodel.stat().st_size
        assert str(caught.value) == (
            f"Caffe ({engine}): {request.caffemodel} is truncated or is no caffemodel ({size} bytes)"
        )

    def test_weights_that_the_caffemodel_lacks(self, engine: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net")
        request.prototxt.write_text(request.prototxt.read_text().replace('name: "conv"', 'name: "renamed"'))
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert caught.value.message == (
            f"Caffe ({engine}): the caffemodel has no weights for renamed; Caffe would leave them unset and not say so"
        )

    def test_an_image_without_caffe(
        self, engine: str, way: str, image_without_caffe: str, tmp_path: Path, out: Path
    ) -> None:
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request_of(tmp_path / "net", image=image_without_caffe), out)
        assert str(caught.value) == f"Caffe ({engine}): no Python in this image imports caffe"

    def test_an_image_that_is_not_there(self, engine: str, tmp_path: Path, out: Path) -> None:
        with pytest.raises(EngineMissingError) as caught:
            record(engine, request_of(tmp_path / "net", image="no/such:image"), out)
        assert str(caught.value) == f"there is no image no/such:image\n  → {engine} pull no/such:image"

    def test_too_little_time(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request_of(tmp_path / "net", SLOW, timeout=2.5), out)
        assert str(caught.value) == (
            f"Caffe ({engine}) did not finish within 2.5 s and was stopped\n  → give it longer: --timeout SECONDS"
        )

    def test_too_little_memory_names_the_need(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        request = request_of(tmp_path / "net", SLOW, memory=500_000_000, needed=4_600_000_000)
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert str(caught.value) == (
            f"Caffe ({engine}) ran out of memory: it needs about 4.6 GB and may take 0.5 GB\n"
            "  → give it more memory, or at a smaller --input-size"
        )

    def test_a_container_killed_from_outside(self, engine: str, way: str, tmp_path: Path, out: Path) -> None:
        killer = Interference(
            engine, lambda one: subprocess.run([engine, "kill", one], check=True, capture_output=True)
        )
        killer.start()
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request_of(tmp_path / "net", SLOW, memory=8 << 30, needed=4_600_000_000), out)
        killer.join(10)
        assert killer.done
        assert str(caught.value) == (
            f"Caffe ({engine}) was killed, by someone or for want of memory: "
            "it needs about 4.6 GB and may take 8.6 GB\n"
            "  → run it again, with more memory, or at a smaller --input-size"
        )

    def test_a_full_disk(self, engine: str, way: str, tmp_path: Path, small_disk: Path) -> None:
        request = request_of(tmp_path / "net", SLOW.split('layer { name: "conv2"')[0])
        out = small_disk / "work" / "out"
        out.mkdir(parents=True)
        with pytest.raises(ReferenceEngineError) as caught:
            record(engine, request, out)
        assert str(caught.value) == (
            f"{out.parent}: there is no space left for the recording\n"
            "  → free some, or set HARNESS_CACHE to a folder on a larger disk"
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class TestHarnessIsBrokenOff:
    """The whole command, in a process of its own, on a net that takes long."""

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
    def test_no_container_and_no_recording_remain(
        self, engine: str, way: str, how: signal.Signals, tmp_path: Path
    ) -> None:
        request = request_of(tmp_path / "net", SLOW)
        process = start_harness(request, engine, tmp_path / "dump")
        try:
            wait_for(lambda: has_begun(engine, process.pid) or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            process.send_signal(how)
            process.communicate(timeout=30)
        finally:
            process.kill()
        wait_for(lambda: not containers(engine, process.pid), 30)
        assert process.returncode != 0
        assert not (tmp_path / "dump").exists()
        assert [entry for entry in cache.entries() if entry.kind == "recordings"] == []

    def test_a_full_disk_is_one_line_and_leaves_nothing(self, engine: str, small_disk: Path, tmp_path: Path) -> None:
        request = request_of(tmp_path / "net", SLOW.split('layer { name: "conv2"')[0])
        process = start_harness(request, engine, tmp_path / "dump", HARNESS_CACHE=str(small_disk))
        said, complaints = process.communicate(timeout=120)
        assert process.returncode == 2
        assert said == ""
        notice, *error = complaints.splitlines()
        assert notice.endswith("running Caffe first")
        assert len(error) == 2
        assert "there is no space left for the recording\n  → free some, or set HARNESS_CACHE" in complaints
        assert list((small_disk / "recordings").iterdir()) == []

    def test_the_next_run_clears_what_a_killed_one_left(self, engine: str, tmp_path: Path) -> None:
        request = request_of(tmp_path / "net", SLOW.split('layer { name: "conv3"')[0])
        process = start_harness(request, engine, tmp_path / "dump")
        wait_for(lambda: has_begun(engine, process.pid) or process.poll() is not None)
        process.kill()
        process.communicate()
        left = list((tmp_path / "cache" / "recordings").iterdir())
        assert [path.name.endswith(".partial") for path in left] == [True]
        again = start_harness(request, engine, tmp_path / "dump")
        said, complaints = again.communicate(timeout=120)
        assert again.returncode == 0, complaints
        assert "4 activations by caffe 1.0.0" in said
        assert [path.name.startswith(".") for path in (tmp_path / "cache" / "recordings").iterdir()] == [False]
        assert len(read_recording(tmp_path / "dump").tops) == 4


def test_whether_the_daemon_sees_our_files_is_asked_once(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container._sees_our_files.cache_clear()
    request = request_of(tmp_path / "net")
    asked: list[tuple[str, ...]] = []
    call = container.call
    monkeypatch.setattr(container, "call", lambda *words, **more: asked.append(words) or call(*words, **more))
    for name in ("one", "two"):
        (tmp_path / name / "out").mkdir(parents=True)
        record(engine, dataclasses.replace(request), tmp_path / name / "out")
    assert sum("/probe" in words for words in asked) == 1
    assert cache.entries() == ()
