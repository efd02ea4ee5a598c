"""The generated source is run, compared with the live model, and held to the project's own style."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness.convert.plan import plan
from harness.convert.source import WIDTH, write_source
from harness.convert.weights import keras_weights

CHAIN = (
    'name: "chain"\n'
    + nets.data(1, 3, 11, 12)
    + nets.conv("data", "conv/1", "num_output: 4 kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 0")
    + nets.relu("conv/1")
    + nets.layer("Pooling", "conv/1", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
    + nets.layer("Deconvolution", "pool", "up", "convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 }")
    + nets.layer("Dropout", "up", "drop", top="up")
    + nets.layer("InnerProduct", "up", "ip", "inner_product_param { num_output: 5 }")
    + nets.layer("Softmax", "ip", "prob")
)
BRANCHES = (
    'name: "2 branches"\n'
    + nets.data(1, 3, 9, 9)
    + nets.conv("data", "x", "num_output: 4 kernel_size: 3 pad: 1")
    + nets.conv("x", "class", "num_output: 3 kernel_size: 3 pad: 2")
    + nets.relu("class")
    + nets.layer("Pooling", "x", "3x3", "pooling_param { pool: AVE kernel_size: 3 stride: 3 }")
    + nets.layer("ReLU", "3x3", "leaky", "relu_param { negative_slope: 0.1 }")
)
LONG_NAME = "inception_4e_" + "very_long_" * 3 + "name"
LONG = (
    nets.data(1, 3, 9, 9)
    + nets.conv("data", LONG_NAME, "num_output: 4 kernel_h: 3 kernel_w: 1 dilation: 2 bias_term: false")
    + nets.layer(
        "Deconvolution", LONG_NAME, "up_" + LONG_NAME, "convolution_param { num_output: 4 kernel_size: 2 group: 2 }"
    )
)
LONG_BRANCHES = LONG + nets.conv("data", "side_" + LONG_NAME, "num_output: 4 kernel_size: 3")
TWO_INPUTS = (
    nets.data(1, 2, 5, 5, name="left")
    + nets.data(1, 3, 6, 6, name="right")
    + nets.conv("left", "a", "num_output: 1 kernel_size: 1")
    + nets.conv("right", "b", "num_output: 1 kernel_size: 1")
)
TEXTS = {"chain": CHAIN, "branches": BRANCHES, "long": LONG, "long branches": LONG_BRANCHES, "two inputs": TWO_INPUTS}
every_net = pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])


def model_of(source: str):
    names: dict[str, object] = {}
    exec(compile(source, "model.py", "exec"), names)
    return names["get_model"]()


@every_net
def test_source_computes_what_the_live_model_computes(text: str) -> None:
    net = nets.network(text)
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    live = nets.run_keras(net, blobs, inputs)
    model = model_of(write_source(plan(net)))
    nets.fill(model, dict(keras_weights(net, nets.weights(blobs))))
    feeds = [np.moveaxis(array, 1, -1) for array in inputs.values()]
    outputs = model(feeds[0] if len(feeds) == 1 else feeds, training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    assert len(outputs) == len(live)
    for ours, theirs in zip(outputs, live, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), theirs)


def test_a_chain_is_sequential_and_a_net_with_branches_functional() -> None:
    chain, branches = write_source(plan(nets.network(CHAIN))), write_source(plan(nets.network(BRANCHES)))
    assert "keras.Sequential(" in chain
    assert "keras.Model(data, [class_" in branches
    assert "def get_model(input_shape=(11, 12, 3)):" in chain


def test_text_of_a_chain() -> None:
    assert write_source(plan(nets.network(CHAIN))) == (
        '"""chain, converted from its Caffe prototxt."""\n'
        "\n"
        "import keras\n"
        "from keras import layers\n"
        "\n"
        "\n"
        "def get_model(input_shape=(11, 12, 3)):\n"
        "    return keras.Sequential(\n"
        "        [\n"
        "            keras.Input(input_shape),\n"
        "            layers.ZeroPadding2D((2, 0)),\n"
        '            layers.Conv2D(4, (3, 2), activation="relu", name="conv__1"),\n'
        '            layers.MaxPooling2D(2, strides=2, padding="same", name="pool"),  '
        "# rounds the size up, as Caffe does\n"
        '            layers.Conv2DTranspose(6, 3, strides=2, name="up"),  '
        "# group: 2 in Caffe, here zeros outside of the groups\n"
        '            layers.Dropout(0.5, name="drop"),\n'
        "            layers.Flatten(),\n"
        '            layers.Dense(5, name="ip"),\n'
        '            layers.Softmax(name="prob"),\n'
        "        ],\n"
        '        name="chain",\n'
        "    )\n"
    )


@every_net
def test_source_is_formatted_and_clean(text: str, tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    source = write_source(plan(nets.network(text)))
    assert max(map(len, source.splitlines())) <= WIDTH
    if ruff is None:
        pytest.skip("ruff is not installed")
    file = tmp_path / "model.py"
    file.write_text(source, encoding="utf-8")
    config = Path(__file__).parents[2] / "pyproject.toml"
    for command in (["check", "--no-cache"], ["format", "--no-cache", "--diff"]):
        done = subprocess.run(
            [ruff, *command, "--config", str(config), str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\"'b", "a\\", "a\n    import os", 'a""" + exit() + """'])
def test_a_hostile_name_stays_a_text(name: str) -> None:
    """A prototxt comes from anywhere; what it calls its layers must not become code."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    net = nets.network(f'name: "{escaped}"\n' + nets.data(1, 1, 3, 3) + nets.conv("data", escaped))
    tree = ast.parse(write_source(plan(net)))
    assert [type(node).__name__ for node in tree.body] == ["Expr", "Import", "ImportFrom", "FunctionDef"]
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert name in texts


SIAMESE = (
    nets.data(1, 2, 5, 6, name="left")
    + nets.data(1, 2, 5, 6, name="right")
    + "".join(
        nets.layer(
            "Convolution",
            side,
            f"conv_{side}",
            'param { name: "w" } param { name: "b" } convolution_param { num_output: 3 kernel_size: 3 }',
        )
        for side in ("left", "right")
    )
)


def test_layers_that_share_their_blobs_are_one_layer_called_twice() -> None:
    source = write_source(plan(nets.network(SIAMESE)))
    assert source.endswith("""
def get_model():
    left = keras.Input((5, 6, 2), name="left")
    right = keras.Input((5, 6, 2), name="right")
    conv_left_layer = layers.Conv2D(3, 3, name="conv_left")
    conv_left = conv_left_layer(left)
    conv_right = conv_left_layer(right)
    return keras.Model([left, right], [conv_left, conv_right], name="net")
""")


def test_both_calls_of_a_shared_layer_have_their_counterpart() -> None:
    from harness.engines.keras import wrap_model
    from harness.mapping import map_layers

    net = nets.network(SIAMESE)
    blobs = nets.random_blobs(net)
    blobs["conv_right"] = blobs["conv_left"]
    model = nets.keras_model(net, blobs)
    assert len(model.weights) == 2
    layer_map = map_layers(net, wrap_model(model, "model").graph)
    assert {pair.layer.name: pair.main for pair in layer_map.pairs} == {
        "conv_left": "conv_left",
        "conv_right": "conv_left#2",
    }
    expected = nets.define_all(net, blobs, nets.random_inputs(net))
    for output, top in zip(nets.run_keras(net, blobs, nets.random_inputs(net)), net.layers[2:], strict=True):
        np.testing.assert_allclose(np.moveaxis(output, -1, 1), expected[top.tops[0]], rtol=1e-5, atol=1e-6)


def test_a_shared_kernel_alone_does_not_make_one_layer() -> None:
    text = SIAMESE.replace('param { name: "b" }', "")
    assert write_source(plan(nets.network(text))).count("layers.Conv2D") == 2


def test_a_list_of_many_names_has_a_line_for_each() -> None:
    names = [f"a_rather_long_name_of_a_layer_{index}" for index in range(6)]
    text = nets.data(1, 3, 9, 9) + "".join(nets.conv("data", name) for name in names)
    joined = "".join(f'bottom: "{name}" ' for name in names)
    source = write_source(plan(nets.network(text + f'layer {{ name: "all" type: "Concat" {joined} top: "all" }}\n')))
    assert (
        '    all = layers.Concatenate(name="all")(\n        [\n            a_rather_long_name_of_a_layer_0,\n' in source
    )
    assert "            a_rather_long_name_of_a_layer_5,\n        ]\n    )\n" in source
    assert max(map(len, source.splitlines())) <= 120
    outputs = write_source(plan(nets.network(text)))
    assert (
        "    return keras.Model(\n        data,\n        [\n            a_rather_long_name_of_a_layer_0,\n" in outputs
    )
    assert '            a_rather_long_name_of_a_layer_5,\n        ],\n        name="net",\n    )\n' in outputs
