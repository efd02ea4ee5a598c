"""A piece of a model as a file of its own: it computes the same, or there is none and a reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.pieces import between

from harness.engines.keras import wrap_model
from harness.engines.keras.extract import save_segment
from harness.errors import CandidateError
from harness.extras import import_keras, import_keras_layers

keras = import_keras()
layers = keras.layers
X = np.random.default_rng(2).normal(size=(2, 6, 5, 3)).astype(np.float32)


def segment(*middle: Any) -> Any:
    """The layers between two convolutions of a model."""
    model = keras.Sequential([keras.Input((6, 5, 3)), layers.Conv2D(3, 1), *middle, layers.Conv2D(2, 1)])
    candidate = wrap_model(model, "model")
    nodes = candidate.graph.nodes
    return between(candidate, "middle", nodes[0].outputs, nodes[-2].outputs).segment


def test_it_computes_the_same_where_nobody_knows_the_model(tmp_path: Path) -> None:
    piece = segment(layers.ZeroPadding2D(1), layers.Conv2D(4, 3, activation="elu"))
    assert save_segment(piece, [X], ["x"], tmp_path / "piece.keras") is False
    np.save(tmp_path / "x.npy", X)
    program = "import keras, numpy as np; np.save('y.npy', keras.models.load_model('piece.keras')(np.load('x.npy')))"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), piece.run([X])[0], rtol=1e-6, atol=1e-6)


def test_the_model_itself_keeps_its_layers(tmp_path: Path) -> None:
    piece = segment(layers.Conv2D(4, 3, name="middle"))
    save_segment(piece, [X], ["x"], tmp_path / "piece.keras")
    saved = keras.models.load_model(tmp_path / "piece.keras")
    saved.get_layer("middle").kernel.assign(np.zeros((3, 3, 3, 4)))
    assert np.abs(np.asarray(piece.run([X])[0])).max() > 0


def test_layers_of_the_harness_are_said(tmp_path: Path) -> None:
    assert save_segment(segment(import_keras_layers().LRN()), [X], ["x"], tmp_path / "piece.keras") is True


@keras.saving.register_keras_serializable(package="mine")
class Own(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


def own_activation(x: Any) -> Any:
    return x * 2.0


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        (lambda: layers.Lambda(lambda x: x * 2.0), "Keras cannot load it again: "),
        (lambda: Own(), "a class or function of "),
        (lambda: layers.Conv2D(3, 1, activation=own_activation), "cannot be a model of its own: "),
    ],
    ids=["a Lambda", "a class", "a function"],
)
def test_what_others_could_not_load_is_not_written(tmp_path: Path, middle: Any, said: str) -> None:
    path = tmp_path / "piece.keras"
    with pytest.raises(CandidateError, match=said):
        save_segment(segment(middle()), [X], ["x"], path)
    assert not path.exists()
