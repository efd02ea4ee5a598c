"""Weights from a file beside the function that builds the model: all of them, or an error that names what is left."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engines.keras import Candidate, wrap_model
from harness.engines.keras.weight_files import load_weight_file
from harness.errors import WeightsError
from harness.extras import import_h5py, import_keras, import_tf_keras

keras = import_keras()


def built(of: Any, *names: str | None, filters: int = 2) -> Any:
    """A model with a convolution of each name and a nested model, of Keras 3 or Keras 2."""
    layers = of.layers
    inner = of.Sequential(
        [of.Input((6, 6, 3)), layers.Conv2D(3, 1, name="inner_conv"), layers.BatchNormalization(name="inner_bn")],
        name="inner",
    )
    return of.Sequential(
        [
            of.Input((6, 6, 3)),
            inner,
            *(layers.Conv2D(filters if name == names[-1] else 3, 1, name=name) for name in names),
        ]
    )


def shuffled(model: Any) -> Any:
    rng = np.random.default_rng(3)
    model.set_weights([rng.uniform(0.5, 1.5, size=one.shape).astype(np.float32) for one in model.get_weights()])
    return model


def saved(model: Any, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is considered legacy
        model.save(path) if path.name.startswith("model") else model.save_weights(path)
    return path


def complaint(candidate: Candidate, path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load_weight_file(candidate, path)
    return str(caught.value).replace(f"{path}", path.name)


def assert_equal(candidate: Candidate, model: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(candidate.model(x)), np.asarray(model(x)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["net.weights.h5", "model.keras", "model.h5"])
def test_files_of_keras_3(tmp_path: Path, name: str) -> None:
    model = shuffled(built(keras, "a", "b"))
    candidate = wrap_model(built(keras, "a", "b"), "model.py")
    assert_equal(load_weight_file(candidate, saved(model, tmp_path / name)), model)


@pytest.mark.parametrize("name", ["net.weights.h5", "net.h5", "model.h5"])
def test_files_of_keras_2(tmp_path: Path, name: str) -> None:
    model = shuffled(built(import_tf_keras(), "a", "b"))
    candidate = wrap_model(built(keras, "a", "b"), "model.py")
    assert_equal(load_weight_file(candidate, saved(model, tmp_path / name)), model)


def test_keras_2_by_order_where_the_names_are_made_up(tmp_path: Path) -> None:
    tf_keras = import_tf_keras()
    built(tf_keras, None, None)  # counts its layers on
    model = shuffled(built(tf_keras, None, None))
    candidate = wrap_model(built(keras, "first", None), "model.py")
    path = saved(model, tmp_path / "net.h5")
    assert complaint(candidate, path).startswith("net.h5, layer 'conv2d_")
    keras.utils.clear_session(free_memory=False)
    candidate = wrap_model(built(keras, None, None), "model.py")
    assert_equal(load_weight_file(candidate, path), model)


def test_keras_2_by_name_where_the_order_is_another(tmp_path: Path) -> None:
    tf_keras = import_tf_keras()
    x = tf_keras.Input((6, 6, 3))
    a, b = (tf_keras.layers.Conv2D(3, 1, name=name) for name in "ab")
    model = shuffled(tf_keras.Model(x, tf_keras.layers.Concatenate()([b(x), a(x)])))
    y = keras.Input((6, 6, 3))
    a, b = (keras.layers.Conv2D(3, 1, name=name) for name in "ab")
    other = keras.Model(y, keras.layers.Concatenate()([b(a(y)), a(y)][::-1]))
    path = saved(model, tmp_path / "net.h5")
    candidate = load_weight_file(wrap_model(other, "model.py"), path)
    for name in "ab":
        np.testing.assert_array_equal(candidate.weights_of(name)["kernel"], model.get_layer(name).get_weights()[0])


@pytest.mark.parametrize("name", ["net.weights.h5", "net.h5"])
def test_a_layer_of_the_file_that_finds_none(tmp_path: Path, name: str) -> None:
    """Keras itself says nothing of it where the file is a `.weights.h5`."""
    of = keras if name == "net.weights.h5" else import_tf_keras()
    path = saved(built(of, "a", "b", "c", filters=3), tmp_path / name)
    said = complaint(wrap_model(built(keras, "a", "b", filters=3), "model.py"), path)
    assert said.startswith(f"{name}, layer 'c': holds weights of 'c', for which the model has no layer")


@pytest.mark.parametrize("name", ["net.weights.h5", "net.h5"])
def test_a_layer_of_the_model_that_gets_none(tmp_path: Path, name: str) -> None:
    of = keras if name == "net.weights.h5" else import_tf_keras()
    path = saved(built(of, "a", "b", filters=3), tmp_path / name)
    said = complaint(wrap_model(built(keras, "a", "b", "c", filters=3), "model.py"), path)
    assert "'c'" in said
    assert said.startswith(
        "net.weights.h5: Keras cannot load these weights: Layer 'c' expected 2 variables, but received 0"
        if name == "net.weights.h5"
        else "net.h5, layer 'c': holds no weights for the model's 'c'\n  → is it the model that the file was saved from?"
    )


def test_what_the_harness_itself_converts(tmp_path: Path) -> None:
    with import_h5py().File(tmp_path / "net.h5", "w") as file:
        file["a/kernel"], file["a/bias"] = np.full((1, 1, 3, 2), 2.0), np.ones(2)
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(2, 1, name="a")])
    candidate = load_weight_file(wrap_model(model, "model.py"), tmp_path / "net.h5")
    assert candidate.weights_of("a")["kernel"].mean() == 2


def test_another_shape(tmp_path: Path) -> None:
    path = saved(built(import_tf_keras(), "a", "b"), tmp_path / "net.h5")
    assert complaint(wrap_model(built(keras, "a", "b", filters=4), "model.py"), path) == (
        "net.h5, layer 'b': its weights are 1×1×3×2, 2 in the file and 1×1×3×4, 4 in the model's 'b'\n"
        "  → compare filters, kernel_size and use_bias with the model that the file was saved from"
    )


def test_keras_3_goes_by_order_which_must_be_that_of_the_names(tmp_path: Path) -> None:
    path = saved(shuffled(built(keras, "a", "b", filters=3)), tmp_path / "net.weights.h5")
    assert complaint(wrap_model(built(keras, "b", "a", filters=3), "model.py"), path) == (
        "net.weights.h5, layer 'a': Keras goes by the order of a model's layers, and put other weights into this one than "
        "the file has under its name\n  → build the layers in the order in which the saved model was built"
    )


def test_flipped_kernels(tmp_path: Path) -> None:
    path = saved(built(import_tf_keras(), "a"), tmp_path / "net.h5")
    with import_h5py().File(path, "r+") as file:
        file.attrs["backend"] = b"theano"
    assert complaint(wrap_model(built(keras, "a"), "model.py"), path) == (
        "net.h5: was saved with the Theano backend, which flips its kernels\n"
        "  → load it into the model with Keras 2 on TensorFlow and save it again"
    )


def test_what_is_no_weights_file(tmp_path: Path) -> None:
    candidate = wrap_model(built(keras, "a"), "model.py")
    (tmp_path / "net.h5").write_bytes(b"nothing")
    assert complaint(candidate, tmp_path / "net.h5").startswith("net.h5: is not an HDF5 file that can be read: ")
    assert complaint(candidate, tmp_path / "none.h5") == "none.h5: no such file"
    with import_h5py().File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(3)
    assert complaint(candidate, tmp_path / "other.h5") == (
        "other.h5: holds no weights of Keras\n  → give MODEL.weights.h5, MODEL.keras, or an .h5 that Keras wrote"
    )


def test_a_model_of_a_class(tmp_path: Path) -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(2, 1, name="conv")

        def call(self, inputs: Any) -> Any:
            return self.conv(inputs)

    model = Mine()
    model(keras.Input((6, 6, 3)))
    path = saved(shuffled(model), tmp_path / "net.weights.h5")
    candidate = load_weight_file(wrap_model(Mine(), "model.py", (6, 6, 3)), path)
    np.testing.assert_array_equal(candidate.weights_of("conv")["kernel"], np.asarray(model.conv.kernel))
