"""The Keras layers of ours: they are saved and loaded, take any batch and any precision, and let gradients through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.extras import import_keras, import_keras_layers

X = (2, 4, 5, 3)  # what each is called on, batch among it

LAYERS = {
    "ArgMax": ({"top_k": 2, "axis": 3}, 1),
    "Crop": ({"pieces": {1: (1, 3), 3: (0, 2)}}, 1),
    "DummyData": ({"shapes": [(2, 3), (2, 1)], "values": [0.5, -1.0]}, 1),
    "Parameter": ({"shape": (2, 3)}, 1),
    "Reduction": ({"operation": "mean", "axis": (1, 2), "coefficient": 0.5}, 1),
    "ReshapeBatch": ({"target_shape": (-1, 3)}, 1),
    "Slice": ({"points": [1], "axis": 3}, 1),
    "Tile": ({"tiles": 2, "axis": 3}, 1),
    "Transpose": ({"axes": (3, 0, 1, 2)}, 1),
    "WeightedSum": ({"coefficients": [0.5, -2.0]}, 2),
}
"""Options of each layer, and how many tensors it takes."""

LEARNED = {"Parameter"}
CONSTANT = {"DummyData", "Parameter"}
every_layer = pytest.mark.parametrize("name", list(LAYERS))


def made(name: str, **more):
    options, _ = LAYERS[name]
    return getattr(import_keras_layers(), name)(**options, **more)


def model_of(name: str, dtype: str = "float32", batch: int | None = None):
    """A model of the layer alone."""
    keras = import_keras()
    inputs = [keras.Input(X[1:], batch_size=batch, dtype=dtype) for _ in range(LAYERS[name][1])]
    return keras.Model(inputs, made(name, dtype=dtype)(inputs if len(inputs) > 1 else inputs[0]))


def feeds(name: str, dtype: str = "float32", batch: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=(batch, *X[1:])).astype(dtype) for _ in range(LAYERS[name][1])]


def arrays(tensors) -> list[np.ndarray]:
    return [np.asarray(one) for one in (tensors if isinstance(tensors, (list, tuple)) else [tensors])]


@every_layer
def test_a_saved_model_computes_the_same(name: str, tmp_path: Path) -> None:
    keras = import_keras()
    model = model_of(name)
    for variable in model.weights:
        variable.assign(np.random.default_rng(5).normal(size=variable.shape))
    x = feeds(name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(arrays(again(x)), arrays(model(x)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_saved_model_needs_nothing_but_the_import(tmp_path: Path) -> None:
    keras = import_keras()
    x = keras.Input(X[1:])
    y = x
    for name in ("Crop", "Tile", "ArgMax"):
        y = made(name)(y)
    keras.Model(x, y).save(tmp_path / "model.keras")
    script = (
        "import harness.keras_layers, keras, sys; model = keras.models.load_model(sys.argv[1]);"
        "print(*[type(layer).__name__ for layer in model.layers[1:]], tuple(model.output_shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model.keras")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Crop Tile ArgMax (None, 2, 5, 2)\n", done.stderr


@every_layer
def test_its_configuration_makes_it_again(name: str) -> None:
    layer = made(name)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_computes_in_the_precision_it_is_given(name: str, dtype: str) -> None:
    for array in arrays(model_of(name, dtype)(feeds(name, dtype))):
        assert array.dtype == dtype


@every_layer
def test_a_half_precision_policy_is_kept_but_for_indices(name: str) -> None:
    keras = import_keras()
    layer = made(name, dtype=keras.DTypePolicy("mixed_float16"))
    x = feeds(name)
    for array in arrays(layer(x if len(x) > 1 else x[0])):
        assert array.dtype == ("float32" if name == "ArgMax" else "float16")


@every_layer
def test_a_batch_of_another_size_goes_through(name: str) -> None:
    model = model_of(name)
    for one, three in zip(arrays(model(feeds(name, batch=1))), arrays(model(feeds(name, batch=3))), strict=True):
        known = name in CONSTANT
        assert one.shape == three.shape if known else three.size == 3 * one.size


@every_layer
def test_the_shape_is_known_before_anything_is_computed(name: str) -> None:
    model = model_of(name)
    for tensor, array in zip(model.outputs, arrays(model(feeds(name))), strict=True):
        assert len(tensor.shape) == array.ndim
        assert all(a in (None, b) for a, b in zip(tensor.shape, array.shape, strict=True))


@every_layer
def test_gradients_flow(name: str) -> None:
    """To what is learned, and to the input but for indices and constants."""
    import tensorflow as tf

    layer = made("ArgMax", out_max_val=True) if name == "ArgMax" else made(name)
    x = [tf.constant(one) for one in feeds(name)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        tops = layer(x if len(x) > 1 else x[0])
        total = tf.add_n([tf.reduce_sum(one) for one in (tops if isinstance(tops, list) else [tops])])
    found = tape.gradient(total, [weight.value for weight in layer.trainable_weights] if name in LEARNED else x)
    if name == "DummyData":
        assert found == [None]
    else:
        assert all(gradient is not None and np.any(np.asarray(gradient)) for gradient in found)


def test_an_operation_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match='operation is \'product\': it may be "sum", "asum", "sumsq" or "mean"'):
        import_keras_layers().Reduction("product", 1)
