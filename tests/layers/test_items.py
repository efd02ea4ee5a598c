"""Embed, BatchReindex and Filter: items looked up, put in another order, left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.table import ALL, Entry, expected_tops
from support.verdicts import judge_pair

from harness import pipeline
from harness.cases import read_case
from harness.data import LayerComparison, Status
from harness.engines import docker
from harness.engines.reference import Reference
from harness.errors import UnsupportedError
from harness.extras import import_keras, import_keras_layers
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes


def entry_of(name: str) -> Entry:
    (entry,) = [one for one in ALL if one.id == name]
    return entry


def judged(name: str, model, **options) -> LayerComparison:
    """A Keras model of the test's own against the loops' results."""
    entry = entry_of(name)
    net, bottoms = entry.net, entry.inputs()
    own = entry.blobs(net)
    tops = expected_tops(entry, own, bottoms)
    by_blob = {top.blob: np.float32(array) for top, array in zip(net["layer"].tops, tops, strict=True)}
    feeds = dict(zip(net.inputs, bottoms, strict=True))
    return judge_pair(net, model, {"layer": own} if own else {}, feeds, by_blob, **options)


def embedding(name: str, table: np.ndarray):
    """keras.layers.Embedding with this table, as a person ports an Embed."""
    keras = import_keras()
    rows, size = table.shape
    inputs = keras.Input(entry_of(name).shapes[0][1:], name="data")
    model = keras.Model(inputs, keras.layers.Embedding(rows, size, name="layer")(inputs))
    nets.fill(model, {"layer": {"embeddings": table}})
    return model


def test_an_embedding_whose_bias_was_added_beforehand_agrees_to_the_bit() -> None:
    name = "embed words of a sentence"
    table, bias = entry_of(name).blobs(entry_of(name).net)
    row = judged(name, embedding(name, table + bias))
    assert (row.status, row.judged_by, row.isolated.max_abs) == (Status.MATCH, "exact", 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda table, bias: table,
        lambda table, bias: table + bias * np.float32(1 + 1e-6),
        lambda table, bias: np.roll(table, 1, axis=0) + bias,
    ],
    ids=["no bias", "bias off by a millionth", "rows counted from 1"],
)
def test_a_wrong_embedding_is_found(wrong) -> None:
    name = "embed words of a sentence"
    table, bias = entry_of(name).blobs(entry_of(name).net)
    assert judged(name, embedding(name, wrong(table, bias))).status is Status.DIVERGES


def test_a_number_that_is_no_row_is_no_number() -> None:
    """Caffe reads what lies there in memory; Keras refuses it, and says so."""
    name = "embed without a bias"
    entry = entry_of(name)
    net, (table,) = entry.net, entry.blobs(entry.net)
    bottom = np.array([[0, 8, 9], [-1, -0.5, 1e9]] * 2 + [[np.nan, 1, 2]], np.float32)
    exact = layer_type(net["layer"]).define(net["layer"], (table,), [bottom], nets.all_sites((5, 3, 4)))
    # Sites run over the two outer axes but the first, with axis 1 as channels: 5 × 4 of them, 3 channels.
    nowhere = np.isnan(exact.value.reshape(5, 4, 3)[:, 0])
    expected = np.array([[0, 0, 1], [1, 0, 1]] * 2 + [[1, 0, 0]], bool)
    np.testing.assert_array_equal(nowhere, expected)


def test_a_filter_that_lets_nothing_pass_says_that_nothing_was_compared() -> None:
    entry = entry_of("filter none")
    row = judged(entry.id, nets.keras_model(entry.net, {}))
    assert (row.status, row.reference_shape) == (Status.MATCH, (0, 2, 3, 5))
    assert row.note == "no items came out here: there was nothing to compare"


@pytest.mark.parametrize(
    ("picks", "status"),
    [
        (lambda x, s: x[:2], Status.DIVERGES),
        (lambda x, s: x[:3], Status.SHAPE),
        (lambda x, s: import_keras().ops.take(x, import_keras().ops.nonzero(s < 0.5)[0], axis=0), Status.DIVERGES),
    ],
    ids=["the first ones", "one too many", "the other ones"],
)
def test_a_wrong_choice_is_found(picks, status: Status) -> None:
    keras = import_keras()

    class Picking(keras.layers.Layer):
        def call(self, inputs):
            return picks(*inputs)

        def compute_output_shape(self, shapes):
            return (None, *shapes[0][1:])

    inputs = [keras.Input((3, 5, 2), name="data"), keras.Input((), name="data1")]
    model = keras.Model(inputs, Picking(name="layer")(inputs))
    assert judged("filter some", model).status is status


def test_they_are_saved_and_loaded_and_gradients_flow(tmp_path: Path) -> None:
    keras, own = import_keras(), import_keras_layers()
    import tensorflow as tf

    x, other = keras.Input((3,)), keras.Input((2, 2))
    index, selector = keras.Input(()), keras.Input((1,))
    filtered = own.Filter()([x, other, selector])
    model = keras.Model([x, other, index, selector], [own.BatchReindex()([x, index]), *filtered])
    assert [tuple(one.shape) for one in model.outputs] == [(None, 3), (None, 3), (None, 2, 2)]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    rng = np.random.default_rng(0)
    feeds = [tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((4, 3), (4, 2, 2))]
    feeds += [tf.constant([3.0, 3.0, 0.0]), tf.constant([[1.0], [0.0], [0.0], [2.0]])]
    with tf.GradientTape() as tape:
        outputs = model(feeds)
        total = sum(tf.reduce_sum(one) for one in outputs)
    assert [tuple(one.shape) for one in outputs] == [(3, 3), (2, 3), (2, 2, 2)]
    for one, same in zip(outputs, again(feeds), strict=True):
        np.testing.assert_array_equal(one, same)
    by_x, by_other = tape.gradient(total, feeds[:2])
    np.testing.assert_array_equal(tf.convert_to_tensor(by_x)[:, 0], [2.0, 0.0, 0.0, 3.0])
    np.testing.assert_array_equal(tf.convert_to_tensor(by_other)[:, 0, 0], [1.0, 0.0, 0.0, 1.0])


def net_of(kind: str, *shapes: tuple[int, ...], parameters: str = "", tops: int = 1) -> str:
    names = [f"in{index}" for index in range(len(shapes))]
    text = "".join(nets.data(*shape, name=name) for name, shape in zip(names, shapes, strict=True))
    reads = " ".join(f'bottom: "{name}"' for name in names)
    makes = " ".join(f'top: "top{index}"' for index in range(tops))
    return text + f'layer {{ name: "items" type: "{kind}" {reads} {makes} {parameters} }}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (net_of("Embed", (2, 3), parameters="embed_param { input_dim: 4 }"), "no num_output\n  → give embed_param {"),
        (net_of("Embed", (2, 3), parameters="embed_param { num_output: 4 }"), "no input_dim\n  → give embed_param {"),
        (net_of("Embed", (2, 3), (2,)), "2 bottoms, 1 tops: it takes one of each"),
        (net_of("BatchReindex", (2, 3)), "1 bottoms, 1 tops: it takes a blob and its index, and gives a blob"),
        (net_of("BatchReindex", (2, 3), (2, 1)), r"the index has the shape \(2, 1\): it takes one axis"),
        (
            net_of("Filter", (2, 3)),
            "1 bottoms, 1 tops: it takes a selector last, and gives a top for each of the others",
        ),
        (net_of("Filter", (2, 3), (2, 3), (2,)), "3 bottoms, 1 tops: it takes a selector last"),
        (net_of("Filter", (2, 3), (2, 2)), r"the selector has the shape \(2, 2\): it takes one number for each item"),
        (net_of("Filter", (3, 4), (2, 1)), r"the selector is for 2 items, the others have \(3, 4\)"),
    ],
)
def test_what_caffe_refuses_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"deploy\.prototxt:\d+, layer 'items': {said}"):
        infer_shapes(nets.network(text))


PICKED = (
    nets.data(6, 3, 9, 8)
    + nets.conv("data", "conv", "num_output: 4 kernel_size: 3")
    + nets.layer("InnerProduct", "conv", "score", "inner_product_param { num_output: 1 }")
    + nets.relu("score")
    + 'layer { name: "pick" type: "Filter" bottom: "conv" bottom: "score" top: "picked" }\n'
    + nets.layer("Pooling", "picked", "pool", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + nets.layer("InnerProduct", "pool", "ip", "inner_product_param { num_output: 5 }")
    + nets.layer("Softmax", "ip", "prob")
)
"""The items that score above zero go on; nobody knows how many before the net runs."""

CAPTION = (
    nets.data(2, 3, 17, 16, name="frames")
    + nets.data(6, 2, name="words")
    + nets.data(6, 2, name="cont")
    + nets.conv("frames", "conv", "num_output: 4 kernel_size: 3 stride: 2")
    + nets.relu("conv")
    + nets.layer("InnerProduct", "conv", "fc", "inner_product_param { num_output: 12 }")
    + nets.layer("Embed", "words", "embed", "embed_param { input_dim: 40 num_output: 10 }")
    + 'layer { name: "lstm" type: "LSTM" bottom: "embed" bottom: "cont" bottom: "fc" top: "lstm" '
    + "recurrent_param { num_output: 16 } }\n"
    + 'layer { name: "rnn" type: "RNN" bottom: "lstm" bottom: "cont" top: "rnn" recurrent_param { num_output: 8 } }\n'
)
"""Words of a sentence behind a picture."""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("text", "layer", "shape"),
    [(PICKED, "ip", (4, 5)), (CAPTION, "rnn", (6, 2, 8))],
    ids=["as many items as score", "caption"],
)
def test_a_net_around_them_against_caffe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, layer: str, shape: tuple[int, ...]
) -> None:
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "deploy.prototxt").write_text(text)
    (tmp_path / "case.toml").write_text(
        'prototxt = "deploy.prototxt"\nkeras = "auto"\n[weights]\nseed = 0\n[input]\nseed = 0\n'
    )
    report = pipeline.run(read_case(tmp_path), pipeline.Options(reference=Reference(engine="docker")))
    assert {row.status for row in report.layers} == {Status.MATCH}
    assert report.compared == report.of
    assert report[layer].reference_shape == shape
    assert all(row.end_to_end is not None for row in report.layers)
