"""Normalisations among other layers, as nets have them, against real Caffe; and Keras models as people write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.caffe_table import record_net
from support.verdicts import judge_pair

from harness.data import KerasGraph, KerasNode, LayerMap, Network, Status, Top
from harness.engines import docker
from harness.engines.keras import wrap_model
from harness.extras import import_keras
from harness.mapping import map_layers
from harness.recording import load_top

BLOCK = (
    nets.data(2, 3, 9, 8)
    + nets.conv("data", "conv", "num_output: 8 kernel_size: 3 bias_term: false")
    + nets.layer("BatchNorm", "conv", "bn", top="conv")
    + nets.layer("Scale", "conv", "scale", "scale_param { bias_term: true }", top="conv")
    + nets.relu("conv")
    + nets.layer("BatchNorm", "conv", "bn/2", "batch_norm_param { use_global_stats: false eps: 0.001 }")
    + nets.layer("Scale", "bn/2", "scale/2", "scale_param { bias_term: false }")
    + nets.layer("LRN", "scale/2", "norm", "lrn_param { alpha: 0.01 }")
)
EXCITED = (
    nets.data(2, 3, 9, 8)
    + nets.conv("data", "conv", "num_output: 6 kernel_size: 3")
    + nets.layer("BatchNorm", "conv", "bn")
    + nets.layer("Scale", "bn", "scale", "scale_param { bias_term: true }", top="bn")
    + nets.layer("InnerProduct", "bn", "gates", "inner_product_param { num_output: 6 }")
    + nets.layer("Sigmoid", "gates", "open")
    + 'layer { name: "gate" type: "Scale" bottom: "bn" bottom: "open" top: "gate" scale_param { axis: 0 } }\n'
)


class Recorded:
    """A net as Caffe computed it."""

    def __init__(self, folder: Path, text: str) -> None:
        self.net = nets.network(text)
        self.blobs = nets.random_blobs(self.net)
        self.recording, inputs = record_net(folder, text, self.blobs)
        self.inputs = {Top(name, name): array for name, array in inputs.items()}

    def of(self, top: Top) -> np.ndarray:
        return self.inputs[top] if top in self.inputs else np.array(load_top(self.recording, top.layer, top.blob))

    def judge(self, model, layer: str, **options):
        """A layer, fed by Caffe's own bottoms."""
        (pair,) = [
            pair
            for pair in map_layers(self.net, wrap_model(model, "model").graph).pairs
            if layer in {one.name for one in pair.caffe}
        ]
        bottoms = {top: self.of(top) for top in (*pair.bottoms, *(cut.top for cut in pair.inputs))}
        return judge_pair(self.net, model, self.blobs, bottoms, self.of(pair.top), layer=layer, **options)


@pytest.fixture(scope="module")
def nets_of_caffe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recorded]:
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return {text: Recorded(tmp_path_factory.mktemp("net"), text) for text in (BLOCK, EXCITED)}


@pytest.fixture(params=[BLOCK, EXCITED], ids=["block", "excited"])
def recorded(request: pytest.FixtureRequest, nets_of_caffe: dict[str, Recorded]) -> Recorded:
    return nets_of_caffe[request.param]


@pytest.mark.engine
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_a_converted_net_matches_layer_by_layer(recorded: Recorded, strict: bool) -> None:
    model = nets.keras_model(recorded.net, recorded.blobs)
    found = map_layers(recorded.net, wrap_model(model, "model").graph)
    assert (found.missing, found.extra) == ({}, {})
    for pair in found.pairs:
        row = recorded.judge(model, pair.layer.name, strict=strict)
        assert (row.status, row.note) == (Status.MATCH, None), pair.layer.name
        if pair.layer.type in ("BatchNorm", "Scale", "LRN"):
            assert row.judged_by == ("float64" if strict else "rounding")
        # Caffe keeps eps in float32: its 0.001 is 0.00100000005.
        assert row.float64 is None or row.float64.functions_max_rel < 1e-9


@pytest.mark.engine
def test_what_a_batch_normalization_takes_in(recorded: Recorded) -> None:
    model = nets.keras_model(recorded.net, recorded.blobs)
    assert recorded.judge(model, "scale").caffe == ("bn", "scale")


# ----------------------------------------------------------------------------------------------- models by hand


def gated(gate, *, names: bool = False):
    """EXCITED as a person writes it; `gate` makes the last layer of the maps and the gates."""
    keras = import_keras()
    layers = keras.layers
    named = (lambda name: {"name": name}) if names else (lambda name: {})
    x = data = keras.Input((9, 8, 3), name="data")
    x = layers.Conv2D(6, 3, **named("conv"))(x)
    x = layers.BatchNormalization(epsilon=1e-5, **named("bn"))(x)
    s = layers.Flatten()(x)
    s = layers.Dense(6, activation="sigmoid", **named("gates"))(s)
    return keras.Model(data, gate(x, s))


def product(x, s):
    layers = import_keras().layers
    return layers.Multiply()([x, layers.Reshape((1, 1, 6))(s)])


def other_way_round(x, s):
    layers = import_keras().layers
    return layers.Multiply()([layers.Reshape((1, 1, 6))(s), x])


def operator(x, s):
    return x * s[:, None, None, :]


@pytest.mark.engine
@pytest.mark.parametrize("gate", [product, other_way_round, operator])
@pytest.mark.parametrize("names", [False, True], ids=["nameless", "named"])
def test_a_hand_written_gate_is_the_scale_of_two_bottoms(nets_of_caffe: dict[str, Recorded], gate, names: bool) -> None:
    recorded, model = nets_of_caffe[EXCITED], gated(gate, names=names)
    shown = {" + ".join(one.name for one in pair.caffe) for pair in pairs_of(recorded.net, model).pairs}
    assert shown == {"conv", "bn + scale", "gates + open", "gate"}
    row = recorded.judge(model, "gate", strict=True)
    assert (row.status, row.float64.functions_max_rel) == (Status.MATCH, 0.0)


def pairs_of(net: Network, model) -> LayerMap:
    return map_layers(net, wrap_model(model, "model").graph)


def test_a_product_of_two_tensors_is_no_learned_scale() -> None:
    """The gate reads what the BatchNormalization gives, but it is not the Scale that the normalisation has taken in."""
    net = nets.network(EXCITED)

    def node(kind: str, name: str, reads: tuple[int, ...], makes: int, **config: object) -> KerasNode:
        return KerasNode(name, kind, config, reads, (makes,), ((None,),))

    nodes = (
        node("Conv2D", "c", (0,), 1),
        node("BatchNormalization", "b", (1,), 2, scale=True, center=True),
        node("Dense", "d", (2,), 3, activation="sigmoid"),
        node("Multiply", "m", (2, 3), 4),
    )
    found = map_layers(net, KerasGraph(nodes, (0,), (4,)))
    assert [" + ".join(one.name for one in pair.caffe) for pair in found.pairs] == [
        "conv",
        "bn + scale",
        "gates + open",
        "gate",
    ]
    assert found.missing == {}


def test_a_second_scale_does_not_stand_for_the_one_that_is_taken_in() -> None:
    text = nets.data(1, 3, 5, 6) + nets.layer("BatchNorm", "data", "bn")
    text += nets.layer("Scale", "bn", "one") + nets.layer("Scale", "one", "two")
    net = nets.network(text)
    found = pairs_of(net, nets.keras_model(net, nets.random_blobs(net)))
    assert [" + ".join(one.name for one in pair.caffe) for pair in found.pairs] == ["bn + one", "two"]
    assert found.missing == {}
