"""Our Keras layers for normalisations: saved and loaded, fine-tuned, of sizes not known beforehand, in other types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.extras import import_keras, import_keras_layers

LAYERS = {
    "Scale": {"axis": [1, 3], "use_bias": True},
    "Scale of one number": {"axis": []},
    "Bias": {"axis": -1},
    "BatchStatistics": {"epsilon": 1e-5},
    "BatchStatistics alone": {"center": False, "scale": False},
    "LRN": {"size": 3, "alpha": 0.1},
    "LRN within": {"size": 3, "within_channel": True},
    "MVN": {"axis": [1, 2]},
    "MVN of the mean": {"axis": [1, 2, 3], "normalize_variance": False},
    "Normalize": {},
    "Normalize all": {"across_spatial": True, "channel_shared": True},
}
each_layer = pytest.mark.parametrize("name", LAYERS)
X = np.random.default_rng(3).normal(size=(2, 4, 5, 3)).astype(np.float32)


def made(name: str, **options):
    return getattr(import_keras_layers(), name.split()[0])(**LAYERS[name], **options)


def model_of(layer, shape=(4, 5, 3)):
    keras = import_keras()
    data = keras.Input(shape)
    return keras.Model(data, layer(data))


@each_layer
def test_gradients_flow_to_what_is_learned_and_to_what_is_read(name: str) -> None:
    import tensorflow as tf

    model = model_of(made(name))
    target = np.random.default_rng(4).normal(size=X.shape).astype(np.float32)
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - target))
    for gradient in tape.gradient(loss, [x, *model.trainable_variables]):
        assert gradient is not None
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


@each_layer
def test_sizes_need_not_be_known_where_no_variable_depends_on_them(name: str) -> None:
    if name == "Scale":  # its variable runs along the rows
        return
    layer = made(name)
    fixed = model_of(layer)
    np.testing.assert_array_equal(model_of(layer, (None, None, 3))(X), fixed(X))


@each_layer
def test_float64_is_computed_in_float64(name: str) -> None:
    wide = made(name, dtype="float64")
    result = wide(X.astype(np.float64))
    assert result.dtype == "float64"
    assert all(variable.dtype == "float64" for variable in wide.weights)
    np.testing.assert_allclose(np.asarray(made(name)(X)), np.asarray(result), rtol=1e-5, atol=1e-6)


@each_layer
def test_a_policy_of_half_precision_is_kept(name: str) -> None:
    layer = made(name, dtype="mixed_bfloat16")
    assert layer(X).dtype == "bfloat16"
    assert all(variable.dtype == "float32" for variable in layer.weights)


@pytest.mark.parametrize("name", ["Scale", "Bias"])
def test_two_tensors(name: str) -> None:
    keras = import_keras()
    layer = getattr(import_keras_layers(), name)(axis=[3, 1])  # its axes are channels and rows, in this order
    other = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)
    laid = other.T[None, :, None, :]
    x, y = keras.Input((4, 5, 3)), keras.Input((4,))
    result = np.asarray(keras.Model([x, y], layer([x, y]))([X, other]))
    np.testing.assert_array_equal(result, X * laid if name == "Scale" else X + laid)
    assert not layer.weights


def test_variables_have_the_shape_that_is_broadcast() -> None:
    own = import_keras_layers()
    cases = [(-1, (3,)), (1, (4, 1, 1)), ([1, 3], (4, 1, 3)), ([], ()), ([1, 2, 3], (4, 5, 3))]
    for axis, shape in cases:
        layer = own.Scale(axis=axis, use_bias=True)
        layer(X)
        assert {variable.name: tuple(variable.shape) for variable in layer.weights} == {"scale": shape, "bias": shape}
    layer = own.Bias(axis=0, batch_size=2)
    layer(X)
    assert tuple(layer.bias.shape) == (2, 1, 1, 1)


def test_a_saved_model_loads_in_a_fresh_process(tmp_path: Path) -> None:
    keras = import_keras()
    data = keras.Input((4, 5, 3))
    x = data
    for name in LAYERS:
        x = made(name)(x)
    one = keras.Input((4, 5, 3))
    model = keras.Model([data, one], import_keras_layers().Scale(use_bias=True, axis=[0, 1, 2, 3])([x, one]))
    rng = np.random.default_rng(6)
    model.set_weights([rng.uniform(0.5, 1.5, size=weight.shape) for weight in model.get_weights()])
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.asarray(model([X, X])))
    script = (
        "import keras, numpy as np, harness.keras_layers\n"
        "model = keras.models.load_model('model.keras')\n"
        "x = np.load('x.npy')\n"
        "np.testing.assert_array_equal(np.asarray(model([x, x])), np.load('y.npy'))\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r})\n{script}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
