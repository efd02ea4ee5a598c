"""Models and layers that are written as classes: recorded by calling them, and proven against themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines.test_keras_calls import fed, names, whole

from harness.engines.keras import open_model, wrap_model
from harness.errors import CandidateError
from harness.extras import import_keras

keras = import_keras()
layers = keras.layers


class Residual(layers.Layer):
    """A layer made of layers."""

    def __init__(self, width: int, **options: Any) -> None:
        super().__init__(**options)
        self.width = width
        self.first = layers.Conv2D(width, 3, padding="same", name=f"{self.name}_conv")
        self.norm = layers.BatchNormalization(name=f"{self.name}_bn")
        self.side = layers.Conv2D(width, 1, name=f"{self.name}_side")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return keras.ops.relu(self.norm(self.first(inputs), training=training)) + self.side(inputs)


class Net(keras.Model):
    """A model written as a class, with such layers in it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = Residual(4, name="one"), Residual(5, name="two")
        self.drop, self.head = layers.Dropout(0.5, name="drop"), layers.Dense(3, name="head")

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = keras.ops.mean(self.two(self.one(inputs)), axis=[1, 2])
        return self.head(self.drop(x, training=training))


EXPECTED = ["one_conv", "one_bn", "Relu", "one_side", "Add", "two_conv", "two_bn", "Relu", "two_side", "Add", "Mean"]


def test_a_model_of_a_class_is_recorded_down_to_its_layers() -> None:
    candidate = wrap_model(Net(), "model", (8, 8, 3))
    shown = [node.class_name if node.operation else node.name for node in candidate.graph.nodes]
    assert shown == [*EXPECTED, "drop", "head"]
    assert candidate.graph.nodes[0].path == ("one",)
    x = fed(1, 8, 8, 3)
    np.testing.assert_array_equal(np.asarray(whole(candidate).run([x])), np.asarray(candidate.model(x)))
    assert {one.name for one in candidate.layers if one.weights} == {
        f"{block}_{part}" for block in ("one", "two") for part in ("conv", "bn", "side")
    } | {"head"}


def test_its_shape_is_known_once_it_was_called() -> None:
    model = Net()
    model(keras.Input((8, 8, 3)))
    assert wrap_model(model, "model").graph.nodes[0].output_shapes == ((None, 8, 8, 4),)


def test_the_cases_shape_does(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "import keras\n\n\nclass Mine(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        '        self.conv = keras.layers.Conv2D(2, 3, name="conv")\n\n    def call(self, inputs):\n'
        "        return self.conv(inputs)\n\n\ndef get_model():\n    return Mine()\n"
    )
    candidate = open_model("model.py", tmp_path, (9, 9, 3))
    assert names(candidate) == ["conv"]
    assert candidate.source_of("conv") == "model.py:7"
    with pytest.raises(CandidateError) as caught:
        open_model("model.py", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path.resolve()}/model.py gives a model of a class (Mine) that was not called yet, so that its input's shape "
        "is not known\n  → let the function call it once, model(keras.Input((HEIGHT, WIDTH, CHANNELS))), before it returns it"
    )


def test_without_a_call() -> None:
    class Mine(keras.Model):
        pass

    with pytest.raises(CandidateError) as caught:
        wrap_model(Mine(), "model.py")
    assert str(caught.value) == (
        "model.py gives a model of a class (Mine) without a call(), which computes nothing\n"
        "  → write its call(self, inputs), or build it as keras.Model(inputs, outputs)"
    )


def test_several_inputs_as_a_list() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.fc = layers.Dense(3, name="fc")

        def call(self, inputs: Any) -> Any:
            return self.fc(inputs[0]) - self.fc(inputs[1])

    model = Mine()
    model([keras.Input((4,)), keras.Input((4,))])
    candidate = wrap_model(model, "model")
    assert [node.name for node in candidate.graph.nodes if not node.operation] == ["fc", "fc#2"]
    a, b = fed(1, 4), fed(1, 4) * 2
    np.testing.assert_array_equal(np.asarray(whole(candidate).run([a, b])), np.asarray(model([a, b])))


def test_several_inputs_one_by_one() -> None:
    class Mine(keras.Model):
        def call(self, left: Any, right: Any) -> Any:
            return left + right

    model = Mine()
    model(keras.Input((4,)), keras.Input((4,)))
    with pytest.raises(CandidateError) as caught:
        wrap_model(model, "model.py")
    assert str(caught.value) == (
        "model.py gives a model of a class (Mine) whose call() reads right beside its first argument, and Keras keeps the "
        "first one's shape only\n  → let call() take its inputs as one list"
    )


def test_weights_of_its_own() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    candidate = wrap_model(Mine(), "model", (4, 4, 3))
    (node,) = candidate.graph.nodes
    np.testing.assert_array_equal(candidate.weights_of(node.name)["scale"], np.asarray(candidate.model.scale))
    x = fed(1, 4, 4, 3).astype(np.float64)
    scale = np.asarray(candidate.model.scale, np.float64)
    np.testing.assert_allclose(whole(candidate).run_float64([x]), x * scale, rtol=0, atol=1e-15)
    candidate.model.scale.assign([1.0, 2.0, 3.0])
    np.testing.assert_allclose(np.asarray(whole(candidate).run([x])), x * [1, 2, 3], rtol=1e-6)


def model_of(call: Any) -> Any:
    return type("Mine", (keras.Model,), {"call": call})()


def test_tensorflow_inside_of_call() -> None:
    def call(self: Any, inputs: Any) -> Any:
        import tensorflow

        return tensorflow.nn.relu(inputs)

    with pytest.raises(CandidateError) as caught:
        _ = wrap_model(model_of(call), "model.py", (4, 4, 3)).graph
    said = str(caught.value)
    assert said.startswith(
        "model.py gives a model of a class (Mine) whose call() cannot be recorded: A KerasTensor cannot be"
    )
    assert said.endswith(
        "\n  → inside of call(), use keras.ops in place of TensorFlow's or NumPy's functions, and let nothing depend on a "
        "tensor's values"
    )


def test_branches_on_values() -> None:
    def call(self: Any, inputs: Any) -> Any:
        return inputs if keras.ops.mean(inputs) > 0 else -inputs

    with pytest.raises(CandidateError, match="let nothing depend on a tensor's values"):
        _ = wrap_model(model_of(call), "model.py", (4, 4, 3)).graph


def test_a_call_that_does_something_else_when_it_is_recorded_is_found_out() -> None:
    def call(self: Any, inputs: Any) -> Any:
        return inputs * 2 if isinstance(inputs, keras.KerasTensor) else inputs * 3

    with pytest.raises(CandidateError) as caught:
        _ = wrap_model(model_of(call), "model.py", (4, 4, 3)).graph
    assert str(caught.value) == (
        "model.py gives a model whose layers' recorded calls compute something else than the model itself\n"
        "  → its call() must do the same for every input: no branching on values, on chance or on the kind of tensor"
    )


def test_a_functional_model_with_a_call_of_its_own_is_taken_by_what_it_does() -> None:
    class Doubled(keras.Model):
        def call(self, inputs: Any) -> Any:
            return super().call(inputs) * 2

    x = keras.Input((4,))
    model = Doubled(x, layers.Dense(3, name="fc")(x))
    candidate = wrap_model(model, "model", None)
    np.testing.assert_array_equal(np.asarray(whole(candidate).run([fed(2, 4)])), np.asarray(model(fed(2, 4))))
    assert [node.class_name for node in candidate.graph.nodes] == ["Dense", "Multiply"]


def test_what_it_learns_as_it_is_proven_is_put_back() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.norm = layers.BatchNormalization(name="norm")

        def call(self, inputs: Any) -> Any:
            return self.norm(inputs, training=True)

    candidate = wrap_model(Mine(), "model", (4, 4, 3))
    assert candidate.graph.nodes[0].arguments == {"training": True}
    np.testing.assert_array_equal(candidate.weights_of("norm")["moving_mean"], np.zeros(3))
    np.testing.assert_array_equal(candidate.weights_of("norm")["moving_variance"], np.ones(3))


def test_chance_is_no_reason_to_refuse_a_class() -> None:
    """A dropout that is left on is a porting bug, and the comparison's to find."""

    def call(self: Any, inputs: Any) -> Any:
        return layers.Dropout(0.5, name="drop")(inputs, training=True)

    assert names(wrap_model(model_of(call), "model", (4, 4, 3))) == ["drop"]


# ---------------------------------------------------------------------------------------- layers made of layers


@keras.saving.register_keras_serializable("harness_tests")
class Kept(layers.Layer):
    """Cannot be taken apart: one of its weights is used where no symbolic tensor is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fc = layers.Dense(3, name="fc")
        self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    def call(self, inputs: Any) -> Any:
        return self.fc(inputs) * keras.ops.exp(self.gain)


def test_what_is_more_than_its_layers_is_kept_whole() -> None:
    x = keras.Input((4,))
    candidate = wrap_model(keras.Model(x, Kept(name="kept")(x)), "model")
    assert names(candidate) == ["kept"]
    assert set(candidate.weights_of("kept")) == {"kernel", "bias", "gain"}
    array = fed(2, 4).astype(np.float64)
    found = whole(candidate).run_float64([array])
    own = {name: one.astype(np.float64) for name, one in candidate.weights_of("kept").items()}
    expected = (array @ own["kernel"] + own["bias"]) * np.exp(own["gain"])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)  # in all of its layers


def test_a_layer_that_stays_in_float32_is_not_taken_for_float64() -> None:
    @keras.saving.register_keras_serializable("harness_tests")
    class Narrow(layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.gain = self.add_weight(shape=(), initializer="ones", name="gain", dtype="float32")

        def call(self, inputs: Any) -> Any:
            return inputs * keras.ops.cast(keras.ops.exp(self.gain), inputs.dtype)

    x = keras.Input((4,))
    candidate = wrap_model(keras.Model(x, Narrow(name="narrow")(x)), "model")
    with pytest.raises(CandidateError, match="cannot run in float64: narrow keeps gain in float32"):
        whole(candidate).run_float64([fed(2, 4)])


def test_a_live_lambda_is_run_in_float64_too() -> None:
    x = keras.Input((4,))
    candidate = wrap_model(keras.Model(x, layers.Lambda(lambda x: x / 3, name="third")(x)), "model")
    array = fed(2, 4).astype(np.float64)
    np.testing.assert_array_equal(whole(candidate).run_float64([array]), array / 3)
