"""What is said of layers that match, and what becomes of a search that breaks off."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import Pair
from harness.diagnose.explainer import Explainer
from harness.engines.keras import wrap_model
from harness.layers.shapes import infer_shapes
from harness.mapping import map_layers


def explained() -> tuple[Explainer, Pair, keras.Model]:
    """A ReLU whose Keras counterpart is cut off at 600, which no number here reaches."""
    net = nets.network(nets.data(1, 3, 6, 6) + nets.layer("ReLU", "data", "layer"))
    data = keras.Input((6, 6, 3), name="data")
    model = keras.Model(data, layers.ReLU(max_value=600, name="layer")(data))
    candidate = wrap_model(model, "model.keras")
    (pair,) = map_layers(net, candidate.graph).pairs
    return Explainer(net, nets.weights({}), infer_shapes(net), candidate), pair, model


def test_a_layer_that_matches_by_chance_of_the_input_says_so() -> None:
    explainer, pair, model = explained()
    (row,) = rows_of(explainer.network, model).values()
    assert (row.status.value, row.note) == ("match", None)
    noted = explainer.noted(pair, row)
    assert noted.status.value == "match"
    assert (noted.note or "").startswith("the definitions differ: ")
    assert (noted.note or "").endswith(". This input does not show it")
    assert explainer.noted(pair, replace(row, note="all zero")).note == f"all zero; {noted.note}"


def test_a_search_that_breaks_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    explainer, pair, model = explained()
    (row,) = rows_of(explainer.network, model).values()

    def broken(clues: object) -> None:
        raise KeyError("gone")

    monkeypatch.setattr("harness.diagnose.explainer.stated", broken)
    assert explainer.noted(pair, row).note == "its definition could not be looked through (KeyError: 'gone')"
