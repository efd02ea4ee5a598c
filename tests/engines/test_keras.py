"""The candidate: what opens, what is refused and why, and what a segment computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import loops, nets
from support.pieces import between, piece

from harness.data import Pair
from harness.engines.keras import Candidate, open_model, wrap_model
from harness.errors import CandidateError
from harness.extras import import_keras
from harness.mapping import map_layers

GOOD = """\
import keras


def get_model(input_shape=(6, 7, 3)):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Conv2D(4, 3, name="a")])
"""


def opened(
    folder: Path, text: str, what: str = "model.py:get_model", shape: tuple[int, ...] | None = None
) -> Candidate:
    (folder / "model.py").write_text(text, encoding="utf-8")
    return open_model(what, folder, shape)


def complaint(folder: Path, text: str, what: str = "model.py:get_model") -> str:
    with pytest.raises(CandidateError) as caught:
        opened(folder, text, what)
    return str(caught.value).replace(f"{folder.resolve()}/", "")


# -------------------------------------------------------------------------------------------------- what opens


@pytest.mark.parametrize("what", ["model.py:get_model", "model.py"])
def test_a_function_in_a_file(tmp_path: Path, what: str) -> None:
    assert [node.name for node in opened(tmp_path, GOOD, what).graph.nodes] == ["a"]


def test_the_cases_size_is_handed_to_a_function_that_takes_it(tmp_path: Path) -> None:
    assert opened(tmp_path, GOOD, shape=(10, 11, 3)).model.input_shape == (None, 10, 11, 3)
    fixed = GOOD.replace("input_shape=(6, 7, 3)", "").replace("input_shape", "(6, 7, 3)")
    assert opened(tmp_path, fixed, shape=(10, 11, 3)).model.input_shape == (None, 6, 7, 3)


def test_what_stands_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "sizes_of_mine.py").write_text("SIZE = 5\n")
    text = GOOD.replace("import keras\n", "import keras\nfrom sizes_of_mine import SIZE\n").replace(
        "Conv2D(4", "Conv2D(SIZE"
    )
    assert opened(tmp_path, text).model.output_shape[-1] == 5


def test_a_saved_model(tmp_path: Path) -> None:
    model = opened(tmp_path, GOOD).model
    model.save(tmp_path / "saved.keras")
    again = open_model("saved.keras", tmp_path)
    x = np.random.default_rng(0).normal(size=(1, 6, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(again.model(x)), np.asarray(model(x)))


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("text", "what", "said"),
    [
        (
            GOOD,
            "other.py:f",
            "other.py: no such file\n  → give --keras FILE.py:FUNCTION, MODEL.keras, MODEL.h5 or the folder",
        ),
        (GOOD, "model.py:build", "model.py: has no function 'build'\n  → it has get_model: give FILE.py:FUNCTION"),
        ("A = 1\n", "model.py", "model.py: has no function 'get_model'\n  → it has none: give FILE.py:FUNCTION"),
        ("import keras\n\nnot python at all\n", "model.py", "model.py:3: cannot be imported: invalid syntax"),
        ("import keras\n\n1 / 0\n", "model.py", "model.py:3: cannot be imported: division by zero"),
        (
            "def get_model():\n    return help_me()\n\n\ndef help_me():\n    raise ValueError('no luck\\ntoday')\n",
            "model.py",
            "model.py:6: get_model() fails: no luck",
        ),
        ("def get_model():\n    return 3\n", "model.py", "model.py gives a int, not a keras.Model"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, text: str, what: str, said: str) -> None:
    assert complaint(tmp_path, text, what).startswith(said)


def test_keras_own_message_is_one_sentence_at_the_users_line(tmp_path: Path) -> None:
    text = GOOD.replace("Conv2D(4, 3, name", "Conv2D(4, 9, name")
    said = complaint(tmp_path, text)
    assert said.startswith("model.py:5, layer 'a': get_model() fails: ")
    assert "\n" not in said


def test_a_model_without_an_input(tmp_path: Path) -> None:
    text = "import keras\n\n\ndef get_model():\n    return keras.Sequential([keras.layers.Dense(3)])\n"
    assert complaint(tmp_path, text) == (
        "model.py gives a model that does not know its input yet\n  → begin it with keras.Input(shape)"
    )


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(CandidateError, match=r"model\.keras: Keras cannot load it: "):
        open_model("model.keras", tmp_path)


def test_a_model_of_keras_2_that_is_still_live(tmp_path: Path) -> None:
    pytest.importorskip("tf_keras")
    text = "import tf_keras\n\n\ndef get_model():\n    return tf_keras.Sequential()\n"
    assert complaint(tmp_path, text) == (
        "model.py gives a Sequential, not a keras.Model\n"
        "  → build it with Keras 3 (import keras), or save it and give the file"
    )


def test_the_cases_size_is_given_to_a_sequential_model_without_one(tmp_path: Path) -> None:
    text = "import keras\n\n\ndef get_model():\n    return keras.Sequential([keras.layers.Conv2D(3, 3)])\n"
    assert opened(tmp_path, text, shape=(8, 9, 2)).graph.nodes[0].output_shapes == ((None, 6, 7, 3),)


def test_a_folder_that_is_no_saved_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(CandidateError, match=r"is a folder without saved_model\.pb"):
        open_model("model", tmp_path)


def test_weights_in_the_place_of_a_model(tmp_path: Path) -> None:
    opened(tmp_path, GOOD).model.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(CandidateError) as caught:
        open_model("net.weights.h5", tmp_path)
    assert str(caught.value).partition(": ")[2] == (
        "holds weights only, not the model\n  → give the function that builds the model with --keras FILE.py:FUNCTION, "
        "and this file with --keras-weights net.weights.h5"
    )


def test_byte_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    keras = import_keras()
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2, name="twice")]).save(
        tmp_path / "net.keras"
    )
    with pytest.raises(CandidateError) as caught:
        open_model("net.keras", tmp_path)
    assert str(caught.value).partition("net.keras")[2] == (
        ", layer 'twice': is a Lambda: the file holds its function as byte code, which is never run\n"
        "  → build the model in a Python file and give FILE.py:FUNCTION with --keras-weights"
    )


# ------------------------------------------------------------------------------------------------------ segments

NET = nets.network(
    nets.data(1, 3, 8, 9)
    + nets.conv("data", "a", "num_output: 4 kernel_size: 3 pad: 2")
    + nets.relu("a")
    + nets.conv("a", "b", "num_output: 5 kernel_size: 2")
)


@pytest.fixture
def candidate() -> Candidate:
    return wrap_model(nets.keras_model(NET, nets.random_blobs(NET)), "model")


def pairs(candidate: Candidate) -> dict[str, Pair]:
    return {pair.layer.name: pair for pair in map_layers(NET, candidate.graph).pairs}


def fed(shape: tuple[int, ...] = (1, 8, 9, 3)) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def test_segments_one_after_the_other_are_the_model(candidate: Candidate) -> None:
    x = fed()
    first = piece(candidate, pairs(candidate)["a"]).run([x])
    second = piece(candidate, pairs(candidate)["b"]).run([first])
    np.testing.assert_array_equal(candidate.as_array(second), np.asarray(candidate.model(x, training=False)))
    assert candidate.as_array(first).min() == 0, "the fused activation belongs to the segment"


def test_a_sequential_model_is_cut_in_the_same_way() -> None:
    keras = import_keras()
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 9, 3)), layers.Conv2D(4, 3, activation="relu", name="a"), layers.Conv2D(5, 2, name="b")]
    )
    candidate = wrap_model(model, "model")
    assert [node.name for node in candidate.graph.nodes] == ["a", "b"]
    tensor = piece(candidate, pairs(candidate)["a"]).run([fed()])
    np.testing.assert_array_equal(
        candidate.as_array(piece(candidate, pairs(candidate)["b"]).run([tensor])), np.asarray(model(fed()))
    )


def test_a_segment_shares_the_models_weights(candidate: Candidate) -> None:
    segment = piece(candidate, pairs(candidate)["b"])
    x = fed((1, 10, 11, 4))
    before = candidate.as_array(segment.run([x])).copy()
    layer = candidate.model.get_layer("b")
    layer.bias.assign(np.asarray(layer.bias) + 1)
    np.testing.assert_allclose(candidate.as_array(segment.run([x])), before + 1, rtol=1e-5, atol=1e-5)


def test_float64_is_float64_and_leaves_the_model_alone(candidate: Candidate) -> None:
    before = [weight.copy() for weight in candidate.model.get_weights()]
    x = fed((1, 10, 11, 4)).astype(np.float64)
    segment = piece(candidate, pairs(candidate)["b"])
    found = segment.run_float64([x])
    kernel, bias = nets.random_blobs(NET)["b"]
    expected = loops.convolution(np.moveaxis(x, -1, 1), kernel, bias, (1, 1), (0, 0), (1, 1), 1)
    assert found.dtype == np.float64
    assert np.abs(np.moveaxis(found, -1, 1) - expected).max() < 1e-14
    assert {weight.dtype for weight in candidate.model.get_weights()} == {np.dtype(np.float32)}
    for one, other in zip(before, candidate.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # The float32 model is another one, and still there.
    assert 1e-12 < np.abs(candidate.as_array(segment.run([x])) - found).max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 5, 6, 4), (1, 30, 31, 4), (2, 10, 11, 4)])
def test_a_segment_takes_another_size(candidate: Candidate, shape: tuple[int, ...]) -> None:
    segment = piece(candidate, pairs(candidate)["b"])
    found = candidate.as_array(segment.run([fed(shape)]))
    kernel, bias = nets.random_blobs(NET)["b"]
    expected = loops.convolution(np.moveaxis(fed(shape), -1, 1), kernel, bias, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(np.moveaxis(found, -1, 1), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.moveaxis(segment.run_float64([fed(shape)]), -1, 1), expected, atol=1e-13)


def test_a_size_that_does_not_fit_names_the_layer(candidate: Candidate) -> None:
    with pytest.raises(CandidateError) as caught:
        piece(candidate, pairs(candidate)["b"]).run([fed((1, 1, 1, 4))])
    assert caught.value.layer == "b"


def test_dropout_is_off() -> None:
    keras = import_keras()
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 9, 3)), layers.Dropout(0.9), layers.Conv2D(4, 3, name="a")])
    candidate = wrap_model(model, "model")
    segment = piece(candidate, pairs(candidate)["a"])
    np.testing.assert_array_equal(candidate.as_array(segment.run([fed()])), candidate.as_array(segment.run([fed()])))


def test_dropout_that_the_graph_itself_leaves_on_stays_on() -> None:
    """Porting bug `dropout.active`: `training=True` in the model's own code must not be hidden by the harness."""
    keras = import_keras()
    layers = keras.layers
    x = keras.Input((8, 9, 3))
    model = keras.Model(x, layers.Conv2D(4, 3, name="a")(layers.Dropout(0.9)(x, training=True)))
    candidate = wrap_model(model, "model")
    segment = piece(candidate, pairs(candidate)["a"])
    first, second = (candidate.as_array(segment.run([fed()])).copy() for _ in range(2))
    assert not np.array_equal(first, second)
    with pytest.raises(CandidateError, match="it depends on chance"):
        segment.run_float64([fed()])


def test_a_layer_that_keeps_something_outside_of_its_configuration_cannot_be_rebuilt() -> None:
    """A clone without it would be the right function, and would clear the wrong one."""
    keras = import_keras()

    class Scaled(keras.layers.Conv2D):
        factor = 1.0

        def call(self, inputs: Any) -> Any:
            return super().call(inputs) * self.factor

    x = keras.Input((8, 9, 3))
    layer = Scaled(4, 3, name="a")
    layer.factor = 1 + 2e-5
    candidate = wrap_model(keras.Model(x, layer(x)), "model")
    with pytest.raises(CandidateError, match="what a layer keeps elsewhere"):
        piece(candidate, pairs(candidate)["a"]).run_float64([fed()])


def test_several_inputs() -> None:
    keras = import_keras()
    left, right = keras.Input((4, 4, 2), name="left"), keras.Input((4, 4, 3), name="right")
    candidate = wrap_model(keras.Model([left, right], keras.layers.Concatenate(name="join")([left, right])), "model")
    graph = candidate.graph
    assert graph.inputs == (0, 1)
    assert graph.nodes[-1].inputs == (0, 1)
    a, b = fed((1, 4, 4, 2)), fed((1, 4, 4, 3))
    np.testing.assert_array_equal(
        candidate.as_array(between(candidate, "join", graph.inputs, graph.outputs).run([a, b])),
        np.concatenate([a, b], -1),
    )


def test_channels_first_is_seen() -> None:
    keras = import_keras()
    model = keras.Sequential(
        [keras.Input((3, 8, 9)), keras.layers.Conv2D(4, 3, data_format="channels_first", name="a")]
    )
    (cut,) = pairs(wrap_model(model, "model"))["a"].outputs
    assert cut.order == (0, 1, 2, 3)
