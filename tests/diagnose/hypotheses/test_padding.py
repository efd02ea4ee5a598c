"""What is put around a picture is named and proven, stated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import clues, rows_of

from harness.data import Cause, KerasNode, Shape, Status
from harness.diagnose.hypotheses.padding import suspect

CONV = "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 }"
EVEN: Shape = (2, 4, 10, 12)


def causes(kind: str, shape: Shape, parameters: str, build: Callable[[Any], Any]) -> list[Cause]:
    """The causes found for one layer and what Keras has for it."""
    net = nets.single(kind, shape, parameters)
    data = keras.Input((*shape[2:], shape[1]), name="data")
    return list(rows_of(net, keras.Model(data, build(data)), converted=True)["layer"].causes)


def conv(x: Any, **arguments: Any) -> Any:
    return layers.Conv2D(6, 3, name="layer", **{"strides": 2, **arguments})(x)


def padded(width: tuple[int, int], mode: str = "constant", strides: int = 2) -> Callable[[Any], Any]:
    """A Lambda, whose configuration says nothing, in front of the convolution."""
    around = ((0, 0), width, width, (0, 0))
    return lambda x: conv(layers.Lambda(lambda t: ops.pad(t, around, mode=mode), name="front")(x), strides=strides)


def test_same_at_an_even_size() -> None:
    (cause,) = causes("Convolution", EVEN, CONV, lambda x: conv(x, padding="same"))
    assert (cause.code, cause.proven) == ("padding.same", True)
    assert cause.summary == "Keras pads 0 above, 1 below, 0 left, 1 right; Caffe pads 1 on each side."
    assert cause.evidence == "layer reads 4×10×12: pad 1×1 in the prototxt, padding='same' in Keras."
    assert cause.fix == 'ZeroPadding2D(1) before it, padding="valid"'


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (((0, 1), (0, 1)), "0 above, 1 below, 0 left, 1 right"),
        (((1, 1), (0, 2)), "1 above, 1 below, 0 left, 2 right"),
        (2, "2 on each side"),
    ],
)
def test_another_amount_is_read_from_the_layer_in_front(width: Any, said: str) -> None:
    (cause,) = causes("Convolution", EVEN, CONV, lambda x: conv(layers.ZeroPadding2D(width)(x)))
    assert (cause.code, cause.proven) == ("padding.amount", True)
    assert cause.summary == f"Keras pads {said}; Caffe pads 1 on each side."
    assert cause.fix == "ZeroPadding2D(1) before it"


def test_an_operation_in_front_is_read_as_a_layer_is() -> None:
    (cause,) = causes("Convolution", EVEN, CONV, lambda x: conv(ops.pad(x, ((0, 0), (2, 1), (1, 1), (0, 0)))))
    assert (cause.code, cause.proven) == ("padding.amount", True)
    assert "behind a Pad of 2 above, 1 below, 1 left, 1 right" in cause.evidence


@pytest.mark.parametrize(
    "build",
    [lambda x: conv(layers.ZeroPadding2D(1)(x)), lambda x: conv(layers.ZeroPadding2D(((1, 0), (1, 0)))(x))],
    ids=["as in Caffe", "without a row that no window meets"],
)
def test_what_is_right_has_no_cause(build: Callable[[Any], Any]) -> None:
    assert causes("Convolution", EVEN, CONV, build) == []


def test_no_padding_at_all() -> None:
    (cause,) = causes("Convolution", EVEN, CONV, conv)
    assert (cause.code, cause.proven) == ("padding.amount", True)
    assert cause.summary == "Keras pads nothing; Caffe pads 1 on each side."


@pytest.mark.parametrize("width", [(0, 1), (2, 0), (2, 2), (0, 0)])
def test_another_amount_is_found_in_what_a_lambda_does(width: tuple[int, int]) -> None:
    (cause,) = causes("Convolution", (1, 4, 11, 13), CONV.replace("stride: 2", ""), padded(width, strides=1))
    assert (cause.code, cause.proven) == ("padding.amount", True)
    assert cause.fix == "ZeroPadding2D(1) before it"


@pytest.mark.parametrize(
    ("mode", "hidden", "said"),
    [
        ("reflect", True, 'Keras pads by "reflect", Caffe with zeros.'),
        ("symmetric", True, 'Keras pads by "edge", Caffe with zeros.'),  # which is the same for one row
        ("reflect", False, "Keras pads with numbers of the picture (mode='reflect'), Caffe with zeros."),
        ("symmetric", False, "Keras pads with numbers of the picture (mode='symmetric'), Caffe with zeros."),
    ],
)
def test_padding_by_the_picture_itself(mode: str, hidden: bool, said: str) -> None:
    around = ((0, 0), (1, 1), (1, 1), (0, 0))
    build = padded((1, 1), mode) if hidden else lambda x: conv(ops.pad(x, around, mode=mode))
    (cause,) = causes("Convolution", (1, 4, 11, 13), CONV, build)
    assert (cause.code, cause.proven) == ("padding.value", True)
    assert cause.summary == said


@pytest.mark.parametrize("hidden", [True, False])
def test_zeros_around_a_max_pool_count_in_keras(hidden: bool) -> None:
    pad = layers.Lambda(lambda t: ops.pad(t, ((0, 0), (1, 1), (1, 1), (0, 0)))) if hidden else layers.ZeroPadding2D(1)
    pool = "pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }"
    (cause,) = causes(
        "Pooling", (1, 3, 11, 13), pool, lambda x: layers.MaxPooling2D(3, strides=2, name="layer")(pad(x))
    )
    assert (cause.code, cause.proven) == ("padding.value", True)


@pytest.mark.parametrize(
    ("kind", "build", "code"),
    [
        ("Conv1D", lambda x: layers.Conv1D(6, 3, padding="causal", name="layer")(x), "padding.amount"),
        ("Conv1D", lambda x: layers.Conv1D(6, 3, name="layer")(layers.ZeroPadding1D((0, 2))(x)), "padding.amount"),
        ("Conv3D", lambda x: layers.Conv3D(6, 3, name="layer")(x), "padding.amount"),
    ],
)
def test_sequences_and_volumes(kind: str, build: Callable[[Any], Any], code: str) -> None:
    shape = (1, 4, 9) if kind == "Conv1D" else (1, 4, 7, 8, 9)
    (cause,) = causes("Convolution", shape, "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }", build)
    assert (cause.code, cause.proven) == (code, True)


def test_a_padding_layer_before_a_neighbour() -> None:
    net = nets.network(nets.data(1, 3, 8, 9) + nets.layer("TanH"))
    data = keras.Input((8, 9, 3), name="data")
    model = keras.Model(data, layers.Activation("tanh", name="layer")(layers.ZeroPadding2D(1, name="pad")(data)))
    row = rows_of(net, model)["layer"]
    assert row.status is Status.SHAPE
    (cause,) = row.causes
    assert (cause.code, cause.proven) == ("padding.amount", True)
    assert cause.summary == "Keras pads 1 on each side in front of layer, Caffe nothing."
    assert cause.fix == "no ZeroPadding2D there: put it right before the layer that pads in Caffe"


def test_definitions_alone_say_it() -> None:
    net = nets.single("Convolution", EVEN, CONV)
    config = {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}
    (one,) = suspect(clues(net, KerasNode("layer", "Conv2D", config, (0,), (1,), ((None,),))))
    assert (one.code, one.stated) == ("padding.same", True)


def test_a_layer_of_ones_own_is_not_read() -> None:
    net = nets.single("Convolution", EVEN, CONV)
    config = {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}
    assert list(suspect(clues(net, KerasNode("layer", "MyConv", config, (0,), (1,), ((None,),))))) == []


def test_same_in_a_layer_of_ones_own() -> None:
    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(3, 3, 4, 6), name="kernel")
            self.bias = self.add_weight(shape=(6,), name="bias")

        def call(self, x: Any) -> Any:
            return ops.conv(x, self.kernel, strides=2, padding="same") + self.bias

    net = nets.single("Convolution", EVEN, CONV)
    blobs = nets.random_blobs(net)
    data = keras.Input((10, 12, 4), name="data")
    model = keras.Model(data, Own(name="layer")(data))
    model.get_layer("layer").set_weights([np.moveaxis(blobs["layer"][0], (0, 1), (-1, -2)), blobs["layer"][1]])
    (cause,) = rows_of(net, model, blobs=blobs)["layer"].causes
    assert (cause.code, cause.proven) == ("padding.same", True)


def test_a_layer_that_is_too_large_to_be_tried_whole() -> None:
    """More than 2¹⁹ numbers come out: a piece is tried, whose size is not the picture's."""
    parameters = "convolution_param { num_output: 6 kernel_size: 3 pad: 1 }"
    (cause,) = causes("Convolution", (1, 2, 301, 300), parameters, padded((1, 1), "reflect", strides=1))
    assert (cause.code, cause.proven) == ("padding.value", True)
    assert cause.summary == 'Keras pads by "reflect", Caffe with zeros.'
