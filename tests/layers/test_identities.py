"""Input, Split, Silence and Dropout: nothing is computed."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.data import Top
from harness.layers import layer_type
from harness.layers.shapes import blob_shapes, infer_shapes

NET = nets.network(
    nets.data(1, 3, 4, 5)
    + 'layer { name: "split" type: "Split" bottom: "data" top: "a" top: "b" }\n'
    + 'layer { name: "quiet" type: "Silence" bottom: "b" }\n'
    + nets.layer("Dropout", "a", "drop", "dropout_param { dropout_ratio: 0.3 }", top="a")
)


def test_tops_have_the_shape_of_the_bottom() -> None:
    shapes = infer_shapes(NET)
    assert shapes == dict.fromkeys(
        [Top("data", "data"), Top("split", "a"), Top("split", "b"), Top("drop", "a")], (1, 3, 4, 5)
    )
    assert blob_shapes(NET, shapes) == {}


@pytest.mark.parametrize("name", ["data", "split", "quiet", "drop"])
def test_they_are_identities(name: str) -> None:
    assert layer_type(NET[name]).identity


@pytest.mark.parametrize("name", ["split", "drop"])
def test_definition_copies_the_bottom_and_explains_no_error(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    kind = layer_type(NET[name])
    exact = kind.define(NET[name], (), [x], nets.all_sites(x.shape))
    np.testing.assert_array_equal(exact.value, nets.rows(x))
    assert not exact.scale.any()
    assert exact.bound.max() < 1e-37
    assert kind.unit(NET[name], (), [x], x).dense is None


def test_only_dropout_becomes_a_keras_layer() -> None:
    calls = {one.name: layer_type(one).keras_calls(one, [(1, 3, 4, 5)]) for one in NET.layers}
    assert {name: [call.class_name for call in these] for name, these in calls.items()} == {
        "data": [],
        "split": [],
        "quiet": [],
        "drop": ["Dropout"],
    }
    assert dict(calls["drop"][0].arguments) == {"rate": 0.3}


def test_one_shape_serves_all_tops_of_an_input() -> None:
    net = nets.network(
        'layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: [2, 3] } } }\n'
        + nets.relu("a", top="c")
    )
    assert infer_shapes(net)[Top("in", "b")] == (2, 3)
    assert layer_type(net["in"]).output_shapes(net["in"], []) == ((2, 3), (2, 3))
