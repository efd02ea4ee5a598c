"""Layers cut out of a net compute what they computed in it, by the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.caffe.deploy import net_text
from harness.data import Network
from harness.engines.keras import wrap_model
from harness.extras import import_keras
from harness.layers.shapes import infer_shapes
from harness.mapping import map_layers
from harness.reproduce.one_layer import OneLayer, cut_out

FULL = (
    nets.data(2, 3, 7, 8)
    + nets.conv("data", "a", "num_output: 4 kernel_size: 3")
    + nets.relu("a", "a_relu")
    + nets.layer("Dropout", "a", "drop", top="a")
    + nets.conv("data", "b", "num_output: 4 kernel_size: 1")
    + 'layer { name: "crop" type: "Crop" bottom: "b" bottom: "a" top: "crop" crop_param { axis: 2 offset: 1 } }\n'
    + 'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "crop" top: "sum" }\n'
    + 'layer { name: "cat" type: "Concat" bottom: "sum" bottom: "a" top: "cat" }\n'
    + nets.layer("Permute", "cat", "perm", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    + nets.layer("Flatten", "perm", "flat")
    + nets.layer("InnerProduct", "cat", "fc", "inner_product_param { num_output: 5 }")
    + nets.layer("TanH", "fc", "fc_tanh", top="fc")
    + 'layer { name: "both" type: "Concat" bottom: "flat" bottom: "fc" top: "both" }\n'
    + nets.layer("Sigmoid", "both", "both_sigmoid", top="both")
)


def cut_outs(net: Network, blobs) -> dict[str, tuple[OneLayer, Network]]:
    """Every pair of the converted net by its first Caffe layer, as a net of its own and as Caffe would read that."""
    layer_map = map_layers(net, wrap_model(nets.keras_model(net, blobs), "auto").graph)
    cuts = [cut_out(net, pair, layer_map.folded, infer_shapes(net)) for pair in layer_map.pairs]
    names = [pair.layer.name for pair in layer_map.pairs]
    return {name: (cut, nets.network(net_text(cut.network))) for name, cut in zip(names, cuts, strict=True)}


@pytest.fixture(scope="module")
def full():
    net = nets.network(FULL)
    blobs = nets.random_blobs(net)
    return net, blobs, nets.define_all(net, blobs, nets.random_inputs(net)), cut_outs(net, blobs)


@pytest.mark.parametrize("layer", ["a", "b", "crop", "sum", "cat", "fc", "both"])
def test_each_computes_the_same_as_in_the_whole_net(full, layer: str) -> None:
    _, blobs, tops, cuts = full
    cut, alone = cuts[layer]
    fed = {top: tops[cut.inputs[top.blob]] for top in alone.inputs}
    made = nets.define_all(alone, blobs, fed)
    (blob,) = cut.outputs
    ours = [array for top, array in made.items() if top.blob == blob][-1]
    whole = [
        array for top, array in tops.items() if top.layer in {one.name for one in alone.layers} and top.blob == blob
    ]
    np.testing.assert_array_equal(ours, whole[-1])


@pytest.mark.parametrize(
    ("layer", "inside"),
    [
        ("a", {"data": "Input", "a": "Convolution", "a_relu": "ReLU"}),
        ("sum", {"a": "Input", "crop": "Input", "sum": "Eltwise"}),
        ("fc", {"cat": "Input", "fc": "InnerProduct", "fc_tanh": "TanH"}),
        ("crop", {"b": "Input", "a": "DummyData", "crop": "Crop"}),  # of the one only the shape matters
    ],
)
def test_what_is_inside(full, layer: str, inside: dict[str, str]) -> None:
    cut, alone = full[3][layer]
    assert {one.name: one.type for one in alone.layers} == inside
    assert list(cut.inputs) == [name for name, kind in inside.items() if kind == "Input"]


def test_an_input_that_would_bear_the_layers_name_gets_another() -> None:
    net = nets.network(
        nets.data(1, 2) + nets.layer("TanH", "data", "first", top="x") + nets.layer("BNLL", "x", "x", top="y")
    )
    _, alone = cut_outs(net, {})["x"]
    assert [(one.name, one.tops[0].blob) for one in alone.layers] == [("x_given", "x"), ("x", "y")]


def test_layers_that_only_move_numbers_come_along() -> None:
    """The port shuffles in its own way, so that its convolution is judged from what Caffe shuffles."""
    layers = import_keras().layers
    text = nets.data(1, 6, 4, 5) + nets.layer("ShuffleChannel", "data", "mix", "shuffle_channel_param { group: 2 }")
    net = nets.network(text + nets.conv("mix", "conv", "num_output: 2 kernel_size: 1"))
    port = import_keras().Sequential(
        [
            import_keras().Input((4, 5, 6)),
            layers.Reshape((4, 5, 2, 3)),
            layers.Permute((1, 2, 4, 3)),
            layers.Reshape((4, 5, 6)),
            layers.Conv2D(2, 1, name="conv"),
        ]
    )
    layer_map = map_layers(net, wrap_model(port, "port").graph)
    (pair,) = layer_map.pairs
    cut = cut_out(net, pair, layer_map.folded, infer_shapes(net))
    assert [(layer.name, layer.type) for layer in cut.network.layers] == [
        ("data", "Input"),
        ("mix", "ShuffleChannel"),
        ("conv", "Convolution"),
    ]
