"""The candidate of a case: its counterparts, its weights, and sizes that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness.caffe import read_network
from harness.data import Case, InputSource, WeightsSource
from harness.engines.candidate import open_candidate
from harness.errors import MappingError, WeightsError
from harness.layers.shapes import infer_shapes

NET = (
    nets.data(1, 3, 8, 8)
    + nets.conv("data", "a", "num_output: 4 kernel_size: 3")
    + nets.relu("a")
    + nets.layer("InnerProduct", "a", "fc", "inner_product_param { num_output: 5 }")
)
MODEL = """
import keras
from keras import layers


def get_model():
    return keras.Sequential(
        [
            keras.Input({shape}),
            {conv},
            {middle}
            {dense},
        ]
    )
"""
CONV = 'layers.Conv2D(4, 3, activation="relu", name="a")'
DENSE = 'layers.Dense(5, name="fc")'


@pytest.fixture
def opened(tmp_path: Path):
    (tmp_path / "deploy.prototxt").write_text(NET, encoding="utf-8")
    network = read_network(tmp_path / "deploy.prototxt")
    blobs = nets.random_blobs(network)

    def open_it(
        shape=(8, 8, 3), conv=CONV, middle="layers.Flatten(),", dense=DENSE, is_run=lambda layer: True, **changes
    ):
        source = MODEL.format(shape=shape, conv=conv, middle=middle, dense=dense)
        (tmp_path / "keras_model.py").write_text(source, encoding="utf-8")
        case = Case("c", tmp_path, network.path, "keras_model.py", WeightsSource(), InputSource(seed=0))
        case = replace(case, **changes)
        shapes = infer_shapes(network)
        candidate, layer_map = open_candidate(case, network, nets.weights(blobs), shapes, is_run=is_run)
        x = nets.random_inputs(network)
        (top,) = nets.define_all(network, blobs, x)[network["fc"].tops[0]]
        made = np.asarray(candidate.model(np.moveaxis(next(iter(x.values())), 1, -1))).reshape(-1)
        return made, top, layer_map

    return open_it


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"conv": CONV.replace('"a"', '"first"'), "dense": DENSE.replace('"fc"', '"last"')},
        {"middle": "", "dense": 'layers.Conv2D(5, 6, name="fc")'},
        {"middle": "layers.Permute((3, 1, 2)), layers.Flatten(),"},
    ],
    ids=["as converted", "other names", "fc as a convolution", "flattened in Caffe's order"],
)
def test_caffes_weights_go_where_the_map_says(opened, change) -> None:
    made, expected, layer_map = opened(**change)
    assert not layer_map.missing
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_what_is_not_run_keeps_the_zeros_it_began_with(opened) -> None:
    made, top, _ = opened(is_run=lambda layer: layer == "a")
    assert top.any()
    assert not made.any()  # the last layer is fc


def test_what_is_not_run_still_needs_a_counterpart(opened) -> None:
    with pytest.raises(WeightsError, match="the Keras model has no layer 'fc' to take its weights"):
        opened(
            middle="layers.GlobalAveragePooling2D(),", dense='layers.Softmax(name="fc_1")', is_run=lambda layer: False
        )


def test_a_layer_without_a_counterpart_is_named_with_the_nearest_name(opened) -> None:
    with pytest.raises(WeightsError) as caught:
        opened(middle="layers.GlobalAveragePooling2D(),", dense='layers.Softmax(name="fc_1")')
    assert "deploy.prototxt:4, layer 'fc': the Keras model has no layer 'fc' to take its weights" in str(caught.value)
    assert "the nearest name is 'fc_1'" in str(caught.value)


def test_a_keras_layer_without_a_counterpart_keeps_no_initial_weights(opened) -> None:
    with pytest.raises(WeightsError, match="Keras layers 'extra' have weights, but the Caffe net has none for them"):
        opened(middle='layers.PReLU(name="extra"), layers.Flatten(),')


def test_a_missing_bias_is_said(opened) -> None:
    with pytest.raises(WeightsError, match="layer 'a': Caffe has bias, kernel for it, the Keras layer takes kernel"):
        opened(conv=CONV.replace("name=", "use_bias=False, name="))


def test_sizes_that_differ_are_said_before_anything_is_run(opened) -> None:
    with pytest.raises(MappingError) as caught:
        opened(shape=(9, 9, 3), middle="layers.Cropping2D(((0, 1), (0, 1))), layers.Flatten(),")
    said = str(caught.value)
    assert "keras_model.py: the Keras model takes 9×9×3, the Caffe net 8×8×3 for 'data'" in said
    assert "--input-size 8x8 runs both as Caffe's net is, --input-size 9x9 as the Keras model is" in said
