"""Another way to make a picture larger is named and proven, stated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import nets
from support.diagnoses import rows_of

INTERP = nets.single("Interp", (1, 3, 6, 7), "interp_param { height: 12 width: 14 }")
resize = tf.compat.v1.image


def own(function: Callable[[Any], Any]) -> Any:
    return layers.Lambda(function, name="layer")


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (layers.UpSampling2D(2, interpolation="nearest", name="layer"), "nearest"),
        (layers.UpSampling2D(2, interpolation="bilinear", name="layer"), "bilinear, half pixels"),
        (layers.Resizing(12, 14, interpolation="bicubic", name="layer"), "bicubic, half pixels"),
        (own(lambda x: resize.resize_bilinear(x, (12, 14))), "bilinear, first corner aligned"),
    ],
)
def test_in_the_place_of_an_interp(build: Callable[[Any], Any], name: str) -> None:
    data = keras.Input((6, 7, 3), name="data")
    (cause,) = rows_of(INTERP, keras.Model(data, build(data)))["layer"].causes
    assert (cause.code, cause.proven) == ("interpolation", True)
    assert cause.summary == f"Keras interpolates {name}; Caffe has bilinear, corners aligned."
    assert cause.fix == "harness.keras_layers.Interp, which keeps the corners"


def test_corners_that_are_aligned_have_no_cause() -> None:
    data = keras.Input((6, 7, 3), name="data")
    build = own(lambda x: resize.resize_bilinear(x, (12, 14), align_corners=True))
    assert rows_of(INTERP, keras.Model(data, build(data)))["layer"].causes == ()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_in_the_place_of_a_bilinear_deconvolution(interpolation: str) -> None:
    net = nets.single(
        "Deconvolution",
        (1, 3, 6, 7),
        "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 group: 3 bias_term: false }",
    )
    side = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
    blobs = {"layer": (np.tile(np.outer(side, side), (3, 1, 1, 1)),)}
    data = keras.Input((6, 7, 3), name="data")
    model = keras.Model(data, layers.UpSampling2D(2, interpolation=interpolation, name="layer")(data))
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("interpolation", True)
    assert cause.fix == "Conv2DTranspose with Caffe's weights"
