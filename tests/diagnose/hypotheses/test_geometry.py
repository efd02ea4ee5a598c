"""What is suspected of a window, from the two sides' numbers alone."""

from __future__ import annotations

import pytest
from support import nets
from support.diagnoses import clues

from harness.data import KerasNode, Network, Shape
from harness.diagnose.clues import Suspicion
from harness.diagnose.hypotheses.geometry import suspect


def suspicions(net: Network, *nodes: KerasNode) -> list[Suspicion]:
    """What is suspected of the layer called `layer` and these Keras layers."""
    return list(suspect(clues(net, *nodes)))


def node(class_name: str, **config: object) -> KerasNode:
    return KerasNode("layer", class_name, config, (0,), (1,), ((None,),))


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_a_pool_of_our_own_with_another_padding(kind: str) -> None:
    net = nets.single(
        "Pooling", (1, 3, 8, 8), f"pooling_param {{ pool: {kind[:3].upper()} kernel_size: 3 stride: 2 pad: 1 }}"
    )
    (one,) = suspicions(net, node(f"{kind}Pooling", pool_size=[3, 3], strides=[2, 2], padding=[0, 0], floor=False))
    assert (one.code, one.fix, one.edits) == ("padding.amount", "padding=1", {"layer": {"padding": [1, 1]}})
    assert one.summary == "Keras pads 0; Caffe pads 1"
    assert one.evidence == "layer: pad 1×1 in the prototxt, padding 0×0 in layer"


def test_a_pool_of_our_own_that_rounds_the_other_way() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    (one,) = suspicions(net, node("MaxPooling", pool_size=[3, 3], strides=[2, 2], padding=[1, 1], floor=True))
    assert (one.code, one.fix, one.edits) == ("pooling.rounding", "floor=False", {"layer": {"floor": False}})
    assert one.summary == "Keras rounds the size down, Caffe up"


def test_a_pool_of_our_own_with_another_window() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    config = {"pool_size": [2, 2], "strides": [1, 1], "padding": [1, 1], "floor": False}
    assert [one.code for one in suspicions(net, node("MaxPoolingWithMask", **config))] == ["kernel_size", "stride"]


def test_a_pool_of_our_own_that_is_right() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { kernel_size: 3 stride: 2 pad: 1 }")
    config = {"pool_size": [3, 3], "strides": [2, 2], "padding": [1, 1], "floor": False}
    assert suspicions(net, node("MaxPooling", **config)) == []


def test_groups_of_a_depthwise_type_are_its_channels() -> None:
    net = nets.single("ConvolutionDepthwise", (1, 4, 8, 8), "convolution_param { kernel_size: 3 }")
    (one,) = suspicions(net, node("Conv2D", kernel_size=[3, 3], strides=[1, 1], padding="valid", groups=2))
    assert (one.code, one.fix, one.summary) == ("groups", "groups=4", "Keras has groups=2, Caffe group 4")


@pytest.mark.parametrize("shape", [(1, 4, 8), (1, 4, 8, 8, 8)])
def test_sequences_and_volumes_are_not_looked_at(shape: Shape) -> None:
    net = nets.single("Convolution", shape, "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }")
    axes = len(shape) - 2
    assert suspicions(net, node(f"Conv{axes}D", kernel_size=[3] * axes, strides=[1] * axes, padding="valid")) == []


def test_a_stride_that_a_pool_of_one_pixel_does_is_not_missed() -> None:
    net = nets.single(
        "Convolution", (1, 4, 9, 9), "convolution_param { num_output: 2 kernel_size: 3 stride: 2 dilation: 3 }"
    )
    pick = KerasNode("pick", "AveragePooling2D", {"pool_size": [1, 1], "strides": [2, 2]}, (1,), (2,), ((None,),))
    config = {"kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [3, 3], "padding": "valid"}
    assert suspicions(net, node("Conv2D", **config), pick) == []
