"""Another kernel, stride or dilation is named and proven, stated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import clues, rows_of

from harness.data import Cause, KerasNode, Network
from harness.diagnose.hypotheses.window import caffe_kernel, suspect

PLAIN = "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }"
STRIDED = "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 }"
DILATED = "convolution_param { num_output: 6 kernel_size: 3 dilation: 2 pad: 2 }"


def causes(parameters: str, build: Callable[[Any], Any], kind: str = "Convolution") -> list[Cause]:
    net = nets.single(kind, (1, 4, 14, 11), parameters)
    data = keras.Input((14, 11, 4), name="data")
    return list(rows_of(net, keras.Model(data, build(data)), converted=True)["layer"].causes)


@pytest.mark.parametrize(
    ("parameters", "build", "code", "fix"),
    [
        (STRIDED, lambda x: layers.Conv2D(6, 3, name="layer")(layers.ZeroPadding2D(1)(x)), "stride", "strides=2"),
        (STRIDED, lambda x: layers.Conv2D(6, 3, strides=3, name="layer")(layers.ZeroPadding2D(1)(x)), "stride", "s=2"),
        (DILATED, lambda x: layers.Conv2D(6, 3, name="layer")(layers.ZeroPadding2D(2)(x)), "dilation", "rate=2"),
        (DILATED, lambda x: layers.Conv2D(6, 3, padding="same", name="layer")(x), "dilation", "dilation_rate=2"),
        (PLAIN, lambda x: layers.Conv2D(6, 3, padding="same", dilation_rate=3, name="layer")(x), "dilation", "rate=1"),
    ],
)
def test_stride_and_dilation_as_they_are_configured(
    parameters: str, build: Callable[[Any], Any], code: str, fix: str
) -> None:
    (cause,) = causes(parameters, build)
    assert (cause.code, cause.proven) == (code, True)
    assert cause.fix.endswith(fix)
    assert f"{code} " in cause.evidence


def test_same_padding_that_goes_wrong_with_the_dilation_is_no_second_cause() -> None:
    assert [one.code for one in causes(DILATED, lambda x: layers.Conv2D(6, 3, padding="same", name="layer")(x))] == [
        "dilation"
    ]


@pytest.mark.parametrize(
    ("parameters", "arguments", "code"),
    [(STRIDED, {"strides": 1}, "stride"), (PLAIN, {"dilation_rate": 2}, "dilation"), (DILATED, {}, "dilation")],
)
def test_stride_and_dilation_of_a_layer_of_ones_own(parameters: str, arguments: dict[str, int], code: str) -> None:
    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(3, 3, 4, 6), name="kernel")
            self.bias = self.add_weight(shape=(6,), name="bias")

        def call(self, x: Any) -> Any:
            return ops.conv(x, self.kernel, padding="same", **arguments) + self.bias

    net = nets.single("Convolution", (1, 4, 14, 11), parameters)
    blobs = nets.random_blobs(net)
    data = keras.Input((14, 11, 4), name="data")
    model = keras.Model(data, Own(name="layer")(data))
    model.get_layer("layer").set_weights([np.moveaxis(blobs["layer"][0], (0, 1), (-1, -2)), blobs["layer"][1]])
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == (code, True)
    assert "its definition gives what Keras gives" in cause.evidence


def test_a_smaller_kernel_cut_out_of_caffes() -> None:
    net = nets.single("Convolution", (1, 4, 14, 11), "convolution_param { num_output: 6 kernel_size: 5 pad: 2 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((14, 11, 4), name="data")
    model = keras.Model(data, layers.Conv2D(6, 3, padding="same", name="layer")(data))
    kernel = np.moveaxis(blobs["layer"][0], (0, 1), (-1, -2))[1:-1, 1:-1]
    model.get_layer("layer").set_weights([kernel, blobs["layer"][1]])
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("kernel_size", True, "kernel_size=5")
    assert cause.evidence == "layer: kernel_size 5×5 in the prototxt, kernel_size 3×3 in layer."


def test_a_pools_kernel_that_nothing_states() -> None:
    pool = layers.Lambda(lambda x: ops.max_pool(x, 2, 2), name="layer")
    (cause,) = causes("pooling_param { kernel_size: 3 stride: 2 }", pool, "Pooling")
    assert (cause.code, cause.proven, cause.fix) == ("kernel_size", True, "pool_size=3")


def test_a_pools_kernel_and_its_rounding() -> None:
    pool = layers.MaxPooling2D(2, strides=2, name="layer")
    first, rounding = causes("pooling_param { kernel_size: 3 stride: 2 }", pool, "Pooling")
    assert {one.code for one in (first, rounding)} == {"kernel_size", "pooling.rounding"}
    assert first.proven
    assert rounding.proven


def test_a_depthwise_kernel_as_caffe_has_it() -> None:
    kernel = np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2)  # H, W, C, multiplier
    ours = caffe_kernel(kernel, depthwise=True)
    assert ours.shape == (8, 1, 2, 3)
    assert ours[2 * 3 + 1, 0, 1, 2] == kernel[1, 2, 3, 1]


def node(class_name: str, **config: object) -> KerasNode:
    return KerasNode("layer", class_name, config, (0,), (1,), ((None,),))


def codes(net: Network, *nodes: KerasNode) -> list[str]:
    return [one.code for one in suspect(clues(net, *nodes))]


def test_a_pool_of_our_own_with_another_window() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    config = {"pool_size": [2, 2], "strides": [1, 1], "padding": [1, 1], "floor": False}
    assert codes(net, node("MaxPoolingWithMask", **config)) == ["kernel_size", "stride"]


@pytest.mark.parametrize("shape", [(1, 4, 8), (1, 4, 8, 8, 8)])
def test_sequences_and_volumes(shape: tuple[int, ...]) -> None:
    net = nets.single("Convolution", shape, "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }")
    axes = len(shape) - 2
    config = {"kernel_size": [3] * axes, "strides": [1] * axes, "padding": "valid"}
    assert codes(net, node(f"Conv{axes}D", **config)) == ["stride"]


def test_a_stride_that_a_pool_of_one_pixel_does_is_not_missed() -> None:
    net = nets.single(
        "Convolution", (1, 4, 9, 9), "convolution_param { num_output: 2 kernel_size: 3 stride: 2 dilation: 3 }"
    )
    pick = KerasNode("pick", "AveragePooling2D", {"pool_size": [1, 1], "strides": [2, 2]}, (1,), (2,), ((None,),))
    config = {"kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [3, 3], "padding": "valid"}
    assert codes(net, node("Conv2D", **config), pick) == []
