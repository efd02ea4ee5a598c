"""Models of Keras 2: loaded by tf_keras, rebuilt in Keras 3, and proven equal."""

from __future__ import annotations

import importlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.engines.keras import Candidate, keras2, open_model
from harness.engines.keras.saved import archive_of
from harness.errors import CandidateError, EngineMissingError
from harness.extras import import_h5py, import_keras, import_tf_keras

keras = import_keras()
tf_keras = import_tf_keras()
old = tf_keras.layers

ZOO = os.environ.get("HARNESS_MODEL_ZOO")
UNREADABLE = "pop expected at most 1 argument"
"""What Keras 3 says of Keras 2.0's files: a Sequential's configuration was a list then."""


def saved(model: Any, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is considered legacy
        model.save(path, **({"save_format": "tf"} if not path.suffix else {}))
    return path


def aged(path: Path) -> Path:
    """The file as Keras 2.0.8 would have written it: a Sequential is a bare list of layers."""
    with import_h5py().File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"] = [one for one in config["config"]["layers"] if one["class_name"] != "InputLayer"]
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = b"2.0.8"
        file["model_weights"].attrs["keras_version"] = b"2.0.8"
    return path


def small() -> Any:
    return tf_keras.Sequential(
        [
            old.Conv2D(4, 3, activation="relu", batch_input_shape=(None, 8, 9, 3), name="conv2d_3"),
            old.MaxPooling2D(2, name="max_pooling2d_3"),
            old.LeakyReLU(0.2, name="leaky"),
            old.Flatten(name="flatten_2"),
            old.Dense(3, activation="softmax", name="dense_4"),
        ]
    )


def fed(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def complaint(path: Path) -> str:
    with pytest.raises(CandidateError) as caught:
        open_model(path.name, path.parent)
    return str(caught.value).replace(str(path.resolve()), path.name)


def rebuilt(model: Any, path: Path) -> Candidate:
    """Through tf_keras, also where Keras 3 could read the file."""
    return keras2.load(archive_of(saved(model, path)), None)


def assert_equal(candidate: Candidate, model: Any, *arrays: np.ndarray) -> None:
    one = arrays[0] if len(arrays) == 1 else list(arrays)
    for a, b in zip(keras.tree.flatten(candidate.model(one)), keras.tree.flatten(model(one)), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


def test_a_file_that_keras_3_does_not_read(tmp_path: Path) -> None:
    model = small()
    path = aged(saved(model, tmp_path / "net.h5"))
    with pytest.raises(Exception, match=UNREADABLE):
        keras.models.load_model(path, compile=False)
    candidate = open_model("net.h5", tmp_path)
    assert [node.name for node in candidate.graph.nodes] == [
        "conv2d_3",
        "max_pooling2d_3",
        "leaky",
        "flatten_2",
        "dense_4",
    ]
    assert candidate.version.endswith(
        f"; Keras 2.0.8 file, loaded by tf_keras {tf_keras.__version__}, rebuilt in Keras {keras.__version__}"
    )
    assert candidate.graph.nodes[2].config["negative_slope"] == pytest.approx(0.2)
    assert_equal(candidate, model, fed(2, 8, 9, 3))


def test_without_tf_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aged(saved(small(), tmp_path / "net.h5"))
    monkeypatch.setattr("importlib.import_module", _without("tf_keras", importlib.import_module))
    with pytest.raises(EngineMissingError) as caught:
        open_model("net.h5", tmp_path)
    said = str(caught.value)
    assert f"net.h5: is a Keras 2.0.8 file, which Keras 3 cannot load: {UNREADABLE}" in said
    assert said.endswith("; tf_keras would, but cannot be imported\n  → pip install 'caffe-keras-parity[keras2]'")


def _without(name: str, importing: Any) -> Any:
    def import_module(module: str, *rest: Any) -> Any:
        if module == name:
            raise ImportError(f"No module named {name!r}")
        return importing(module, *rest)

    return import_module


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "net"])
def test_graphs_with_nested_models_and_layers_called_twice(tmp_path: Path, name: str) -> None:
    inner = tf_keras.Sequential([old.Input((8, 8, 4)), old.Conv2D(4, 3, padding="same", name="conv")], name="inner")
    x = old.Input((8, 8, 3), name="image")
    y = old.Conv2D(4, 3, padding="same", activation="swish", name="conv")(x)
    z = inner(inner(y))
    joined = old.Concatenate(name="join")([z, old.Add(name="sum")([y, z])])
    pooled = old.GlobalAveragePooling2D(name="pool")(old.BatchNormalization(name="bn")(joined))
    outputs = [old.Dense(3, activation="softmax", name="one")(pooled), old.Dense(2, name="two")(pooled)]
    model = tf_keras.Model(x, outputs)
    candidate = rebuilt(model, tmp_path / name)
    assert sorted(node.name for node in candidate.graph.nodes) == sorted(
        ["conv", "inner/conv", "inner/conv#2", "sum", "join", "bn", "pool", "one", "two"]
    )
    assert_equal(candidate, model, fed(1, 8, 8, 3))


def test_recurrent_layers_and_wrappers(tmp_path: Path) -> None:
    model = tf_keras.Sequential(
        [
            old.Input((5, 6)),
            old.Bidirectional(old.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True), name="both"),
            old.TimeDistributed(old.Dense(3), name="each"),
            old.GRU(3, name="last"),
        ]
    )
    assert_equal(rebuilt(model, tmp_path / "net.h5"), model, fed(2, 5, 6))


def test_hard_sigmoid_is_keras_2s(tmp_path: Path) -> None:
    """Keras 3 reads the file without a word, and computes relu6(x + 3) / 6 where Keras 2 has 0.2·x + 0.5."""
    model = tf_keras.Sequential([old.Input((4,)), old.Dense(5, activation="hard_sigmoid", name="fc")])
    saved(model, tmp_path / "net.h5")
    wrong = keras.models.load_model(tmp_path / "net.h5", compile=False)
    x = fed(3, 4)
    assert np.abs(np.asarray(wrong(x)) - np.asarray(model(x))).max() > 1e-3
    assert_equal(open_model("net.h5", tmp_path), model, x)


def test_a_saved_model(tmp_path: Path) -> None:
    model = small()
    saved(model, tmp_path / "net")
    candidate = open_model("net", tmp_path)
    assert_equal(candidate, model, fed(2, 8, 9, 3))
    assert f"Keras {tf_keras.__version__} SavedModel, loaded by tf_keras" in candidate.version


# ------------------------------------------------------------------------------------------------ what is refused


def test_a_saved_model_of_functions_only(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).export(tmp_path / "net", verbose=False)
    assert complaint(tmp_path / "net") == (
        "net: is a SavedModel of functions only: TensorFlow can call it, but its layers and their weights cannot be told "
        "apart\n  → where the model was made, save it with model.save('model.keras') (or .h5) and give that file"
    )


def test_a_saved_model_of_a_class(tmp_path: Path) -> None:
    class Mine(tf_keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.fc = old.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.fc(inputs)

    model = Mine()
    model(fed(1, 3))
    saved(model, tmp_path / "net")
    assert complaint(tmp_path / "net").startswith(
        "net: is a SavedModel of a model that is written as a class (Mine), whose layers it does not list\n"
    )


@pytest.mark.parametrize("name", ["net.h5", "net"])
def test_a_lambda(tmp_path: Path, name: str) -> None:
    saved(tf_keras.Sequential([old.Input((2,)), old.Lambda(lambda x: x * 2, name="twice")]), tmp_path / name)
    assert complaint(tmp_path / name).startswith(
        f"{name}, layer 'twice': is a Lambda: the file holds its function as byte code, which is never run\n"
    )


def test_a_custom_layer(tmp_path: Path) -> None:
    class Mine(old.Dense):
        pass

    path = aged(saved(tf_keras.Sequential([old.Dense(2, input_shape=(3,)), Mine(2, name="mine")]), tmp_path / "net.h5"))
    assert complaint(path) == (
        "net.h5, layer 'mine': is of the class Mine, which is not one of Keras 3's layers\n"
        "  → build the model in a Python file and give FILE.py:FUNCTION with --keras-weights"
    )


def test_an_operation_of_tensorflow(tmp_path: Path) -> None:
    import tensorflow

    x = old.Input((3,))
    saved(tf_keras.Model(x, tensorflow.nn.relu(old.Dense(2, name="fc")(x), name="rectify")), tmp_path / "net.h5")
    assert complaint(tmp_path / "net.h5").startswith(
        "net.h5, layer 'tf.nn.relu': is an operation of TensorFlow, not a layer; Keras 3 has no counterpart"
    )


def test_a_layer_that_is_another_one_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engines.keras.keras2_layers.RENAMED", {"LeakyReLU": {"alpha": "name"}})
    monkeypatch.setattr("harness.engines.keras.keras2_layers._value", lambda old, key, value, file: _other(key, value))
    with pytest.raises(CandidateError) as caught:
        rebuilt(tf_keras.Sequential([old.Input((4,)), old.LeakyReLU(0.1, name="leaky")]), tmp_path / "net.h5")
    assert "Keras 3's LeakyReLU is another one than Keras 2's: the largest difference is" in str(caught.value)


def _other(key: str, value: Any) -> Any:
    return "leaky" if key in ("alpha", "name") else value["config"]["name"] if isinstance(value, dict) else value


@pytest.mark.zoo
@pytest.mark.skipif(not ZOO, reason="HARNESS_MODEL_ZOO is not set")
def test_the_authors_own_file_of_2017() -> None:
    candidate = open_model("char_judgement.h5", Path(ZOO or "") / "hyperlpr_Segmentation")
    assert "Keras 2.0.8 file, loaded by tf_keras" in candidate.version
    classes = [node.class_name for node in candidate.graph.nodes]
    assert classes.count("Conv2D") == 2
    assert classes.count("Dense") == 2
    assert candidate.weights_of("conv2d_3")["kernel"].shape == (3, 3, 1, 16)
