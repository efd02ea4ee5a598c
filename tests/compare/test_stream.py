"""Both sides side by side: what is fed to which segment, what is inherited, and what is kept in memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import loops, nets

from harness.compare import stream
from harness.data import LayerComparison, LayerMap, Network, Pair, Recording, Status, Top
from harness.engines.keras import Candidate, wrap_model
from harness.extras import import_keras
from harness.layers.shapes import infer_shapes
from harness.layout import channels_first
from harness.mapping import map_layers
from harness.recording import RecordingWriter

NET = (
    nets.data(1, 3, 9, 10)
    + nets.conv("data", "a", "num_output: 4 kernel_size: 3 pad: 1")
    + nets.relu("a", "relu")
    + nets.layer("Pooling", "a", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
    + nets.conv("pool", "b", "num_output: 3 kernel_size: 3")
    + nets.layer("Softmax", "b", "prob")
)


@dataclass
class Sides:
    """A recording made by the plain loops, each layer from the float32 of the one before, and a Keras model."""

    net: Network
    blobs: Mapping[str, nets.Blobs]
    inputs: Mapping[Top, np.ndarray]
    recording: Recording

    def compare(self, model, **options) -> dict[str, LayerComparison]:
        candidate, layer_map = self.open(model)
        rows = stream.compare_layers(
            layer_map, nets.weights(self.blobs), self.recording, candidate, self.inputs, stream.Options(**options)
        )
        return {row.layer: row for row in rows}

    def open(self, model) -> tuple[Candidate, LayerMap]:
        candidate = wrap_model(model, "model")
        return candidate, map_layers(self.net, candidate.graph)


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    net = nets.network(NET)
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    (x,) = inputs.values()
    one = ((1, 1), (0, 0), (1, 1), 1)
    tops: dict[str, np.ndarray] = {}
    tops["a"] = loops.convolution(x, *blobs["a"], (1, 1), (1, 1), (1, 1), 1).astype(np.float32)
    tops["relu"] = loops.relu(tops["a"]).astype(np.float32)
    tops["pool"] = loops.pooling(tops["relu"], (2, 2), (2, 2), (0, 0), average=False).astype(np.float32)
    tops["b"] = loops.convolution(tops["pool"], *blobs["b"], *one).astype(np.float32)
    tops["prob"] = loops.softmax(tops["b"]).astype(np.float32)
    with RecordingWriter(tmp_path / "recording", engine="loops", version="1") as writer:
        writer.add("data", "Input", "data", x)
        for layer in net.layers[1:]:
            writer.add(layer.name, layer.type, layer.tops[0].blob, tops[layer.name])
    return Sides(net, blobs, inputs, writer.recording)


def model_with(sides: Sides, layer: str = "", **variables: np.ndarray):
    model = nets.keras_model(sides.net, sides.blobs)
    if layer:
        nets.fill(model, {layer: variables})
    return model


def test_a_right_net(sides: Sides) -> None:
    rows = sides.compare(model_with(sides))
    assert list(rows) == ["a", "pool", "b", "prob"]
    assert {row.status for row in rows.values()} == {Status.MATCH}
    assert rows["a"].caffe == ("a", "relu")
    assert rows["pool"].isolated.mismatched == 0
    assert all(row.end_to_end is not None for row in rows.values())


def test_only_the_layer_at_fault_is_wrong_by_itself(sides: Sides) -> None:
    bias = sides.blobs["a"][1] + np.float32(0.01)
    rows = sides.compare(model_with(sides, "a", bias=bias))
    assert {name: row.status for name, row in rows.items()} == {
        "a": Status.DIVERGES,
        "pool": Status.MATCH,
        "b": Status.MATCH,
        "prob": Status.MATCH,
    }
    assert rows["pool"].isolated.max_abs == 0
    assert rows["pool"].end_to_end.max_abs == pytest.approx(0.01, rel=0.05)
    assert rows["b"].end_to_end.max_units > 1e3


def test_isolated_alone_and_end_to_end_alone(sides: Sides) -> None:
    rows = sides.compare(model_with(sides), end_to_end=False)
    assert all(row.end_to_end is None and row.isolated is not None for row in rows.values())
    rows = sides.compare(model_with(sides), isolated=False)
    assert all(row.isolated is None and row.end_to_end is not None for row in rows.values())
    assert {row.judged_by for row in rows.values()} == {"estimate"}


def test_end_to_end_alone_sees_the_fault_and_what_it_does(sides: Sides) -> None:
    bias = sides.blobs["b"][1] + np.float32(0.01)
    rows = sides.compare(model_with(sides, "b", bias=bias * np.array([1, 0, 0], np.float32)), isolated=False)
    assert [row.status for row in rows.values()] == [Status.MATCH, Status.MATCH, Status.DIVERGES, Status.DIVERGES]


def test_wanted_layers_only(sides: Sides) -> None:
    rows = sides.compare(model_with(sides), wanted=lambda pair: pair.layer.name == "b")
    assert list(rows) == ["b"]
    assert rows["b"].end_to_end is not None, "the layers before it were run for it"


def test_end_to_end_goes_on_behind_a_wrong_shape(sides: Sides) -> None:
    """Pools rounded down: everything behind has another size, and is right by itself."""
    keras = import_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9, 10, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="a"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(3, 3, name="b"),
            layers.Softmax(name="prob"),
        ]
    )
    nets.fill(
        model,
        {name: {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias} for name, (kernel, bias) in sides.blobs.items()},
    )
    rows = sides.compare(model)
    assert {name: row.status for name, row in rows.items()} == {
        "a": Status.MATCH,
        "pool": Status.SHAPE,
        "b": Status.MATCH,
        "prob": Status.MATCH,
    }
    assert (rows["pool"].reference_shape, rows["pool"].candidate_shape) == ((1, 4, 5, 5), (1, 4, 4, 5))
    assert rows["b"].isolated is not None
    assert rows["b"].end_to_end is None, "two sizes cannot be held against each other"


def test_a_layer_too_many_is_judged_with_the_layer_behind_it(sides: Sides) -> None:
    keras = import_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9, 10, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu", name="a"),
            layers.MaxPooling2D(2, padding="same", name="pool"),
            layers.Conv2D(5, 1, name="extra"),
            layers.Conv2D(3, 3, name="b"),
        ]
    )
    candidate = wrap_model(model, "model")
    (pair,) = [one for one in map_layers(sides.net, candidate.graph).pairs if one.layer.name == "b"]
    assert pair.keras == ("extra", "b")
    assert sides.compare(model)["b"].status is Status.DIVERGES


def test_a_segment_that_cannot_take_caffes_bottoms(tmp_path: Path) -> None:
    """A size lost before it is built into a Reshape: it says so itself, instead of ending the comparison."""
    keras = import_keras()
    net = nets.network(
        nets.data(1, 3, 7, 7)
        + nets.layer("Pooling", "data", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
        + nets.layer("Softmax", "pool", "prob")
    )
    inputs = nets.random_inputs(net)
    tops = nets.define_all(net, {}, inputs)
    with RecordingWriter(tmp_path / "recording", engine="loops", version="1") as writer:
        for layer in net.layers:
            writer.add(layer.name, layer.type, layer.tops[0].blob, tops[layer.tops[0]])
    model = keras.Sequential(
        [
            keras.Input((7, 7, 3)),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.Reshape((9, 3)),
            keras.layers.Softmax(name="prob"),
        ]
    )
    rows = Sides(net, {}, inputs, writer.recording).compare(model)
    assert [row.status for row in rows.values()] == [Status.SHAPE, Status.SHAPE]
    assert rows["prob"].note.startswith("Keras cannot compute it from Caffe's bottoms: ")
    assert rows["prob"].isolated is None


def test_run_candidate_gives_every_top_in_caffes_layout(sides: Sides) -> None:
    candidate, layer_map = sides.open(model_with(sides))
    shapes = infer_shapes(sides.net)
    found = {top: array for _, top, array in stream.run_candidate(layer_map, candidate, sides.inputs, shapes)}
    assert {top: array.shape for top, array in found.items()} == {
        pair.top: shapes[pair.top] for pair in layer_map.pairs
    }
    (whole,) = nets.run_keras(sides.net, sides.blobs, sides.inputs)
    np.testing.assert_allclose(found[Top("prob", "prob")], channels_first(whole), rtol=1e-5)


class Watched:
    """A candidate that counts what is alive of what it has computed."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.alive: list[weakref.ref] = []
        self.most = 0

    def __getattr__(self, name: str):
        return getattr(self.candidate, name)

    def segment(self, pair: Pair):
        watched, segment = self, self.candidate.segment(pair)

        class Counting:
            def run(self, inputs: Sequence[object]) -> list[object]:
                gc.collect()
                watched.most = max(watched.most, sum(one() is not None for one in watched.alive))
                (tensor,) = segment.run(inputs)
                watched.alive.append(weakref.ref(tensor))
                return [tensor]

            def run_float64(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
                return segment.run_float64(inputs)

        return Counting()


def test_activations_are_freed_at_their_last_use(tmp_path: Path) -> None:
    text, blob = nets.data(1, 2, 6, 6), "data"
    for index in range(8):
        text += nets.conv(blob, f"c{index}", "num_output: 2 kernel_size: 1")
        blob = f"c{index}"
    net = nets.network(text)
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    tops = nets.define_all(net, blobs, inputs)
    with RecordingWriter(tmp_path / "recording", engine="loops", version="1") as writer:
        for layer in net.layers:
            writer.add(layer.name, layer.type, layer.tops[0].blob, tops[layer.tops[0]].astype(np.float32))
    candidate = Watched(wrap_model(nets.keras_model(net, blobs), "model"))
    layer_map = map_layers(net, candidate.graph)
    options = stream.Options(isolated=False)
    rows = list(stream.compare_layers(layer_map, nets.weights(blobs), writer.recording, candidate, inputs, options))
    assert len(rows) == len(candidate.alive) == 8
    assert candidate.most <= 2, "at most the bottom and what still waits to be collected"


def test_recorded_tops_are_dropped_after_their_last_use(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Top] = []
    sizes: list[int] = []

    class Counting(stream._Store):
        def get(self, top: Top) -> np.ndarray:
            if top not in self.arrays:
                loaded.append(top)
            array = super().get(top)
            sizes.append(len(self.arrays))
            return array

    monkeypatch.setattr(stream, "_Store", Counting)
    sides.compare(model_with(sides))
    assert len(loaded) == len(set(loaded)) == 5, "each is loaded once"
    assert max(sizes) == 2, "a layer's bottom and its top"


def test_keep_is_called_for_every_pair(sides: Sides) -> None:
    candidate, layer_map = sides.open(model_with(sides))
    kept: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    began: list[tuple[int, str]] = []
    rows = stream.compare_layers(
        layer_map,
        nets.weights(sides.blobs),
        sides.recording,
        candidate,
        sides.inputs,
        stream.Options(),
        keep=lambda top, reference, computed: kept.append((top.blob, reference.shape, computed.shape)),
        on_pair=lambda index, pair: began.append((index, pair.layer.name)),
    )
    assert len(list(rows)) == 4
    assert [name for name, *_ in kept] == ["a", "pool", "b", "prob"]
    assert kept[1][1:] == ((1, 5, 5, 4), (1, 5, 5, 4))
    assert began == [(0, "a"), (1, "pool"), (2, "b"), (3, "prob")]
