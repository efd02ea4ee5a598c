"""Small nets whose axes are reshaped, permuted, joined and flattened: the code that comes out, its numbers, and the map.

Caffe is channels-first everywhere, the converted nets and the hand-written ones are channels-last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.caffe_table import record_net
from support.verdicts import judge_pair

from harness.convert.plan import plan
from harness.convert.source import write_source
from harness.convert.weights import keras_weights
from harness.data import Network, Order, Top
from harness.engines import docker
from harness.engines.keras import wrap_model
from harness.extras import import_keras
from harness.layers.folding import folds
from harness.mapping import map_layers
from harness.recording import load_top


def layer(kind: str, bottoms: str, name: str, parameters: str = "", tops: str = "") -> str:
    """A layer; bottoms and tops stand with spaces between."""
    blobs = [f'bottom: "{one}"' for one in bottoms.split()] + [f'top: "{one}"' for one in (tops or name).split()]
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(blobs)} {parameters} }}\n'


def conv(bottom: str, name: str, parameters: str = "num_output: 3 kernel_size: 3 pad: 1") -> str:
    return nets.conv(bottom, name, parameters)


def permute(bottom: str, name: str, *order: int) -> str:
    return layer("Permute", bottom, name, f"permute_param {{ order: {list(order)} }}")


def reshape(bottom: str, name: str, *dims: int) -> str:
    return layer("Reshape", bottom, name, f"reshape_param {{ shape {{ dim: {list(dims)} }} }}")


def dense(bottom: str, name: str = "ip", more: str = "") -> str:
    return layer("InnerProduct", bottom, name, f"inner_product_param {{ num_output: 5 {more} }}")


def softmax(bottom: str, name: str = "prob", axis: int = 1) -> str:
    return layer("Softmax", bottom, name, f"softmax_param {{ axis: {axis} }}")


DATA = nets.data(2, 3, 6, 5)

SSD = (
    'name: "ssd"\n'
    + nets.data(2, 3, 9, 8)
    + conv("data", "conv1", "num_output: 8 kernel_size: 3")
    + nets.relu("conv1", "relu1")
    + conv("conv1", "conf1", "num_output: 63 kernel_size: 3 pad: 1")
    + permute("conf1", "conf1_perm", 0, 2, 3, 1)
    + layer("Flatten", "conf1_perm", "conf1_flat", "flatten_param { axis: 1 }")
    + conv("conv1", "conv2", "num_output: 6 kernel_size: 3")
    + nets.relu("conv2", "relu2")
    + conv("conv2", "conf2", "num_output: 42 kernel_size: 3 pad: 1")
    + permute("conf2", "conf2_perm", 0, 2, 3, 1)
    + layer("Flatten", "conf2_perm", "conf2_flat", "flatten_param { axis: 1 }")
    + layer("Concat", "conf1_flat conf2_flat", "mbox_conf", "concat_param { axis: 1 }")
    + reshape("mbox_conf", "mbox_conf_reshape", 0, -1, 21)
    + softmax("mbox_conf_reshape", "mbox_conf_softmax", axis=2)
    + layer("Flatten", "mbox_conf_softmax", "mbox_conf_flatten", "flatten_param { axis: 1 }")
)
RETINAFACE = (
    'name: "retinaface"\n'
    + DATA
    + conv("data", "score", "num_output: 4 kernel_size: 1")
    + reshape("score", "score_reshape", 0, 2, -1, 0)
    + softmax("score_reshape", "prob")
    + reshape("prob", "prob_reshape", 0, 4, -1, 0)
)
WITH_A_VECTOR = (
    'name: "with_a_vector"\n'
    + DATA
    + nets.data(2, 4, name="extra")
    + conv("data", "conv")
    + layer("Flatten", "conv", "flat")
    + layer("Concat", "flat extra", "both")
    + dense("both")
)


@dataclass(frozen=True)
class Whole:
    """A net, and its outputs: the top and how the Keras model's output has its axes."""

    text: str
    outputs: Sequence[tuple[str, Order]]

    @property
    def net(self) -> Network:
        return nets.network(self.text)


NETS = {
    "SSD's head": Whole(SSD, [("mbox_conf_flatten", (0, 1))]),
    "RetinaFace's head": Whole(RETINAFACE, [("prob_reshape", (0, 1, 2, 3))]),
    "a flattened picture and a vector": Whole(WITH_A_VECTOR, [("ip", (0, 1))]),
    "a picture as a sequence": Whole(
        DATA
        + conv("data", "conv", "num_output: 4 kernel_size: 3")
        + reshape("conv", "sequence", 0, 0, -1)
        + dense("sequence", more="axis: 2"),
        [("ip", (0, 1, 2))],
    ),
    "columns as a sequence": Whole(
        DATA
        + conv("data", "conv", "num_output: 4 kernel_size: 3")
        + permute("conv", "columns", 0, 3, 1, 2)
        + dense("columns", more="axis: 2"),
        [("ip", (0, 1, 2))],
    ),
    "a channel shuffle": Whole(
        DATA
        + conv("data", "conv", "num_output: 6 kernel_size: 1 group: 3")
        + layer("ShuffleChannel", "conv", "shuffle", "shuffle_channel_param { group: 3 }")
        + conv("shuffle", "depthwise", "num_output: 6 kernel_size: 3 group: 6"),
        [("depthwise", (0, 2, 3, 1))],
    ),
    "cut and joined along height and width": Whole(
        DATA
        + layer("Slice", "data", "rows", "slice_param { axis: 2 slice_point: 2 }", "above below")
        + layer("Concat", "below above", "turned", "concat_param { axis: 2 }")
        + layer("Slice", "turned", "columns", "slice_param { axis: -1 slice_point: 3 }", "left right")
        + layer("Concat", "right left", "mirrored", "concat_param { axis: 3 }")
        + conv("mirrored", "conv"),
        [("conv", (0, 2, 3, 1))],
    ),
    "a sum of a flattened picture and a vector": Whole(
        DATA
        + nets.data(2, 6, name="extra")
        + layer("Pooling", "data", "pool", "pooling_param { pool: AVE global_pooling: true }")
        + conv("pool", "conv", "num_output: 6 kernel_size: 1")
        + layer("Flatten", "conv", "flat")
        + layer("Eltwise", "flat extra", "sum", "eltwise_param { coeff: 1 coeff: 0.5 }"),
        [("sum", (0, 1))],
    ),
    "a dropout behind a flatten": Whole(
        DATA
        + conv("data", "conv")
        + layer("Flatten", "conv", "flat")
        + layer("Dropout", "flat", "drop", tops="flat")
        + dense("flat"),
        [("ip", (0, 1))],
    ),
    "a global pool reshaped": Whole(
        DATA
        + conv("data", "conv")
        + layer("Pooling", "conv", "pool", "pooling_param { pool: AVE global_pooling: true }")
        + reshape("pool", "vector", 0, -1)
        + dense("vector"),
        [("ip", (0, 1))],
    ),
    "two outputs of different orders": Whole(
        DATA + conv("data", "conv") + permute("conv", "boxes", 0, 2, 3, 1) + conv("conv", "score") + softmax("score"),
        [("boxes", (0, 1, 2, 3)), ("prob", (0, 2, 3, 1))],
    ),
    "a flatten at the end": Whole(DATA + conv("data", "conv") + layer("Flatten", "conv", "flat"), [("flat", (0, 1))]),
    "what hangs on nothing": Whole(
        DATA
        + 'layer { name: "grid" type: "DummyData" top: "grid" dummy_data_param { shape { dim: [2, 2, 6, 5] } '
        + "data_filler { value: 0.3 } } }\n"
        + 'layer { name: "bias" type: "Parameter" top: "bias" parameter_param { shape { dim: [2, 5, 6, 5] } } }\n'
        + layer("Concat", "grid data", "both")
        + layer("Eltwise", "both bias", "sum")
        + conv("sum", "conv"),
        [("conv", (0, 2, 3, 1))],
    ),
    "what is needed for its shape alone": Whole(
        DATA
        + conv("data", "conv")
        + conv("data", "small", "num_output: 2 kernel_size: 3")
        + nets.relu("small")
        + 'layer { name: "tiny" type: "DummyData" top: "tiny" dummy_data_param { shape { dim: [1, 1, 2, 2] } } }\n'
        + layer("Crop", "conv small", "crop", "crop_param { offset: 1 }")
        + layer("Crop", "crop tiny", "center", "crop_param { axis: 2 offset: 1 offset: 0 }"),
        [("center", (0, 2, 3, 1))],
    ),
    "one alone": Whole(
        DATA
        + conv("data", "conv")
        + layer("Concat", "conv", "alone")
        + layer("Tile", "alone", "once", "tile_param { tiles: 1 }")
        + conv("once", "next"),
        [("next", (0, 2, 3, 1))],
    ),
    "the same blob twice": Whole(
        DATA
        + conv("data", "conv")
        + layer("Eltwise", "conv conv", "double", "eltwise_param { coeff: 0.25 coeff: 0.5 }")
        + layer("Eltwise", "double double", "square", "eltwise_param { operation: PROD }")
        + layer("Concat", "square square", "both", "concat_param { axis: 3 }"),
        [("both", (0, 2, 3, 1))],
    ),
    "numbers at the end": Whole(
        DATA
        + conv("data", "conv", "num_output: 4 kernel_size: 3")
        + layer("ArgMax", "conv", "label", "argmax_param { axis: 1 }")
        + layer("ArgMax", "conv", "best", "argmax_param { top_k: 2 out_max_val: true }")
        + layer("Reduction", "conv", "size", "reduction_param { operation: SUMSQ coeff: 0.5 }"),
        [("label", (0, 2, 3, 1)), ("best", (0, 1, 2, 3)), ("size", ())],
    ),
}
every_net = pytest.mark.parametrize("whole", [pytest.param(whole, id=name) for name, whole in NETS.items()])


def expected(whole: Whole, net: Network, blobs, inputs) -> list[np.ndarray]:
    """The outputs by the definitions, their axes as the model has them."""
    tops = {top.blob: array for top, array in nets.define_all(net, blobs, inputs).items()}
    return [tops[blob].transpose(order) for blob, order in whole.outputs]


def arrays(outputs) -> list[np.ndarray]:
    return [np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def feeds(inputs) -> object:
    """What a converted model is called with."""
    given = [array.transpose((0, 2, 3, 1)) if array.ndim == 4 else array for array in inputs.values()]
    return given if len(given) > 1 else given[0]


def model_of(source: str):
    names: dict[str, object] = {}
    exec(compile(source, "model.py", "exec"), names)
    return names["get_model"]()


@every_net
def test_the_converted_net_computes_what_the_definitions_say(whole: Whole) -> None:
    net = whole.net
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    computed = nets.run_keras(net, blobs, inputs)
    for ours, right in zip(computed, expected(whole, net, blobs, inputs), strict=True):
        assert ours.shape == right.shape
        np.testing.assert_allclose(ours, right, rtol=1e-5, atol=1e-5)


@every_net
def test_the_source_makes_the_same_model(whole: Whole) -> None:
    net = whole.net
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    model = model_of(write_source(plan(net)))
    nets.fill(model, dict(keras_weights(net, nets.weights(blobs))))
    live = nets.run_keras(net, blobs, inputs)
    for ours, theirs in zip(arrays(model(feeds(inputs), training=False)), live, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@every_net
def test_a_batch_of_another_size_gives_the_same(whole: Whole) -> None:
    """But for what Caffe itself fixes: constants, learned blobs, and sums over the batch."""
    if "DummyData" in whole.text or "Reduction" in whole.text:
        return
    net = whole.net
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    model = nets.keras_model(net, blobs)
    one = {top: array[:1] for top, array in inputs.items()}
    for alone, both in zip(arrays(model(feeds(one))), arrays(model(feeds(inputs))), strict=True):
        np.testing.assert_allclose(alone, both[:1], rtol=1e-5, atol=1e-6)


def mapped_whole(net: Network, model) -> None:
    """Every layer of either side has its counterpart, or computes nothing."""
    layer_map = map_layers(net, wrap_model(model, "model.keras").graph)
    assert (layer_map.missing, layer_map.extra, layer_map.beyond) == ({}, {}, {})
    paired = {one.name for pair in layer_map.pairs for one in pair.caffe}
    assert paired | set(layer_map.folded) == {one.name for one in net.layers}
    assert not any(pair.misread for pair in layer_map.pairs)
    # A named Keras layer is the Caffe layer's own, so that only what needs none may be folded.
    named = {step.name for step in plan(net).steps if step.name}
    assert not {name for name in layer_map.folded if name in named and not folds(net, net[name])}


@every_net
def test_the_map_finds_every_layer(whole: Whole, tmp_path: Path) -> None:
    """In the live model, and in one that was saved and loaded again."""
    net = whole.net
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    model = nets.keras_model(net, blobs)
    mapped_whole(net, model)
    model.save(tmp_path / "model.keras")
    again = import_keras().models.load_model(tmp_path / "model.keras")
    mapped_whole(net, again)
    for ours, theirs in zip(arrays(again(feeds(inputs))), arrays(model(feeds(inputs))), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@every_net
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_every_layer_of_the_converted_net_is_a_match(whole: Whole, strict: bool) -> None:
    net = whole.net
    blobs = nets.random_blobs(net)
    verdicts = judge_all(net, nets.keras_model(net, blobs), blobs, defined(net, blobs), strict)
    assert set(verdicts.values()) == {"match"}


def defined(net: Network, blobs) -> dict[Top, np.ndarray]:
    """Every top by the definitions, each layer's in float32 as Caffe would have it."""
    return nets.define_all(net, blobs, nets.random_inputs(net), np.float32)


def judge_all(net: Network, model, blobs, tops: dict[Top, np.ndarray], strict: bool = False) -> dict[str, str]:
    """The status of every layer that has a counterpart, by its name."""
    layer_map = map_layers(net, wrap_model(model, "model.keras").graph)
    verdicts = {}
    for pair in layer_map.pairs:
        own = {cut.top.blob: tops[cut.top] for cut in pair.outputs}
        row = judge_pair(net, model, blobs, tops, own, layer=pair.layer.name, strict=strict)
        verdicts[pair.layer.name] = row.status.value
    return verdicts


Caffes = dict[str, tuple[dict[Top, np.ndarray], dict[str, nets.Blobs]]]


@pytest.fixture(scope="module")
def caffe(tmp_path_factory: pytest.TempPathFactory) -> Caffes:
    """Every top and the learned blobs of each net, as real Caffe has them: all nets side by side in one."""
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    prefixes = {name: f"net{index}_" for index, name in enumerate(NETS)}
    text = "".join(_prefixed(whole.text, prefixes[name]) for name, whole in NETS.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        recording, _ = record_net(tmp_path_factory.mktemp("nets"), text)
    learned = nets.random_blobs(nets.network(text))
    return {
        name: (
            {
                Top(line.layer.removeprefix(prefix), line.top.removeprefix(prefix)): np.array(
                    load_top(recording, line.layer, line.top)
                )
                for line in recording.tops
                if line.layer.startswith(prefix)
            },
            {layer.removeprefix(prefix): blobs for layer, blobs in learned.items() if layer.startswith(prefix)},
        )
        for name, prefix in prefixes.items()
    }


def _prefixed(text: str, prefix: str) -> str:
    """The layers of a net with longer names."""
    lines = [line for line in text.splitlines() if not line.startswith("name:")]
    return re.sub(r'(name|top|bottom): "', rf'\1: "{prefix}', "\n".join(lines)) + "\n"


@pytest.mark.engine
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
@pytest.mark.parametrize("name", list(NETS))
def test_every_layer_matches_real_caffe(caffe: Caffes, name: str, strict: bool) -> None:
    net = NETS[name].net
    tops, blobs = caffe[name]
    verdicts = judge_all(net, nets.keras_model(net, blobs), blobs, tops, strict)
    assert set(verdicts.values()) == {"match"}


@pytest.mark.engine
@pytest.mark.parametrize("name", list(NETS))
def test_the_definitions_are_real_caffes(caffe: Caffes, name: str) -> None:
    net = NETS[name].net
    tops, blobs = caffe[name]
    inputs = {top: tops[top] for top in net.inputs}
    for top, array in nets.define_all(net, blobs, inputs).items():
        np.testing.assert_allclose(tops[top], array, rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------------------------------------------ the code


def body(whole: Whole) -> str:
    """The source behind its imports."""
    return write_source(plan(whole.net)).partition("\n\n\n")[2]


def test_code_of_ssds_head() -> None:
    """As in every port: channels are last already where Caffe's Permute puts them there."""
    assert body(NETS["SSD's head"]) == (
        "def get_model(input_shape=(9, 8, 3)):\n"
        '    data = keras.Input(input_shape, name="data")\n'
        '    conv1 = layers.Conv2D(8, 3, activation="relu", name="conv1")(data)\n'
        '    x = layers.Conv2D(63, 3, padding="same", name="conf1")(conv1)\n'
        '    conf1_flat = layers.Flatten(name="conf1_flat")(x)\n'
        '    x = layers.Conv2D(6, 3, activation="relu", name="conv2")(conv1)\n'
        '    x = layers.Conv2D(42, 3, padding="same", name="conf2")(x)\n'
        '    conf2_flat = layers.Flatten(name="conf2_flat")(x)\n'
        '    x = layers.Concatenate(name="mbox_conf")([conf1_flat, conf2_flat])\n'
        '    x = layers.Reshape((-1, 21), name="mbox_conf_reshape")(x)\n'
        '    x = layers.Softmax(name="mbox_conf_softmax")(x)\n'
        '    mbox_conf_flatten = layers.Flatten(name="mbox_conf_flatten")(x)\n'
        '    return keras.Model(data, mbox_conf_flatten, name="ssd")\n'
    )


def test_code_of_retinafaces_head() -> None:
    """Channels and height are one axis in Caffe: only a transpose makes that right, and the comment says so."""
    assert body(NETS["RetinaFace's head"]) == (
        "def get_model(input_shape=(6, 5, 3)):\n"
        "    return keras.Sequential(\n"
        "        [\n"
        "            keras.Input(input_shape),\n"
        '            layers.Conv2D(4, 1, name="score"),\n'
        "            layers.Permute((3, 1, 2)),  # the axes in Caffe's order\n"
        '            layers.Reshape((2, -1, 5), name="score_reshape"),\n'
        '            layers.Softmax(axis=1, name="prob"),\n'
        '            layers.Reshape((4, -1, 5), name="prob_reshape"),\n'
        "        ],\n"
        '        name="retinaface",\n'
        "    )\n"
    )


def test_code_of_a_flattened_picture_and_a_vector() -> None:
    """What is joined behind a Flatten must be in Caffe's order: the kernel's rows are shared with the vector."""
    assert body(NETS["a flattened picture and a vector"]) == (
        "def get_model():\n"
        '    data = keras.Input((6, 5, 3), name="data")\n'
        '    extra = keras.Input((4,), name="extra")\n'
        '    x = layers.Conv2D(3, 3, padding="same", name="conv")(data)\n'
        "    x = layers.Permute((3, 1, 2))(x)  # the axes in Caffe's order\n"
        '    flat = layers.Flatten(name="flat")(x)\n'
        '    x = layers.Concatenate(name="both")([flat, extra])\n'
        '    ip = layers.Dense(5, name="ip")(x)\n'
        '    return keras.Model([data, extra], ip, name="with_a_vector")\n'
    )


def test_code_of_a_picture_as_a_sequence() -> None:
    """Rows and columns can be merged with the channels last, and are turned behind that, where there is less to turn."""
    assert body(NETS["a picture as a sequence"]).splitlines()[3:8] == [
        "            keras.Input(input_shape),",
        '            layers.Conv2D(4, 3, name="conv"),',
        '            layers.Reshape((-1, 4), name="sequence"),',
        "            layers.Permute((2, 1)),  # the axes in Caffe's order",
        '            layers.Dense(5, name="ip"),',
    ]


def test_code_of_a_channel_shuffle() -> None:
    assert body(NETS["a channel shuffle"]).splitlines()[4:9] == [
        '            layers.DepthwiseConv2D(1, depth_multiplier=2, name="conv"),',
        "            layers.Reshape((6, 5, 3, 2)),  # the channels of 3 groups …",
        "            layers.Permute((1, 2, 4, 3)),",
        '            layers.Reshape((6, 5, 6), name="shuffle"),  # … in turn',
        '            layers.DepthwiseConv2D(3, name="depthwise"),',
    ]


def test_what_is_needed_for_its_shape_alone_is_no_dead_code() -> None:
    assert body(NETS["what is needed for its shape alone"]).splitlines()[4:7] == [
        '            layers.Conv2D(3, 3, padding="same", name="conv"),',
        '            layers.Cropping2D(1, name="crop"),',
        '            layers.Cropping2D(((1, 1), (0, 1)), name="center"),',
    ]


# ------------------------------------------------------------------------------------------------- written by hand


def ssd_by_hand(*, named: bool, flatten: bool = False, turned: bool = False):
    """As ports of SSD are written: boxes × classes from the start."""
    keras = import_keras()
    layers = keras.layers

    def name(own: str) -> dict[str, str]:
        return {"name": own} if named else {}

    x = keras.Input((9, 8, 3), name="data")
    conv1 = layers.Conv2D(8, 3, activation="relu", name="conv1")(x)
    conf1 = layers.Conv2D(63, 3, padding="same", name="conf1")(conv1)
    if turned:
        conf1 = layers.Permute((3, 1, 2))(conf1)
    conv2 = layers.Conv2D(6, 3, activation="relu", name="conv2")(conv1)
    conf2 = layers.Conv2D(42, 3, padding="same", name="conf2")(conv2)
    boxes = [
        layers.Reshape((-1, 21), **name("conf1_flat"))(conf1),
        layers.Reshape((-1, 21), **name("conf2_flat"))(conf2),
    ]
    y = layers.Concatenate(axis=1, **name("mbox_conf"))(boxes)
    y = layers.Softmax(**name("mbox_conf_softmax"))(y)
    if flatten:
        y = layers.Flatten()(y)
    return keras.Model(x, y)


def chain(*layers, shape=(6, 5, 3)):
    """A model of one layer after the other."""
    keras = import_keras()
    return keras.Sequential([keras.Input(shape, name="data"), *layers])


def retinaface_by_hand(way: str):
    """The four channels are two classes × two anchors: split off, or brought before the rows as Caffe has it."""
    layers = import_keras().layers
    score = layers.Conv2D(4, 1, name="score")
    ways = {
        "the same names": [
            layers.Reshape((6, 5, 2, 2), name="score_reshape"),
            layers.Softmax(axis=3, name="prob"),
            layers.Reshape((6, 5, 4), name="prob_reshape"),
        ],
        "no names": [layers.Reshape((6, 5, 2, 2)), layers.Softmax(axis=-2), layers.Reshape((6, 5, 4))],
        "height left open": [layers.Reshape((-1, 5, 2, 2)), layers.Softmax(axis=3), layers.Reshape((-1, 5, 4))],
        "no second reshape": [layers.Reshape((6, 5, 2, 2)), layers.Softmax(axis=3, name="prob")],
        "anchors below each other": [
            layers.Reshape((6, 5, 2, 2)),
            layers.Permute((4, 1, 2, 3)),
            layers.Reshape((12, 5, 2)),
            layers.Softmax(name="prob"),
        ],
        "Caffe's order": [
            layers.Permute((3, 1, 2)),
            layers.Reshape((2, -1, 5)),
            layers.Softmax(axis=1),
            layers.Reshape((4, 6, 5)),
        ],
    }
    return chain(score, *ways[way])


def filled(net: Network, model, blobs):
    """The model with Caffe's weights in it."""
    own = {one.name for one in model.layers}
    variables = dict(keras_weights(net, nets.weights(blobs)))
    nets.fill(model, {name: arrays for name, arrays in variables.items() if name in own})
    return model


def verdicts_of(text: str, model, strict: bool = False) -> dict[str, str]:
    """What is said of each layer of a hand-written model; nothing may be missing, extra, or behind the last layer."""
    net = nets.network(text)
    blobs = nets.random_blobs(net)
    layer_map = map_layers(net, wrap_model(model, "model.keras").graph)
    assert (layer_map.missing, layer_map.extra, layer_map.beyond) == ({}, {}, {})
    return judge_all(net, filled(net, model, blobs), blobs, defined(net, blobs), strict)


CONVOLUTIONS = ["conv1", "conf1", "conv2", "conf2"]


@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
@pytest.mark.parametrize("flatten", [False, True], ids=["boxes out", "flattened"])
@pytest.mark.parametrize("named", [True, False], ids=["Caffe's names", "no names"])
def test_ssds_head_by_hand_is_a_match(named: bool, flatten: bool, strict: bool) -> None:
    verdicts = verdicts_of(SSD, ssd_by_hand(named=named, flatten=flatten), strict)
    flat = ["conf1_flat", "conf2_flat"] if named else []
    assert set(verdicts) == {*CONVOLUTIONS, *flat, "mbox_conf", "mbox_conf_softmax"}
    assert set(verdicts.values()) == {"match"}


def test_ssds_head_turned_is_found_where_the_boxes_are_joined() -> None:
    verdicts = verdicts_of(SSD, ssd_by_hand(named=False, turned=True))
    assert {name for name, status in verdicts.items() if status != "match"} == {"mbox_conf"}


@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
@pytest.mark.parametrize(
    "way",
    [
        "the same names",
        "no names",
        "height left open",
        "no second reshape",
        "anchors below each other",
        "Caffe's order",
    ],
)
def test_retinafaces_head_by_hand_is_a_match(way: str, strict: bool) -> None:
    verdicts = verdicts_of(RETINAFACE, retinaface_by_hand(way), strict)
    assert {"score", "prob"} <= set(verdicts)
    assert ("score_reshape" in verdicts) == (way == "the same names")
    assert set(verdicts.values()) == {"match"}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (lambda layers: [layers.Reshape((6, 5, 2, 2)), layers.Softmax(), layers.Reshape((6, 5, 4))], {"prob"}),
        (lambda layers: [layers.Reshape((2, -1, 5)), layers.Softmax(axis=1), layers.Reshape((6, 5, 4))], {"prob"}),
        (
            lambda layers: [
                layers.Reshape((2, -1, 5), name="score_reshape"),
                layers.Softmax(axis=1, name="prob"),
                layers.Reshape((4, 6, 5), name="prob_reshape"),
            ],
            {"score_reshape"},
        ),
        (
            lambda layers: [
                layers.Reshape((6, 5, 2, 2)),
                layers.Softmax(axis=3),
                layers.Reshape((6, 5, 4)),
                layers.Permute((2, 1, 3)),
            ],
            {"prob"},
        ),
    ],
    ids=["the other axis", "reshaped as if channels were first", "so, with Caffe's names", "turned at the end"],
)
def test_retinafaces_head_gone_wrong_is_found_where_it_is(wrong, where: set[str]) -> None:
    layers = import_keras().layers
    verdicts = verdicts_of(RETINAFACE, chain(layers.Conv2D(4, 1, name="score"), *wrong(layers)))
    assert {name for name, status in verdicts.items() if status != "match"} == where


CONV = DATA + conv("data", "conv")
FLATTENED = CONV + layer("Flatten", "conv", "flat")


@pytest.mark.parametrize(
    ("text", "layers_of", "wrong"),
    [
        (FLATTENED, lambda layers: [layers.Permute((3, 1, 2)), layers.Flatten()], set()),
        (FLATTENED, lambda layers: [layers.Permute((3, 1, 2)), layers.Flatten(name="flat")], set()),
        (FLATTENED, lambda layers: [layers.Flatten()], {"conv"}),
        (FLATTENED, lambda layers: [layers.Flatten(name="flat")], {"flat"}),
        (CONV, lambda layers: [layers.Permute((3, 1, 2))], set()),
        (CONV, lambda layers: [layers.Reshape((-1, 3))], set()),
        (CONV, lambda layers: [layers.Permute((2, 1, 3))], {"conv"}),
        (CONV, lambda layers: [layers.Permute((3, 2, 1))], {"conv"}),
    ],
    ids=[
        "flattened in Caffe's order",
        "flattened in Caffe's order, by name",
        "flattened in another order",
        "flattened in another order, by name",
        "channels first",
        "pixels in a row",
        "height and width exchanged",
        "all turned",
    ],
)
def test_what_comes_out_must_be_in_an_order_that_one_expects(text: str, layers_of, wrong: set[str]) -> None:
    layers = import_keras().layers
    model = chain(layers.Conv2D(3, 3, padding="same", name="conv"), *layers_of(layers))
    verdicts = verdicts_of(text, model)
    assert {name for name, status in verdicts.items() if status != "match"} == wrong


@pytest.mark.parametrize("turned", [True, False])
def test_a_vector_joined_to_a_flattened_picture(turned: bool) -> None:
    """Flattened as it is, the picture's numbers are not in the order of Caffe's, and the join shows it."""
    keras = import_keras()
    layers = keras.layers
    data, extra = keras.Input((6, 5, 3), name="data"), keras.Input((4,), name="extra")
    y = layers.Conv2D(3, 3, padding="same", name="conv")(data)
    y = layers.Permute((3, 1, 2))(y) if turned else y
    y = layers.Concatenate(name="both")([layers.Flatten()(y), extra])
    verdicts = verdicts_of(WITH_A_VECTOR, keras.Model([data, extra], layers.Dense(5, name="ip")(y)))
    assert verdicts == {"conv": "match", "both": "match" if turned else "diverges", "ip": "match"}


@pytest.mark.parametrize("shuffled", [True, False])
def test_a_channel_shuffle_without_names_is_judged_with_what_reads_it(shuffled: bool) -> None:
    layers = import_keras().layers
    model = chain(
        layers.DepthwiseConv2D(1, depth_multiplier=2, name="conv"),
        layers.Reshape((6, 5, 3, 2)),
        *([layers.Permute((1, 2, 4, 3))] if shuffled else []),
        layers.Reshape((6, 5, 6)),
        layers.DepthwiseConv2D(3, name="depthwise"),
    )
    verdicts = verdicts_of(NETS["a channel shuffle"].text, model)
    assert verdicts == {"conv": "match", "depthwise": "match" if shuffled else "diverges"}


@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
@pytest.mark.parametrize("axis", [2, 1])
def test_a_softmax_inside_of_a_dense_layer_works_along_the_last_axis(axis: int, strict: bool) -> None:
    text = NETS["a picture as a sequence"].text + softmax("ip", axis=axis)
    layers = import_keras().layers
    model = chain(
        layers.Conv2D(4, 3, name="conv"),
        layers.Reshape((12, 4)),
        layers.Permute((2, 1)),
        layers.Dense(5, activation="softmax", name="ip"),
    )
    verdicts = verdicts_of(text, model, strict)
    assert verdicts == {"conv": "match", "ip": "match" if axis == 2 else "diverges"}


def test_an_input_that_caffe_permutes_first() -> None:
    text = nets.data(2, 4, 3, 5) + permute("data", "turned", 0, 2, 1, 3)
    text += conv("turned", "conv", "num_output: 3 kernel_size: 3")
    layers = import_keras().layers
    model = chain(layers.Permute((3, 2, 1)), layers.Conv2D(3, 3, name="conv"), shape=(3, 5, 4))
    assert verdicts_of(text, model) == {"conv": "match"}


def test_argmax_without_its_axis_is_a_match() -> None:
    keras = import_keras()
    x = keras.Input((6, 5, 3), name="data")
    y = keras.ops.argmax(keras.layers.Conv2D(4, 3, name="conv")(x), axis=-1)
    text = DATA + conv("data", "conv", "num_output: 4 kernel_size: 3")
    text += layer("ArgMax", "conv", "label", "argmax_param { axis: 1 }")
    assert verdicts_of(text, keras.Model(x, y)) == {"conv": "match", "label": "match"}
