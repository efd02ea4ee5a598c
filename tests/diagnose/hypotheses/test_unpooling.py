"""Numbers that are put back at the wrong places are named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import ops
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause
from harness.keras_layers import MaxPoolingWithMask, Unpooling

NET = nets.network(
    nets.data(1, 3, 10, 12) + 'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" top: "mask" '
    "pooling_param { kernel_size: 2 stride: 2 } }\n"
    + 'layer { name: "layer" type: "Upsample" bottom: "pool" bottom: "mask" top: "layer" upsample_param { scale: 2 } }'
)


class Own(keras.layers.Layer):
    """Any function of the numbers and the mask."""

    def __init__(self, function: Callable[[Any, Any], Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(*inputs)


def causes(layer: Any) -> list[Cause]:
    data = keras.Input((10, 12, 3), name="data")
    pool, mask = MaxPoolingWithMask(2, strides=2, name="pool")(data)
    return list(rows_of(NET, keras.Model(data, layer([pool, mask])))["layer"].causes)


def top_left(numbers: Any, mask: Any) -> Any:
    for axis in (1, 2):
        numbers = ops.stack([numbers, ops.zeros_like(numbers)], axis + 1)
        numbers = ops.reshape(numbers, (1, *numbers.shape[1:axis], numbers.shape[axis] * 2, *numbers.shape[axis + 2 :]))
    return numbers


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (top_left, "puts every number at the top left of its window"),
        (lambda numbers, mask: ops.repeat(ops.repeat(numbers, 2, 1), 2, 2), "repeats every number over its window"),
    ],
)
def test_without_the_mask(function: Callable[[Any, Any], Any], said: str) -> None:
    (cause,) = causes(Own(function, name="layer"))
    assert (cause.code, cause.proven) == ("unpooling.mask", True)
    assert cause.summary == f"Keras {said}, Caffe where the mask says."
    assert "mask" in cause.evidence


@pytest.mark.parametrize(
    "other",
    [
        lambda mask: mask[:, ::-1],
        lambda mask: mask[:, :, ::-1],
        lambda mask: mask[..., ::-1],
        lambda mask: ops.roll(mask, 2, axis=2),
    ],
)
def test_by_any_other_mask(other: Callable[[Any], Any]) -> None:
    (cause,) = causes(Own(lambda numbers, mask: Unpooling(scale=2)([numbers, other(mask)]), name="layer"))
    assert (cause.code, cause.proven, cause.after) == ("unpooling.mask", True, 0.0)
    assert cause.summary.startswith("Keras puts the numbers of each channel at other places than the mask says: ")
    assert cause.summary.endswith(" of 360 differ.")
    assert cause.evidence.startswith("each channel of layer holds the numbers that it holds in Caffe; at [0, 0, ")
    assert cause.fix == "harness.keras_layers.Unpooling of the numbers and the mask"


def test_other_numbers_are_no_other_mask() -> None:
    assert causes(Own(lambda numbers, mask: 1.5 * Unpooling(scale=2)([numbers, mask]), name="layer")) == []


def test_by_the_mask_there_is_no_cause() -> None:
    assert causes(Unpooling(scale=2, name="layer")) == []
