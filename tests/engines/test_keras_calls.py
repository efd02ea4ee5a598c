"""The graph of calls: layers called twice, nested models, several tensors in and out; each against the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.pieces import Piece, between

from harness.engines.keras import Candidate, wrap_model
from harness.errors import CandidateError
from harness.extras import import_keras

keras = import_keras()
layers = keras.layers


def fed(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=shape).astype(np.float32)


def names(candidate: Candidate) -> list[str]:
    return [node.name for node in candidate.graph.nodes]


def whole(candidate: Candidate) -> Piece:
    """The segment from the model's inputs to its outputs."""
    return between(candidate, "all", candidate.graph.inputs, candidate.graph.outputs)


def up_to(candidate: Candidate, name: str, *inputs: int) -> Piece:
    """The segment from some tensors to a node's outputs."""
    node = next(node for node in candidate.graph.nodes if node.name == name)
    return between(candidate, name, inputs, node.outputs)


def assert_same_as_the_model(model: Any, *arrays: np.ndarray) -> Candidate:
    candidate = wrap_model(model, "model")
    made = whole(candidate).run(arrays)
    expected = model(arrays[0] if len(arrays) == 1 else list(arrays))
    for one, other in zip(keras.tree.flatten(made), keras.tree.flatten(expected), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    return candidate


def test_a_layer_called_twice() -> None:
    x = keras.Input((6, 6, 3))
    conv = layers.Conv2D(3, 1, name="twice")
    candidate = assert_same_as_the_model(keras.Model(x, conv(conv(x))), fed(1, 6, 6, 3))
    assert names(candidate) == ["twice", "twice#2"]
    first, second = candidate.graph.nodes
    assert (first.inputs, first.outputs, second.inputs) == (candidate.graph.inputs, (1,), (1,))
    assert second.layer == "twice"
    assert candidate.layer("twice#2") is conv
    # Cut between its calls, it is one convolution, and its weights are the layer's.
    kernel, bias = (candidate.weights_of("twice#2")[name] for name in ("kernel", "bias"))
    x = fed(1, 4, 5, 3)
    made = np.asarray(up_to(candidate, "twice#2", 1).run([x]))
    np.testing.assert_allclose(made, x @ kernel[0, 0] + bias, rtol=1e-5, atol=1e-6)
    assert [one.name for one in candidate.layers] == ["twice"], "its weights are filled once"


def test_one_of_two_calls_is_changed() -> None:
    x = keras.Input((5, 5, 2))
    conv = layers.Conv2D(2, 3, padding="same", name="c")
    candidate = wrap_model(keras.Model(x, conv(conv(x))), "model")
    changed = whole(candidate).run_changed([fed(1, 5, 5, 2)], {"c#2": {"padding": "valid"}})
    assert tuple(changed.shape) == (1, 3, 3, 2)
    assert conv.padding == "same"


def nested() -> Any:
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="bn"),
        ],
        name="inner",
    )
    x = keras.Input((8, 8, 3))
    y = inner(layers.Conv2D(3, 3, padding="same", name="conv")(x))
    return keras.Model(x, layers.Add(name="sum")([y, inner(y)]))


def test_nested_models_are_taken_apart() -> None:
    candidate = assert_same_as_the_model(nested(), fed(1, 8, 8, 3))
    assert names(candidate) == ["conv", "inner/conv", "bn", "inner/conv#2", "bn#2", "sum"]
    assert [node.path for node in candidate.graph.nodes] == [(), *[("inner",)] * 4, ()]
    assert set(candidate.weights_of("bn")) == {"gamma", "beta", "moving_mean", "moving_variance"}
    assert not np.array_equal(candidate.weights_of("conv")["kernel"], candidate.weights_of("inner/conv")["kernel"])


def test_a_segment_may_hold_two_layers_of_one_name() -> None:
    """Keras refuses such a model: its operations' names must be unique."""
    candidate = wrap_model(nested(), "model")
    assert np.asarray(up_to(candidate, "inner/conv", 0).run([fed(1, 8, 8, 3)])).shape == (1, 8, 8, 3)


def test_a_keras_application_inside_of_a_model() -> None:
    base = keras.applications.MobileNetV2(input_shape=(32, 32, 3), include_top=False, weights=None)
    x = keras.Input((32, 32, 3))
    y = layers.GlobalAveragePooling2D(name="pool")(base(layers.Rescaling(1 / 127.5, -1, name="scale")(x)))
    candidate = assert_same_as_the_model(keras.Model(x, layers.Dense(4, name="top")(y)), fed(1, 32, 32, 3))
    assert names(candidate)[:3] == ["scale", "Conv1", "bn_Conv1"]
    assert names(candidate)[-2:] == ["pool", "top"]
    assert candidate.graph.nodes[1].config["strides"] == (2, 2)


def test_models_inside_of_models_inside_of_models() -> None:
    def stacked(name: str, inner: Any) -> Any:
        x = keras.Input((4,))
        return keras.Model(x, layers.Dense(4, name="fc")(inner(x)), name=name)

    model = stacked("c", stacked("b", stacked("a", layers.Dense(4, name="first"))))
    candidate = assert_same_as_the_model(model, fed(2, 4))
    assert names(candidate) == ["first", "b/a/fc", "b/fc", "fc"]


def test_branches_come_as_they_are_joined() -> None:
    """Depth first, which is how people write them, and Caffe's prototxts have them."""
    x = keras.Input((4, 4, 2))
    left = layers.Conv2D(2, 1, name="left2")(layers.Conv2D(2, 1, name="left1")(x))
    right = layers.Conv2D(2, 1, name="right2")(layers.Conv2D(2, 1, name="right1")(x))
    model = keras.Model(x, layers.Concatenate(name="join")([left, right]))
    candidate = assert_same_as_the_model(model, fed(1, 4, 4, 2))
    assert names(candidate) == ["left1", "left2", "right1", "right2", "join"]
    assert candidate.graph.nodes[-1].inputs == (2, 4)


def test_operations_are_nodes() -> None:
    x = keras.Input((4, 4, 2))
    y = keras.ops.relu(layers.Conv2D(2, 1, name="c")(x) * 2.0)
    candidate = assert_same_as_the_model(keras.Model(x, y[:, 1:]), fed(1, 4, 4, 2))
    assert [(node.class_name, node.operation) for node in candidate.graph.nodes] == [
        ("Conv2D", False),
        ("Multiply", True),
        ("Relu", True),
        ("GetItem", True),
    ]
    assert candidate.graph.nodes[1].arguments == {"x2": 2.0}
    found = whole(candidate).run_float64([fed(1, 4, 4, 2).astype(np.float64)])
    weights = {name: one.astype(np.float64) for name, one in candidate.weights_of("c").items()}
    expected = np.maximum(2 * (fed(1, 4, 4, 2).astype(np.float64) @ weights["kernel"][0, 0] + weights["bias"]), 0)[
        :, 1:
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_several_tensors_by_position_by_keyword_and_in_lists() -> None:
    @keras.saving.register_keras_serializable("harness_tests")
    class Mixed(layers.Layer):
        def call(self, a: Any, pair: Any, shift: Any = None, factor: float = 1.0) -> Any:
            return (a * factor - pair[0]) * pair[1] + shift

    inputs = [keras.Input((3,), name=name) for name in "abcd"]
    a, b, c, d = inputs
    model = keras.Model(inputs, Mixed(name="mixed")(a, [b, c], shift=d, factor=3.0))
    arrays = [fed(1, 3) * scale for scale in (1, 2, 3, 4)]
    candidate = assert_same_as_the_model(model, *arrays)
    (node,) = candidate.graph.nodes
    assert (node.inputs, node.arguments) == ((0, 1, 2, 3), {"factor": 3.0})
    assert candidate.graph.input_names == ("a", "b", "c", "d")
    one, two, three, four = (array.astype(np.float64) for array in arrays)
    np.testing.assert_allclose(
        whole(candidate).run_float64([one, two, three, four]), (3 * one - two) * three + four, rtol=0, atol=1e-14
    )


def test_several_outputs_of_one_layer() -> None:
    @keras.saving.register_keras_serializable("harness_tests")
    class Halves(layers.Layer):
        def call(self, inputs: Any) -> Any:
            half = inputs.shape[-1] // 2
            return inputs[..., :half], inputs[..., half:]

    x = keras.Input((4, 4, 6))
    left, right = Halves(name="halves")(x)
    model = keras.Model(x, [right, layers.Conv2D(2, 1, name="c")(left)])
    candidate = assert_same_as_the_model(model, fed(1, 4, 4, 6))
    node = candidate.graph.nodes[0]
    assert (node.name, node.outputs, node.output_shapes) == ("halves", (1, 2), ((None, 4, 4, 3), (None, 4, 4, 3)))
    assert candidate.graph.outputs == (2, 3)
    array = fed(1, 4, 4, 6).astype(np.float64)
    for found in (up_to(candidate, "halves", 0).run([array]), up_to(candidate, "halves", 0).run_float64([array])):
        assert isinstance(found, tuple)
        np.testing.assert_allclose(np.asarray(found[0]), array[..., :3], rtol=1e-6)
        np.testing.assert_allclose(np.asarray(found[1]), array[..., 3:], rtol=1e-6)


def test_inputs_by_name_also_of_a_nested_model() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    inner = keras.Model({"b": b, "a": a}, layers.Concatenate(name="join")([b, a]), name="inner")
    x, y = keras.Input((2,), name="x"), keras.Input((3,), name="y")
    candidate = wrap_model(keras.Model([x, y], inner(inputs={"a": x, "b": y})), "model")
    assert names(candidate) == ["join"]
    made = whole(candidate).run([fed(1, 2), fed(1, 3)])
    np.testing.assert_array_equal(np.asarray(made), np.concatenate([fed(1, 3), fed(1, 2)], -1))


def test_a_segment_needs_all_that_it_reads() -> None:
    a, b = keras.Input((2,)), keras.Input((2,))
    candidate = wrap_model(keras.Model([a, b], layers.Add(name="sum")([a, b])), "model")
    with pytest.raises(CandidateError, match="reads more of the Keras model than what it is fed"):
        up_to(candidate, "sum", 0)


def test_whole_numbers_are_fed_as_such() -> None:
    x = keras.Input((3,), dtype="int32")
    model = keras.Model(x, layers.Embedding(5, 4, name="words")(x))
    candidate = wrap_model(model, "model")
    indices = np.array([[0, 4, 2]], np.float32)
    np.testing.assert_array_equal(
        np.asarray(whole(candidate).run([indices])), np.asarray(model(indices.astype(np.int32)))
    )


# --------------------------------------------------------------------------------------------- how `training` is told


class Block(layers.Layer):
    """A layer of the user's, made of layers, that tells one of them about `training` in one of three ways."""

    def __init__(self, told: bool | None, **options: Any) -> None:
        super().__init__(**options)
        self.norm, self.told = layers.BatchNormalization(name="norm"), told

    def call(self, inputs: Any) -> Any:
        return self.norm(inputs) if self.told is None else self.norm(inputs, training=self.told)


def functional(told: bool | None) -> Any:
    x = keras.Input((4,))
    norm = layers.BatchNormalization(name="norm")
    return keras.Model(x, norm(x) if told is None else norm(x, training=told), name="inner")


def sequential(told: bool | None) -> Any:
    return keras.Sequential([keras.Input((4,)), layers.BatchNormalization(name="norm")], name="inner")


@pytest.mark.parametrize("outer", [None, False, True])
@pytest.mark.parametrize("told", [None, False, True])
@pytest.mark.parametrize("make", [functional, sequential, Block])
def test_training_is_what_keras_makes_of_it(
    make: Callable[[bool | None], Any], told: bool | None, outer: bool | None
) -> None:
    inner = make(told)
    x = keras.Input((4,))
    model = keras.Model(x, inner(x) if outer is None else inner(x, training=outer))
    candidate = wrap_model(model, "model")
    array = fed(6, 4) * 3 + 1
    assert names(candidate) == ["norm"]
    np.testing.assert_array_equal(np.asarray(whole(candidate).run([array])), np.asarray(model(array)))


def test_a_normalisation_that_is_left_in_training_is_run_so_and_learns_nothing() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.BatchNormalization(name="norm")(x, training=True))
    candidate = wrap_model(model, "model")
    array = fed(6, 4) * 3 + 1
    before = candidate.weights_of("norm")
    made = np.asarray(whole(candidate).run([array]))
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    assert candidate.graph.nodes[0].arguments == {"training": True}
    for name, value in candidate.weights_of("norm").items():
        np.testing.assert_array_equal(value, before[name])


# ------------------------------------------------------------------------------------------------------------- size


def test_a_thousand_layers() -> None:
    """More than Python lets calls be nested: Keras walks a graph by recursion."""
    from harness.engines.keras.functions import deep_graphs

    with deep_graphs():
        x = y = keras.Input((2,))
        for _ in range(1000):
            y = layers.ReLU()(y)
        model = keras.Model(x, y)
    assert len(wrap_model(model, "model").graph.nodes) == 1000


def test_tracing_copies_no_weights() -> None:
    model = nested()
    before = [weight.value for weight in model.weights]
    candidate = wrap_model(model, "model")
    assert len(candidate.graph.nodes) == 6
    assert all(one.value is other for one, other in zip(model.weights, before, strict=True))
    assert candidate.layer("inner/conv") is model.get_layer("inner").get_layer("conv")
