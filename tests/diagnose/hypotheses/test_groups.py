"""Groups that are lost or made of other channels are named and proven."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import clues, rows_of

from harness.data import Cause, KerasNode
from harness.diagnose.hypotheses.groups import suspect

NET = nets.single("Convolution", (2, 8, 9, 7), "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }")
BLOBS = nets.random_blobs(NET)
KERNEL = np.moveaxis(BLOBS["layer"][0], (0, 1), (-1, -2))  # H, W, C_in / group, C_out
FULL = np.zeros((3, 3, 8, 6), np.float32)
FULL[:, :, :4, :3], FULL[:, :, 4:, 3:] = KERNEL[..., :3], KERNEL[..., 3:]


def causes(layer: Any, kernel: np.ndarray, order: list[int] | None = None) -> list[Cause]:
    data = keras.Input((9, 7, 8), name="data")
    model = keras.Model(data, layer(ops.take(data, order, axis=-1) if order else data))
    model.get_layer("layer").set_weights([kernel, BLOBS["layer"][1]])
    return list(rows_of(NET, model, blobs=BLOBS)["layer"].causes)


def conv(groups: int) -> Any:
    return layers.Conv2D(6, 3, padding="same", groups=groups, name="layer")


def test_groups_that_are_lost() -> None:
    (cause,) = causes(conv(1), np.tile(KERNEL, (1, 1, 2, 1)))
    assert (cause.code, cause.proven, cause.fix) == ("groups", True, "groups=2")
    assert cause.summary == "Keras has groups=1, Caffe group 2."
    assert cause.evidence == "layer: group 2 in the prototxt."


def test_a_full_kernel_with_zeros_outside_of_the_groups_is_right() -> None:
    assert causes(conv(1), FULL) == []


@pytest.mark.parametrize(
    ("order", "said"),
    [([0, 2, 4, 6, 1, 3, 5, 7], "every 2th channel"), ([4, 5, 6, 7, 0, 1, 2, 3], "in the reverse order")],
)
def test_groups_of_other_channels(order: list[int], said: str) -> None:
    first, *_ = causes(conv(2), KERNEL, order)
    assert (first.code, first.proven) == ("groups", True)
    assert said.replace("2th", "2nd") in first.summary


def test_groups_of_a_depthwise_type_are_its_channels() -> None:
    net = nets.single("ConvolutionDepthwise", (1, 4, 8, 8), "convolution_param { kernel_size: 3 }")
    config = {"kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "groups": 2}
    (one,) = suspect(clues(net, KerasNode("layer", "Conv2D", config, (0,), (1,), ((None,),))))
    assert (one.code, one.fix, one.summary) == ("groups", "groups=4", "Keras has groups=2, Caffe group 4")
