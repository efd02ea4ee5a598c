"""Which Keras layers compute which Caffe layers: by name first, then by the place in the graph, never by shape."""

from __future__ import annotations

import pytest
from support import nets

from harness.data import KerasGraph, KerasNode, LayerMap, Network, Pair, Top
from harness.errors import MappingError
from harness.layers.folding import canonical_tops
from harness.mapping import activation_of, map_layers


class Graph:
    """A Keras graph as plain data, written like the functional API: `x = graph("Conv2D", "conv1", x)`."""

    def __init__(self, inputs: int = 1) -> None:
        self.inputs = tuple(range(inputs))
        self.count = inputs
        self.nodes: list[KerasNode] = []

    def __call__(self, class_name: str, name: str, *reads: int, **config: object) -> int:
        number, self.count = self.count, self.count + 1
        self.nodes.append(KerasNode(name, class_name, config, reads, (number,), ((None,),)))
        return number

    def end(self, *outputs: int) -> KerasGraph:
        return KerasGraph(tuple(self.nodes), self.inputs, outputs)


def chain(*layers: tuple[str, str] | tuple[str, str, str]) -> KerasGraph:
    """A sequence of (class, name) or (class, name, activation)."""
    graph, x = Graph(), 0
    for class_name, name, *activation in layers:
        x = graph(class_name, name, x, activation=activation[0] if activation else "linear")
    return graph.end(x)


def shown(layer_map: LayerMap) -> dict[str, str]:
    return {" + ".join(one.name for one in pair.caffe): " ".join(pair.keras) for pair in layer_map.pairs}


def pair_of(layer_map: LayerMap, layer: str) -> Pair:
    (pair,) = [one for one in layer_map.pairs if layer in {caffe.name for caffe in one.caffe}]
    return pair


def cuts(pair: Pair) -> tuple[tuple[int, Top], ...]:
    """Where a pair's segment is cut, without the orders."""
    return tuple((cut.tensor, cut.top) for cut in pair.inputs)


def conv_relu_conv() -> Network:
    return nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.relu("a") + nets.conv("a", "b"))


def test_same_names() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a"), ("ReLU", "relu"), ("Conv2D", "b")))
    assert shown(layer_map) == {"a": "a", "relu": "relu", "b": "b"}
    assert [pair.reason for pair in layer_map.pairs] == ["same name"] * 3
    assert [pair.top for pair in layer_map.pairs] == [Top("a", "a"), Top("relu", "a"), Top("b", "b")]
    assert pair_of(layer_map, "b").bottoms == (Top("relu", "a"),)
    assert [pair.outputs[0].tensor for pair in layer_map.pairs] == [1, 2, 3]
    assert cuts(pair_of(layer_map, "b")) == ((2, Top("relu", "a")),)
    assert (layer_map.missing, layer_map.extra, layer_map.folded) == ({}, {}, ("data",))


def test_fused_activation_is_compared_behind_the_in_place_layer() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a", "relu"), ("Conv2D", "b")))
    assert shown(layer_map) == {"a + relu": "a", "b": "b"}
    assert pair_of(layer_map, "a").top == Top("relu", "a")
    assert pair_of(layer_map, "relu").layer.name == "a"
    assert cuts(pair_of(layer_map, "b")) == ((1, Top("relu", "a")),)
    assert layer_map.missing == {}


def test_lost_activation_is_a_missing_layer() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a"), ("Conv2D", "b")))
    assert shown(layer_map) == {"a": "a", "b": "b"}
    assert layer_map.missing == {"relu": "no Keras layer is named 'relu' and none stands at its place in the graph"}
    # What Keras feeds to `b` stands in for the blob behind the ReLU, so that `b` itself is judged on the right numbers.
    assert cuts(pair_of(layer_map, "b")) == ((1, Top("relu", "a")),)


def test_activation_of_another_kind_is_still_the_counterpart_and_a_wrong_one() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a", "tanh"), ("Conv2D", "b")))
    assert shown(layer_map) == {"a + relu": "a", "b": "b"}
    assert layer_map.missing == {}


def test_activation_too_many_does_not_hide_the_one_that_stands_alone() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a", "tanh"), ("ReLU", "re_lu"), ("Conv2D", "b")))
    assert shown(layer_map) == {"a": "a", "relu": "re_lu", "b": "b"}


def test_activation_layer_without_a_name_of_its_own() -> None:
    layer_map = map_layers(
        conv_relu_conv(), chain(("Conv2D", "a"), ("Activation", "activation_3", "relu"), ("Conv2D", "b"))
    )
    assert shown(layer_map) == {"a": "a", "relu": "activation_3", "b": "b"}
    assert pair_of(layer_map, "relu").reason == "Activation at the same place in the graph"


def test_an_activation_inside_a_recurrent_layer_stands_for_nothing_behind_it() -> None:
    text = nets.data(4, 2, 3, name="x") + nets.data(4, 2, name="cont")
    text += 'layer { name: "h" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 2 } }'
    graph = Graph(inputs=2)
    made = graph("LSTM", "h", 0, activation="relu")
    layer_map = map_layers(nets.network(text + nets.relu("h", "relu")), graph.end(made))
    assert shown(layer_map) == {"h": "h"}
    assert set(layer_map.missing) == {"relu"}


def test_softmax_activation_does_not_stand_for_a_relu() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("Conv2D", "a"), ("Activation", "act", "softmax"), ("Conv2D", "b")))
    assert "relu" in layer_map.missing
    assert layer_map.extra == {"act": "no Caffe layer for this Activation; it is judged with the layer behind it"}


def test_layers_without_names_by_their_place() -> None:
    graph = chain(("Conv2D", "conv2d_7", "relu"), ("Conv2D", "conv2d_3"))
    layer_map = map_layers(conv_relu_conv(), graph)
    assert shown(layer_map) == {"a + relu": "conv2d_7", "b": "conv2d_3"}
    assert {pair.reason for pair in layer_map.pairs} == {"Conv2D at the same place in the graph"}


def test_branches_without_names_are_taken_in_caffes_order() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.conv("data", "b"))
    graph = Graph()
    graph("Conv2D", "one", 0)
    graph("Conv2D", "two", 0)
    assert shown(map_layers(net, graph.end(1, 2))) == {"a": "one", "b": "two"}


def test_a_class_that_cannot_stand_for_the_layer_is_not_taken() -> None:
    layer_map = map_layers(conv_relu_conv(), chain(("LSTM", "x"), ("ReLU", "relu"), ("Conv2D", "b")))
    assert "a" in layer_map.missing
    assert layer_map.extra["x"] == "no Caffe layer for this LSTM; it is judged with the layer behind it"


def test_a_layer_too_many_does_not_take_the_place_of_a_named_one() -> None:
    graph = chain(("Conv2D", "a", "relu"), ("Conv2D", "conv2d_9"), ("Conv2D", "b"))
    layer_map = map_layers(conv_relu_conv(), graph)
    assert shown(layer_map) == {"a + relu": "a", "b": "conv2d_9 b"}
    assert layer_map.extra == {"conv2d_9": "no Caffe layer for this Conv2D; it is judged with the layer behind it"}


def test_padding_belongs_to_the_layer_behind_it() -> None:
    graph = chain(("ZeroPadding2D", "zero_padding2d"), ("Conv2D", "a", "relu"), ("Conv2D", "b"))
    layer_map = map_layers(conv_relu_conv(), graph)
    assert shown(layer_map) == {"a + relu": "zero_padding2d a", "b": "b"}
    assert cuts(pair_of(layer_map, "a")) == ((0, Top("data", "data")),)
    assert layer_map.extra == {}


def test_slash_in_a_name() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "inception/1x1"))
    layer_map = map_layers(net, chain(("Conv2D", "inception__1x1")))
    assert shown(layer_map) == {"inception/1x1": "inception__1x1"}
    assert pair_of(layer_map, "inception/1x1").reason == "same name"


def test_names_of_the_case_go_before_everything_else() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.conv("data", "b"))
    graph = Graph()
    graph("Conv2D", "a", 0)
    graph("Conv2D", "b", 0)
    layer_map = map_layers(net, graph.end(1, 2), {"a": "b", "b": "a"})
    assert shown(layer_map) == {"a": "b", "b": "a"}
    assert {pair.reason for pair in layer_map.pairs} == {"named in the case"}
    assert pair_of(layer_map, "a").outputs[0].tensor == 2


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"c": "a"}, "layer 'c': [names] speaks of Caffe layer 'c', which the net does not have"),
        ({"a": "c"}, "layer 'a': [names] speaks of Keras layer 'c', which the model does not have"),
    ],
)
def test_names_that_do_not_exist(names: dict[str, str], said: str) -> None:
    with pytest.raises(MappingError) as caught:
        map_layers(conv_relu_conv(), chain(("Conv2D", "a"), ("Conv2D", "b")), names)
    assert str(caught.value) == said


def test_missing_and_extra_layers() -> None:
    graph = chain(("Conv2D", "a", "relu"), ("BatchNormalization", "bn"))
    layer_map = map_layers(conv_relu_conv(), graph)
    assert shown(layer_map) == {"a + relu": "a"}
    assert layer_map.missing == {"b": "no Keras layer is named 'b' and none stands at its place in the graph"}
    assert layer_map.beyond == {
        "bn": "the model's output comes out of 'bn' (BatchNormalization), which the Caffe net does not have"
    }
    assert layer_map.extra == {}
    assert layer_map.order == ("data", "a", "relu", "b")


@pytest.mark.parametrize("with_dropout", [True, False])
def test_dropout_is_folded_on_either_side(with_dropout: bool) -> None:
    net = nets.network(
        nets.data(1, 3, 8, 8)
        + nets.conv("data", "a")
        + nets.layer("Dropout", "a", "drop", top="a")
        + nets.conv("a", "b")
    )
    layers = [("Conv2D", "a"), ("Dropout", "drop"), ("Conv2D", "b")]
    layer_map = map_layers(net, chain(*(one for one in layers if with_dropout or one[1] != "drop")))
    assert shown(layer_map) == {"a": "a", "b": "drop b" if with_dropout else "b"}
    assert layer_map.folded == ("data", "drop")
    assert pair_of(layer_map, "b").bottoms == (Top("a", "a"),), "the blob behind Dropout is the one before it"
    assert (layer_map.missing, layer_map.extra) == ({}, {})


def test_relu_behind_a_dropout_is_fused_too() -> None:
    """conv → dropout → relu is conv(activation="relu") at inference."""
    net = nets.network(
        nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.layer("Dropout", "a", "drop", top="a") + nets.relu("a")
    )
    assert shown(map_layers(net, chain(("Conv2D", "a", "relu")))) == {"a + relu": "a"}


def test_relu_of_a_blob_that_others_read_unrectified_is_not_fused() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.relu("a", top="r") + nets.conv("a", "b"))
    graph = Graph()
    a = graph("Conv2D", "a", 0, activation="relu")
    graph("Conv2D", "b", a)
    layer_map = map_layers(net, graph.end(2))
    assert shown(layer_map) == {"a": "a", "b": "b"}
    assert "relu" in layer_map.missing


def test_softmax_behind_a_reshape() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "final") + nets.layer("Softmax", "final", "prob"))
    graph = chain(("Conv2D", "final"), ("Reshape", "reshape"), ("Activation", "activation", "softmax"))
    layer_map = map_layers(net, graph)
    assert shown(layer_map) == {"final": "final", "prob": "reshape activation"}
    assert layer_map.extra == {}


def test_crop_behind_a_transposed_convolution_belongs_to_it() -> None:
    net = nets.network(
        nets.data(1, 3, 8, 8)
        + nets.layer("Deconvolution", "data", "up", "convolution_param { num_output: 3 kernel_size: 4 pad: 1 }")
        + nets.relu("up")
    )
    layer_map = map_layers(net, chain(("Conv2DTranspose", "up"), ("Cropping2D", "crop"), ("ReLU", "relu")))
    assert shown(layer_map) == {"up": "up crop", "relu": "relu"}
    assert pair_of(layer_map, "up").outputs[0].tensor == 2
    assert cuts(pair_of(layer_map, "relu")) == ((2, Top("up", "up")),)


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_a_pool_that_picks_belongs_to_the_convolution_that_it_serves(kind: str) -> None:
    """Keras' Conv2D takes no stride beside a dilation; a pool of one pixel before or behind it does the stride."""
    net = nets.network(
        nets.data(1, 3, 9, 9)
        + nets.conv("data", "a", "num_output: 3 kernel_size: 3 stride: 2 dilation: 3")
        + nets.conv("a", "b", "num_output: 3 kernel_size: 1")
    )
    graph = Graph()
    x = graph("Conv2D", "a", 0, dilation_rate=[3, 3])
    x = graph("Conv2D", "b", graph(f"{kind}Pooling2D", "pick", x, pool_size=[1, 1], strides=[2, 2]))
    layer_map = map_layers(net, graph.end(x))
    assert shown(layer_map) == {"a": "a pick", "b": "b"}
    graph = Graph()
    x = graph("Conv2D", "a", graph(f"{kind}Pooling2D", "pick", 0, pool_size=[1, 1], strides=[2, 2]))
    layer_map = map_layers(net, graph.end(graph("Conv2D", "b", x)))
    assert shown(layer_map) == {"a": "pick a", "b": "b"}
    assert layer_map.extra == {}


def test_a_pool_of_one_pixel_may_be_a_layer_of_its_own() -> None:
    """As the shortcuts of some residual nets have it; the convolution before it lacks nothing."""
    net = nets.network(
        nets.data(1, 3, 9, 9)
        + nets.conv("data", "a", "num_output: 3 kernel_size: 3 stride: 2")
        + nets.layer("Pooling", "a", "pool", "pooling_param { kernel_size: 1 stride: 2 }")
    )
    graph = Graph()
    x = graph("MaxPooling2D", "subsample", graph("Conv2D", "a", 0, strides=[2, 2]), pool_size=[1, 1], strides=[2, 2])
    assert shown(map_layers(net, graph.end(x))) == {"a": "a", "pool": "subsample"}


def test_crop_that_bears_a_caffe_layers_name_is_its_own() -> None:
    net = nets.network(
        nets.data(1, 3, 8, 8)
        + nets.layer("Deconvolution", "data", "up", "convolution_param { num_output: 3 kernel_size: 4 }")
        + nets.relu("up", "crop")
    )
    layer_map = map_layers(net, chain(("Conv2DTranspose", "up"), ("Cropping2D", "crop")))
    assert shown(layer_map) == {"up": "up", "crop": "crop"}


def two_inputs() -> Network:
    return nets.network(
        nets.data(1, 3, 8, 8, name="left") + nets.data(1, 2, 8, 8, name="right") + nets.conv("right", "b")
    )


def test_inputs_go_in_order() -> None:
    graph = Graph(inputs=2)
    graph("Conv2D", "b", 1)
    assert cuts(pair_of(map_layers(two_inputs(), graph.end(2)), "b")) == ((1, Top("right", "right")),)


def test_another_number_of_inputs() -> None:
    with pytest.raises(MappingError) as caught:
        map_layers(two_inputs(), chain(("Conv2D", "b")))
    assert str(caught.value) == "the Caffe net has 2 inputs (left, right), the Keras model 1"


def test_segments_are_cut_at_mapped_tensors_only() -> None:
    """An unmapped layer in between is run within the segment behind it."""
    graph = chain(("Conv2D", "a", "relu"), ("BatchNormalization", "bn"), ("Conv2D", "b"))
    pair = pair_of(map_layers(conv_relu_conv(), graph), "b")
    assert pair.keras == ("bn", "b")
    assert cuts(pair) == ((1, Top("relu", "a")),)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (None, None),
        ("linear", None),
        ("relu", "relu"),
        ("ReLU", "relu"),
        ({"class_name": "function", "config": "softmax", "registered_name": "function"}, "softmax"),
        ({"class_name": "ReLU", "config": {"name": "re_lu_1", "max_value": None}}, "re_lu_1"),
    ],
)
def test_activation_of_a_configuration(activation: object, name: str | None) -> None:
    assert activation_of(KerasNode("a", "Conv2D", {"activation": activation}, (), (0,), ((None,),))) == name


def test_canonical_tops_follow_identities_to_what_was_computed() -> None:
    net = nets.network(
        nets.data(1, 3, 8, 8)
        + nets.conv("data", "a")
        + 'layer { name: "split" type: "Split" bottom: "a" top: "a1" top: "a2" }\n'
        + nets.layer("Dropout", "a2", "drop", top="a2")
        + nets.relu("a1")
    )
    canonical = canonical_tops(net)
    assert canonical[Top("drop", "a2")] == canonical[Top("split", "a1")] == Top("a", "a")
    assert canonical[Top("relu", "a1")] == Top("relu", "a1")


# ---------------------------------------------------------------------------------------------- with real Keras


def test_converted_nets_map_whole() -> None:
    keras_engine = pytest.importorskip("harness.engines.keras")
    net = nets.network(
        nets.data(1, 3, 9, 9)
        + nets.conv("data", "a/b", "num_output: 4 kernel_size: 3 pad: 2")
        + nets.relu("a/b")
        + nets.layer("Pooling", "a/b", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
        + nets.layer("Dropout", "pool", "drop", top="pool")
        + nets.layer("InnerProduct", "pool", "ip", "inner_product_param { num_output: 5 }")
        + nets.layer("Softmax", "ip", "prob")
    )
    model = nets.keras_model(net, nets.random_blobs(net))
    layer_map = map_layers(net, keras_engine.wrap_model(model, "model").graph)
    assert [" + ".join(one.name for one in pair.caffe) for pair in layer_map.pairs] == [
        "a/b + relu",
        "pool",
        "ip",
        "prob",
    ]
    assert (layer_map.missing, layer_map.extra) == ({}, {})
    assert layer_map.pairs[2].keras[0] == "drop"
    assert "flatten" in layer_map.pairs[2].keras[1]


def test_an_activation_object_in_place_of_its_name() -> None:
    from harness.engines.keras import wrap_model
    from harness.extras import import_keras

    keras = import_keras()
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, activation=keras.layers.ReLU(), name="a")]
    )
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.relu("a"))
    assert shown(map_layers(net, wrap_model(model, "model").graph)) == {"a + relu": "a"}


def test_two_caffe_names_that_keras_cannot_tell_apart_are_refused() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a/b") + nets.conv("a/b", "a__b"))
    with pytest.raises(MappingError) as caught:
        map_layers(net, chain(("Conv2D", "a__b")))
    assert "layers 'a/b' and 'a__b' would both be 'a__b' in Keras" in str(caught.value)


def test_two_tops_that_are_one_keras_tensor_are_read_once() -> None:
    """A Concat of one bottom is nothing in Keras, so that its top and its bottom are the same tensor there."""
    text = nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.layer("Concat", "a", "same")
    text += 'layer { name: "sum" type: "Eltwise" bottom: "same" bottom: "a" top: "sum" }\n'
    graph = Graph()
    a = graph("Conv2D", "a", 0)
    layer_map = map_layers(nets.network(text), graph.end(graph("Add", "sum", a, a)))
    assert shown(layer_map) == {"a": "a", "sum": "sum"}
    assert (layer_map.missing, layer_map.extra) == ({}, {})
    assert pair_of(layer_map, "sum").bottoms == (Top("same", "same"), Top("a", "a"))


def test_a_dropout_behind_one_of_several_outputs_is_compared_along() -> None:
    text = nets.data(1, 4, 8, 8) + 'layer { name: "s" type: "Slice" bottom: "data" top: "x" top: "y" }\n'
    net = nets.network(text + nets.layer("Dropout", "x", "drop", top="x") + nets.conv("y", "a"))
    graph = Graph()
    graph.nodes.append(KerasNode("s", "Slice", {}, (0,), (1, 2), ((None, 8, 8, 2), (None, 8, 8, 2))))
    graph.count = 3
    layer_map = map_layers(net, graph.end(graph("Dropout", "drop", 1), graph("Conv2D", "a", 2)))
    assert layer_map.beyond == {}
    assert [(cut.tensor, cut.top) for cut in pair_of(layer_map, "s").outputs] == [
        (2, Top("s", "y")),
        (3, Top("s", "x")),
    ]


def test_an_output_that_another_layer_reads_before_its_dropout_is_compared_twice() -> None:
    text = nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.layer("Dropout", "a", "drop") + nets.conv("a", "b")
    graph = Graph()
    a = graph("Conv2D", "a", 0)
    layer_map = map_layers(nets.network(text), graph.end(graph("Dropout", "drop", a), graph("Conv2D", "b", a)))
    assert layer_map.beyond == {}
    assert [cut.top for cut in pair_of(layer_map, "a").outputs] == [Top("a", "a"), Top("a", "a")]
