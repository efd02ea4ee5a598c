"""Which recording stands for Caffe: one that is kept, a new one, or a golden; and never one that is not whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.recording import TINY, request_of

from harness import cache
from harness.cache import file_sha256
from harness.caffe import load_weights, read_network
from harness.data import Case, InputSource, Network, Recording, Shape, Top, Weights, WeightsSource
from harness.engines import RecordRequest, memory, reference
from harness.engines.golden import write_golden
from harness.engines.reference import Reference, make_recording, values_sha256
from harness.errors import EngineError, EngineMissingError, HarnessError, RecordingError, ReferenceEngineError
from harness.layers.base import Float32
from harness.layers.shapes import infer_shapes
from harness.progress import Progress, silent
from harness.recording import RecordingWriter, load_top, read_recording


@dataclass(frozen=True)
class ACase:
    """What the line has ready when it asks for the reference."""

    case: Case
    network: Network
    shapes: Mapping[Top, Shape]
    weights: Weights
    inputs: Mapping[str, Float32]
    title: str = "tiny"


@dataclass
class Counting:
    """An engine that writes each layer's number, and how often it ran."""

    NAME: str = "docker"
    problem: str | None = None
    about: dict[str, str] = field(default_factory=lambda: {"image": "sha256:1", "dump": "2"})
    runs: int = 0
    digests: dict[str, str] | None = None
    request: RecordRequest | None = None

    def available(self, image: str | None) -> str | None:
        return self.problem

    def identity(self, image: str | None) -> dict[str, str]:
        return self.about

    def record(self, request: RecordRequest, out: Path, progress: Progress) -> None:
        self.runs += 1
        self.request = request
        assert list(out.iterdir()) == []
        digests = self.digests or {
            "prototxt": file_sha256(request.prototxt),
            "weights": file_sha256(request.caffemodel),
        }
        with RecordingWriter(out, engine=self.NAME, version="caffe 1.0.0", digests=digests) as writer:
            for number, layer in enumerate(["data", "conv", "relu", "prob"]):
                writer.add(layer, "Layer", "conv" if layer == "relu" else layer, np.full((1, 2), number + self.runs))


@pytest.fixture
def ready(tmp_path: Path) -> ACase:
    request = request_of(tmp_path / "net", TINY)
    net = read_network(request.prototxt)
    inputs = {blob: np.load(path) for blob, path in request.inputs.items()}
    case = Case(
        "tiny", tmp_path / "net", request.prototxt, "auto", WeightsSource(request.caffemodel), InputSource(seed=0)
    )
    return ACase(case, net, infer_shapes(net), load_weights(request.caffemodel), inputs)


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """docker that works, podman that does not."""
    engines = {"docker": Counting(), "podman": Counting("podman", "podman is not installed")}
    monkeypatch.setattr(reference, "reference_engine", engines.__getitem__)
    return engines["docker"]


def kept(folder: Path) -> Path:
    (path,) = (folder / "recordings").iterdir()
    return path


class TestKept:
    def test_caffe_is_not_started_again(self, ready: ACase, docker: Counting) -> None:
        first = make_recording(ready, Reference(), silent)
        second = make_recording(ready, Reference(), silent)
        assert docker.runs == 1
        assert first.age is None
        assert second.age is not None
        assert 0 <= second.age < 60
        assert (second.engine, second.tops) == ("docker", first.tops)

    def test_a_fresh_one_replaces_it(self, ready: ACase, docker: Counting) -> None:
        make_recording(ready, Reference(), silent)
        recording = make_recording(ready, Reference(fresh=True), silent)
        assert docker.runs == 2
        assert load_top(recording, "data")[0, 0] == 2
        assert len(cache.entries()) == 1

    def test_python_layers_are_given_and_count(self, ready: ACase, docker: Counting, tmp_path: Path) -> None:
        folder = tmp_path / "layers"
        (folder / "sub" / "__pycache__").mkdir(parents=True)
        (folder / "sub" / "mine.py").write_text("one")
        make_recording(ready, Reference(), silent)
        ready = replace(ready, case=replace(ready.case, python_layers=folder))
        made = make_recording(ready, Reference(), silent)
        assert docker.runs == 2
        assert docker.request is not None
        assert (docker.request.python_layers, docker.request.net) == (folder, None)
        assert made.digests["python_layers"] == reference.folder_sha256(folder)
        (folder / "sub" / "__pycache__" / "mine.pyc").write_text("compiled")
        make_recording(ready, Reference(), silent)
        assert docker.runs == 2
        (folder / "sub" / "mine.py").write_text("two")
        make_recording(ready, Reference(), silent)
        assert docker.runs == 3

    def test_a_training_net_is_given_in_layers_under_its_own_digest(
        self, ready: ACase, docker: Counting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = ready.network.path
        assert path is not None
        data = 'layer { name: "data" type: "ImageData" top: "data" image_data_param { new_height: 6 new_width: 5 } }\n'
        path.write_text(data + path.read_text().split("\n", 1)[1])
        given: list[bytes] = []
        record = Counting.record

        def recorded(engine: Counting, request: RecordRequest, out: Path, progress: Progress) -> None:
            assert request.net is not None
            given.append(request.net.read_bytes())
            record(engine, request, out, progress)

        monkeypatch.setattr(Counting, "record", recorded)
        ready = replace(ready, network=read_network(path))
        made = make_recording(ready, Reference(), silent)
        assert made.digests["prototxt"] == file_sha256(path)
        make_recording(ready, Reference(), silent)
        assert docker.runs == 1
        ready = replace(ready, network=read_network(path, size=(60, 50)), shapes=ready.shapes)
        make_recording(ready, Reference(), silent)
        assert docker.runs == 2
        assert b"dim: 6\\n" in given[0]
        assert b"dim: 60\\n" in given[1]

    def test_the_engine_is_told_need_and_limit(self, ready: ACase, docker: Counting) -> None:
        make_recording(ready, Reference(threads=3, timeout=9.0), silent)
        assert docker.request is not None
        needed = memory.estimate(ready.network, ready.shapes)
        assert docker.request.needed == needed
        assert docker.request.memory == int(needed * 1.5) + (1 << 30)
        assert (docker.request.threads, docker.request.timeout) == (3, 9.0)

    @pytest.mark.parametrize("what", ["prototxt", "weights", "input", "input's shape", "image", "dump", "threads"])
    def test_another_one_is_made_for_another(self, what: str, ready: ACase, docker: Counting) -> None:
        make_recording(ready, Reference(), silent)
        how = Reference()
        if what == "prototxt":
            path = ready.network.path
            assert path is not None
            path.write_text(path.read_text() + "# changed\n")
        elif what == "weights":
            blobs = nets.random_blobs(ready.network, seed=5)
            from harness.caffe import write_caffemodel

            write_caffemodel(ready.weights.path, "", blobs, {"conv": "Convolution"})
            ready = replace(ready, weights=load_weights(ready.weights.path))
        elif what == "input":
            ready = replace(ready, inputs={"data": ready.inputs["data"] + 1})
        elif what == "input's shape":
            ready = replace(ready, inputs={"data": ready.inputs["data"].reshape(1, 2, 5, 6)})
        elif what == "threads":
            how = Reference(threads=1)
        else:
            docker.about = docker.about | {what: "another"}
        make_recording(ready, how, silent)
        assert docker.runs == 2
        assert len(cache.entries()) == 2


class TestDamaged:
    """Whatever happened to the kept recording, it is noticed, said, and made again."""

    @staticmethod
    def _shorter(folder: Path) -> None:
        path = folder / "0002-conv.npy"
        path.write_bytes(path.read_bytes()[:-1])

    @staticmethod
    def _other_numbers(folder: Path) -> None:
        path = folder / "0002-conv.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\x41")

    @staticmethod
    def _no_file(folder: Path) -> None:
        (folder / "0002-conv.npy").unlink()

    @staticmethod
    def _no_manifest(folder: Path) -> None:
        (folder / "manifest.json").unlink()

    @staticmethod
    def _half_a_manifest(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(path.read_text()[:100])

    @pytest.mark.parametrize(
        ("damage", "why"),
        [
            (_shorter, "damaged: 135 bytes, where shape 1×2 takes 136"),
            (_other_numbers, "damaged: its digest is not the manifest's"),
            (_no_file, "the file is missing"),
            (_no_manifest, "no recording: it has no manifest.json"),
            (_half_a_manifest, "the manifest is damaged"),
        ],
    )
    def test_is_made_again_with_a_notice(
        self, damage: staticmethod[[Path], None], why: str, ready: ACase, docker: Counting, tmp_path: Path
    ) -> None:
        make_recording(ready, Reference(), silent)
        damage.__func__(kept(tmp_path / "cache"))
        said: list[str] = []
        recording = make_recording(ready, Reference(), lambda stage, done, total, what: said.append(what))
        assert docker.runs == 2
        assert recording.age is None
        assert load_top(recording, "conv")[0, 0] == 3
        assert len(said) == 1
        assert said[0].startswith(f"recording again, since the one that was kept is no good: {why}")

    def test_what_a_killed_run_left_goes(self, ready: ACase, docker: Counting, tmp_path: Path) -> None:
        make_recording(ready, Reference(), silent)
        whole = kept(tmp_path / "cache")
        left = whole.with_name(f".{whole.name}.abc.partial")
        (left / "out").mkdir(parents=True)
        (left / "out" / "0001-data.npy").write_bytes(b"half")
        assert [entry.path for entry in cache.entries()] == [whole]
        make_recording(ready, Reference(), silent)
        assert docker.runs == 1
        assert kept(tmp_path / "cache") == whole


class TestFailures:
    def test_an_engine_that_fails_leaves_nothing(
        self, ready: ACase, docker: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(request: RecordRequest, out: Path, progress: Progress) -> None:
            (out / "0001-data.npy").write_bytes(b"half")
            raise ReferenceEngineError("Caffe (docker): no")

        monkeypatch.setattr(docker, "record", fail)
        with pytest.raises(ReferenceEngineError, match=r"^Caffe \(docker\): no$"):
            make_recording(ready, Reference(), silent)
        assert list((tmp_path / "cache" / "recordings").iterdir()) == []

    def test_an_engine_that_stops_half_way_without_a_word(
        self, ready: ACase, docker: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            docker, "record", lambda request, out, progress: (out / "manifest.json.partial").write_bytes(b"")
        )
        with pytest.raises(RecordingError, match="the recording is incomplete: it was stopped half-way"):
            make_recording(ready, Reference(), silent)
        assert list((tmp_path / "cache" / "recordings").iterdir()) == []

    @pytest.mark.parametrize(
        ("what", "sentence"),
        [("prototxt", "another prototxt than this"), ("weights", "other weights than these")],
    )
    def test_an_engine_that_saw_other_files(
        self, what: str, sentence: str, ready: ACase, docker: Counting, tmp_path: Path
    ) -> None:
        docker.digests = {what: "0" * 64}
        with pytest.raises(ReferenceEngineError) as caught:
            make_recording(ready, Reference(), silent)
        path = ready.network.path if what == "prototxt" else ready.weights.path
        assert str(caught.value) == (
            f"{path}: Caffe (docker) read {sentence}\n"
            "  → run again; if it stays, HARNESS_CONTAINER_COPY=1 sends the files in place of mounting them"
        )
        assert list((tmp_path / "cache" / "recordings").iterdir()) == []

    def test_too_little_memory_names_need_and_size(
        self, ready: ACase, docker: Counting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "estimate", lambda network, shapes: 8_000_000_000)
        monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
        with pytest.raises(EngineError) as caught:
            make_recording(ready, Reference(), silent)
        assert str(caught.value) == ("Caffe would need about 8.0 GB, 2.0 GB are free; --input-size 2x2 would fit")
        assert docker.runs == 0


class TestChoice:
    def test_a_named_engine_is_never_replaced(self, ready: ACase, docker: Counting) -> None:
        with pytest.raises(EngineMissingError, match="podman is not installed"):
            make_recording(ready, Reference("podman"), silent)
        assert docker.runs == 0

    def test_auto_takes_the_second_container_engine(
        self, ready: ACase, docker: Counting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        docker.problem = "docker is not installed"
        monkeypatch.setattr(reference.reference_engine("podman"), "problem", None)
        assert make_recording(ready, Reference(), silent).engine == "podman"

    def test_auto_without_an_engine_takes_a_fresh_golden(self, ready: ACase, docker: Counting) -> None:
        self._golden(ready)
        docker.problem = "docker is not installed"
        recording = make_recording(ready, Reference(), silent)
        assert (recording.engine, recording.recorded_by) == ("golden", "docker")

    def test_auto_with_an_engine_does_not(self, ready: ACase, docker: Counting) -> None:
        self._golden(ready)
        assert make_recording(ready, Reference(), silent).engine == "docker"
        assert make_recording(ready, Reference("golden"), silent).engine == "golden"

    def test_a_stale_golden_is_refused_by_auto_too(self, ready: ACase, docker: Counting) -> None:
        self._golden(ready)
        docker.problem = "docker is not installed"
        ready = replace(ready, inputs={"data": ready.inputs["data"] + 1})
        for engine in ("auto", "golden"):
            with pytest.raises(RecordingError, match=r"stale: data changed since.*\n  → renew it .*: make goldens$"):
                make_recording(ready, Reference(engine), silent)

    def test_neither_engine_nor_golden_gives_the_choices(self, ready: ACase, docker: Counting) -> None:
        docker.problem = "docker is not installed"
        with pytest.raises(EngineMissingError) as caught:
            make_recording(ready, Reference(), silent)
        assert str(caught.value) == (
            "no reference: docker is not installed; podman is not installed; and there is no golden of this case\n"
            "  → harness image build with docker or podman; or --reference native with a Python that imports caffe; "
            "or, by name only since it is not Caffe, --reference opencv"
        )

    def test_a_golden_does_not_stand_for_another_caffe(self, ready: ACase, docker: Counting) -> None:
        self._golden(ready)
        docker.problem = "docker is not installed"
        with pytest.raises(EngineMissingError, match="a golden cannot stand for bvlc/caffe:cpu"):
            make_recording(ready, Reference(image="bvlc/caffe:cpu"), silent)

    def test_golden_by_name_without_one(self, ready: ACase, docker: Counting) -> None:
        with pytest.raises(EngineMissingError) as caught:
            make_recording(ready, Reference("golden"), silent)
        assert str(caught.value) == (
            "there is no golden of tiny\n  → run it with a container engine: --reference docker"
        )

    def test_a_folder_is_read_and_verified(self, ready: ACase, docker: Counting, tmp_path: Path) -> None:
        made = write_golden(make_recording(ready, Reference(), silent), tmp_path / "mine")
        found = make_recording(ready, Reference(folder=made.folder), silent)
        assert (found.engine, found.recorded_by, docker.runs) == ("recording", "docker", 1)
        path = made.folder / made.tops[0].file
        path.write_bytes(path.read_bytes()[:-1] + b"\x41")
        with pytest.raises(HarnessError, match="damaged: its digest is not the manifest's"):
            make_recording(ready, Reference(folder=made.folder), silent)

    @staticmethod
    def _golden(ready: ACase) -> Recording:
        return write_golden(make_recording(ready, Reference("docker"), silent), ready.case.folder / "golden")


def test_the_goldens_that_come_with_the_package_are_whole_and_carry_the_digests() -> None:
    from harness.recording import verify
    from harness.resources import fixtures_folder

    folders = [path for path in (fixtures_folder() / "golden").iterdir() if not path.name.startswith(".")]
    assert folders
    for folder in folders:
        recording = read_recording(folder)
        verify(recording)
        assert {"prototxt", "weights"} < set(recording.digests)
        assert any(name.startswith("values:") for name in recording.digests)


def test_the_same_numbers_in_another_shape_are_another_input() -> None:
    array = np.arange(6, dtype=np.float32)
    assert values_sha256(array.reshape(2, 3)) != values_sha256(array.reshape(3, 2))
    assert values_sha256(array.reshape(2, 3)) == values_sha256(np.asfortranarray(array.reshape(2, 3)))
