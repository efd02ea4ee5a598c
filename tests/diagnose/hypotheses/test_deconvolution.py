"""What is cut off around a deconvolution is named and proven, stated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause

PADDED = "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }"
ODD = "convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 }"


def causes(parameters: str, build: Callable[[Any], Any]) -> list[Cause]:
    net = nets.single("Deconvolution", (2, 4, 6, 7), parameters)
    data = keras.Input((6, 7, 4), name="data")
    return list(rows_of(net, keras.Model(data, build(data)), converted=True)["layer"].causes)


def deconv(size: int = 4, **arguments: Any) -> Any:
    return layers.Conv2DTranspose(3, size, name="layer", **{"strides": 2, **arguments})


@pytest.mark.parametrize(
    ("parameters", "build", "said"),
    [
        (PADDED, deconv(), "0 before and 0 behind; Caffe cuts 1 off on each side."),
        (PADDED, lambda x: layers.Cropping2D(((0, 2), (0, 2)))(deconv()(x)), "0 before and 2 behind; Caffe cuts 1 off"),
        (PADDED, lambda x: layers.Cropping2D(2)(deconv()(x)), "2 before and 2 behind; Caffe cuts 1 off on each side."),
        (ODD, deconv(3, padding="same"), "0 before and 1 behind; Caffe cuts 1 off on each side."),
        (PADDED.replace("pad: 1", ""), deconv(padding="same"), "1 before and 1 behind; Caffe cuts 0 off on each side."),
    ],
)
def test_another_amount_or_side(parameters: str, build: Callable[[Any], Any], said: str) -> None:
    (cause,) = causes(parameters, build)
    assert (cause.code, cause.proven) == ("deconvolution.crop", True)
    assert cause.summary.startswith(f"Keras cuts off {said}")
    wanted = 'padding="valid", then Cropping2D(1)' if "pad: 1" in parameters else 'padding="valid"'
    assert cause.fix == wanted


@pytest.mark.parametrize("build", [deconv(padding="same"), lambda x: layers.Cropping2D(1)(deconv()(x))])
def test_what_is_right_has_no_cause(build: Callable[[Any], Any]) -> None:
    assert causes(PADDED, build) == []


@pytest.mark.parametrize("strides", [1, 3])
def test_another_stride(strides: int) -> None:
    first, *_ = causes(PADDED, deconv(strides=strides, padding="same"))
    assert (first.code, first.proven, first.fix) == ("stride", True, "strides=2")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ((slice(2, None), slice(2, None)), "2 before and 0 behind"),
        ((slice(0, -2), slice(0, -2)), "0 before and 2 behind"),
        ((slice(1, -1), slice(0, -2)), "1 before and 1 behind; 0 before and 2 behind"),
    ],
)
def test_a_layer_of_ones_own_that_cuts_elsewhere(part: tuple[slice, slice], said: str) -> None:
    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(4, 4, 3, 4), name="kernel")
            self.bias = self.add_weight(shape=(3,), name="bias")

        def call(self, x: Any) -> Any:
            return ops.conv_transpose(x, self.kernel, 2, padding="valid")[:, part[0], part[1]] + self.bias

    net = nets.single("Deconvolution", (2, 4, 6, 7), PADDED)
    blobs = nets.random_blobs(net)
    data = keras.Input((6, 7, 4), name="data")
    model = keras.Model(data, Own(name="layer")(data))
    model.get_layer("layer").set_weights([np.moveaxis(blobs["layer"][0], (0, 1), (-1, -2)), blobs["layer"][1]])
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("deconvolution.crop", True)
    assert cause.summary == f"Keras cuts off {said}; Caffe cuts 1 off on each side."
