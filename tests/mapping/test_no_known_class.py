"""Keras layers of no class that says what they are, in the places of Caffe's layers."""

from __future__ import annotations

from support import nets

from harness.data import KerasGraph, KerasNode, Network
from harness.mapping import map_layers

SHAPE = (None, 6, 6, 3)


def chain(*layers: tuple[str, str]) -> KerasGraph:
    """A sequence of (class, name) of tensors of one shape."""
    nodes = [
        KerasNode(name, class_name, {}, (number,), (number + 1,), (SHAPE,))
        for number, (class_name, name) in enumerate(layers)
    ]
    return KerasGraph(tuple(nodes), (0,), (len(nodes),))


def conv_then_conv(*between: str) -> Network:
    """Two convolutions with layers between them that leave sizes as they are."""
    return nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + "".join(between) + nets.conv("a", "b"))


def pairs(net: Network, graph: KerasGraph) -> dict[str, tuple[str, ...]]:
    return {" + ".join(one.name for one in pair.caffe): pair.keras for pair in map_layers(net, graph).pairs}


def test_what_stands_between_two_counterparts_is_held_against_what_caffe_has_there() -> None:
    graph = chain(("Conv2D", "a"), ("Lambda", "clip"), ("ZeroPadding2D", "pad"), ("Conv2D", "b"))
    layer_map = map_layers(conv_then_conv(nets.relu("a")), graph)
    assert {pair.layer.name: pair.keras for pair in layer_map.pairs} == {
        "a": ("a",),
        "relu": ("clip",),
        "b": ("pad", "b"),
    }
    assert layer_map.pairs[1].reason == "Lambda at the same place"
    assert (layer_map.missing, layer_map.extra) == ({}, {})


def test_the_layer_behind_it_may_have_another_name() -> None:
    graph = chain(("Conv2D", "a"), ("Lambda", "clip"), ("Conv2D", "second"))
    assert pairs(conv_then_conv(nets.relu("a")), graph) == {"a": ("a",), "relu": ("clip",), "b": ("second",)}


def test_where_caffe_has_nothing_it_is_judged_with_the_layer_behind_it() -> None:
    graph = chain(("Conv2D", "a"), ("Lambda", "clip"), ("Conv2D", "b"))
    assert pairs(conv_then_conv(), graph) == {"a": ("a",), "b": ("clip", "b")}
    assert "clip" in map_layers(conv_then_conv(), graph).extra


def test_what_has_a_counterpart_by_name_is_not_taken_twice() -> None:
    graph = chain(("Conv2D", "a"), ("Lambda", "clip"), ("ReLU", "relu"), ("Conv2D", "b"))
    assert pairs(conv_then_conv(nets.relu("a")), graph) == {"a": ("a",), "relu": ("clip", "relu"), "b": ("b",)}


def test_layers_that_one_lambda_computes_are_judged_together() -> None:
    graph = chain(("Conv2D", "a"), ("Lambda", "both"), ("Conv2D", "b"))
    net = conv_then_conv(nets.layer("BatchNorm", "a", "bn", top="a"), nets.relu("a"))
    assert pairs(net, graph) == {"a": ("a",), "bn + relu": ("both",), "b": ("b",)}


def test_several_operations_may_be_one_layer() -> None:
    graph = chain(("Conv2D", "a"), ("Abs", "abs"), ("Add", "add"), ("Multiply", "halve"), ("Conv2D", "b"))
    assert pairs(conv_then_conv(nets.relu("a")), graph) == {"a": ("a",), "relu": ("abs", "add", "halve"), "b": ("b",)}


def test_the_end_of_a_model_may_be_of_no_known_class() -> None:
    net = nets.network(nets.data(1, 3, 6, 6) + nets.layer("Softmax", "data", "prob"))
    layer_map = map_layers(net, chain(("Lambda", "own")))
    assert [(pair.layer.name, pair.keras) for pair in layer_map.pairs] == [("prob", ("own",))]
    assert (layer_map.missing, layer_map.beyond) == ({}, {})
