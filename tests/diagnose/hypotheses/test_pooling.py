"""What a pool takes of its window, and how many windows there are, is named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers, ops
from support import nets
from support.diagnoses import clues, rows_of

from harness.data import Cause, KerasNode, Shape
from harness.diagnose.hypotheses.pooling import suspect

EVEN: Shape = (1, 3, 10, 12)
ODD: Shape = (2, 3, 11, 13)
GLOBAL = "pool: AVE global_pooling: true"


def causes(shape: Shape, parameters: str, build: Callable[[Any], Any]) -> list[Cause]:
    net = nets.single("Pooling", shape, f"pooling_param {{ {parameters} }}")
    data = keras.Input((*shape[2:], shape[1]), name="data")
    return list(rows_of(net, keras.Model(data, build(data)))["layer"].causes)


def pool(kind: str, size: int = 3, **arguments: Any) -> Any:
    return getattr(layers, f"{kind}Pooling2D")(size, name="layer", **{"strides": 2, **arguments})


def own(function: Callable[[Any], Any]) -> Any:
    return layers.Lambda(function, name="layer")


@pytest.mark.parametrize(
    ("shape", "parameters", "build", "code", "fix"),
    [
        (EVEN, "kernel_size: 3 stride: 2", pool("Max"), "pooling.rounding", 'padding="same"'),
        (EVEN, "kernel_size: 3 stride: 2", own(lambda x: ops.max_pool(x, 3, 2)), "pooling.rounding", 'padding="same"'),
        (ODD, "kernel_size: 3 stride: 2", pool("Max", padding="same"), "padding.same", 'padding="valid"'),
        (ODD, "kernel_size: 3 stride: 2 pad: 1", pool("Max"), "padding.amount", 'padding="same"'),
        (
            EVEN,
            "kernel_size: 3 stride: 2 round_mode: FLOOR",
            pool("Max", padding="same"),
            "pooling.rounding",
            'padding="valid"',
        ),
        (
            EVEN,
            "pool: AVE kernel_size: 3 stride: 2 pad: 1",
            lambda x: pool("Average")(layers.ZeroPadding2D(1)(x)),
            "pooling.rounding",
            "no ZeroPadding2D before it, harness.keras_layers.AveragePooling(3, strides=2, padding=1)",
        ),
    ],
)
def test_how_many_windows(shape: Shape, parameters: str, build: Callable[[Any], Any], code: str, fix: str) -> None:
    (cause,) = causes(shape, parameters, build)
    assert (cause.code, cause.proven, cause.fix) == (code, True, fix)


@pytest.mark.parametrize(
    ("shape", "build", "said"),
    [
        (ODD, pool("Average", padding="same"), "by the part of a window that lies inside the picture"),
        (ODD, own(lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME")), "by the part of a window that lies inside the picture"),
        (EVEN, lambda x: pool("Average")(layers.ZeroPadding2D(((1, 2), (1, 2)))(x)), "by the whole window"),
    ],
)
def test_what_a_sum_is_divided_by(shape: Shape, build: Callable[[Any], Any], said: str) -> None:
    (cause,) = causes(shape, "pool: AVE kernel_size: 3 stride: 2 pad: 1", build)
    assert (cause.code, cause.proven) == ("pooling.divisor", True)
    assert said in cause.summary
    assert cause.fix == "harness.keras_layers.AveragePooling(3, strides=2, padding=1)"


@pytest.mark.parametrize(
    ("parameters", "build"),
    [
        ("pool: AVE kernel_size: 3 stride: 2 pad: 1", lambda x: pool("Average")(layers.ZeroPadding2D(1)(x))),
        ("kernel_size: 3 stride: 2", pool("Max")),
        ("kernel_size: 3 stride: 2 pad: 1", pool("Max", padding="same")),
        (GLOBAL, layers.GlobalAveragePooling2D(name="layer")),
        (GLOBAL, layers.AveragePooling2D((11, 13), name="layer")),
    ],
)
def test_what_is_right_has_no_cause(parameters: str, build: Callable[[Any], Any]) -> None:
    assert causes(ODD, parameters, build) == []


@pytest.mark.parametrize(
    ("parameters", "build", "said"),
    [
        ("kernel_size: 3 stride: 2", pool("Average"), "Keras takes AveragePooling2D, Caffe the largest."),
        ("kernel_size: 3 stride: 2 pad: 1", pool("Average", padding="same"), "Keras takes AveragePooling2D"),
        ("pool: AVE kernel_size: 3 stride: 2", pool("Max"), "Keras takes MaxPooling2D, Caffe the mean."),
        ("kernel_size: 3 stride: 2", own(lambda x: ops.average_pool(x, 3, 2)), "Keras takes the mean"),
        (GLOBAL, layers.GlobalMaxPooling2D(name="layer"), "Keras takes GlobalMaxPooling2D, Caffe the mean."),
        (GLOBAL, layers.AveragePooling2D(5, name="layer"), "Keras takes windows of 5×5, Caffe the whole picture of 11"),
        (GLOBAL, own(lambda x: ops.average_pool(x, 9, 1)), "Keras takes windows of 9×9, Caffe the whole"),
        (
            "kernel_size: 3 stride: 2",
            layers.GlobalMaxPooling2D(name="layer"),
            "Keras takes the whole picture, Caffe wi",
        ),
        ("kernel_size: 3 stride: 2", own(lambda x: ops.max(x, (1, 2))), "Keras takes the whole picture, Caffe windows"),
    ],
)
def test_the_largest_the_mean_and_the_whole(parameters: str, build: Callable[[Any], Any], said: str) -> None:
    first, *_ = causes(ODD, parameters, build)
    assert (first.code, first.proven) == ("pooling.mode", True)
    assert first.summary.startswith(said)


def node(class_name: str, **config: object) -> KerasNode:
    return KerasNode("layer", class_name, config, (0,), (1,), ((None,),))


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_a_pool_of_our_own_with_another_padding(kind: str) -> None:
    net = nets.single(
        "Pooling", (1, 3, 8, 8), f"pooling_param {{ pool: {kind[:3].upper()} kernel_size: 3 stride: 2 pad: 1 }}"
    )
    config = {"pool_size": [3, 3], "strides": [2, 2], "padding": [0, 0], "floor": False}
    (one,) = suspect(clues(net, node(f"{kind}Pooling", **config)))
    assert (one.code, one.fix, one.edits) == ("padding.amount", "padding=1", {"layer": {"padding": [1, 1]}})
    assert one.summary == "Keras pads 0; Caffe pads 1"
    assert one.evidence == "layer: pad 1×1 in the prototxt, padding 0×0 in layer"


def test_a_pool_of_our_own_that_rounds_the_other_way() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    config = {"pool_size": [3, 3], "strides": [2, 2], "padding": [1, 1], "floor": True}
    (one,) = suspect(clues(net, node("MaxPooling", **config)))
    assert (one.code, one.fix, one.edits) == ("pooling.rounding", "floor=False", {"layer": {"floor": False}})
    assert one.summary == "Keras rounds the size down, Caffe up"


def test_a_pool_of_our_own_that_is_right() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    config = {"pool_size": [3, 3], "strides": [2, 2], "padding": [1, 1], "floor": False}
    assert list(suspect(clues(net, node("MaxPooling", **config)))) == []
