"""Preprocessing that a Keras model does once more, though Caffe's net is fed what was preprocessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause, InputSource

MEAN = (104.0, 117.0, 123.0)


def causes(first: Callable[[Any], Any], size: tuple[int, int] = (9, 9)) -> tuple[Cause, ...]:
    """Of the first convolution, with a layer before it."""
    net = nets.network(nets.data(1, 3, *size) + nets.conv("data", "a") + nets.conv("a", "b"))
    data = keras.Input((*size, 3), name="data")
    x = layers.Conv2D(3, 3, name="a")(first(data))
    model = keras.Model(data, layers.Conv2D(3, 3, name="b")(x))
    rows = rows_of(net, model, converted=True, end_to_end=True, fed=InputSource(mean_bgr=MEAN, scale=0.5))
    assert [name for name, row in rows.items() if row.status.fails] in ([], ["a"])
    return rows["a"].causes


@pytest.mark.parametrize(
    ("change", "code", "summary"),
    [
        (lambda x: x[..., ::-1], "input.channel_order", "the model reverses the channels of its input."),
        (
            lambda x: x - keras.ops.array(MEAN),
            "input.mean",
            "the model subtracts the mean [104.0, 117.0, 123.0] once more.",
        ),
        (
            lambda x: x - keras.ops.array(MEAN[::-1]),
            "input.mean",
            "the model subtracts the mean [123.0, 117.0, 104.0], which is Caffe's reversed.",
        ),
        (lambda x: x / 255.0, "input.scale", "the model divides its input by 255."),
        (lambda x: x * 255.0, "input.scale", "the model multiplies its input by 255."),
        (lambda x: x * 0.5, "input.scale", "the model multiplies its input by 0.5 once more."),
        (
            lambda x: keras.ops.transpose(x, (0, 2, 1, 3)),
            "input.layout",
            "the model swaps rows and columns of its input.",
        ),
    ],
)
def test_a_lambda(change: Callable[[Any], Any], code: str, summary: str) -> None:
    (cause,) = causes(layers.Lambda(change, name="prepare"))
    assert (cause.code, cause.summary, cause.proven) == (code, summary, True)
    assert cause.evidence == "Caffe's definition of a gives what Keras gives once this is done to its input."
    assert cause.fix == "no prepare: Caffe is fed the same numbers without it"


OTHER_MEAN = (90.0, -7.5, 33.0)


@pytest.mark.parametrize(
    ("change", "code", "summary"),
    [
        (lambda x: x * 0.017, "input.scale", "the model multiplies its input by 0.017."),
        (
            lambda x: x * keras.ops.array((0.5, 1.0, 2.0)),
            "input.scale",
            "the model multiplies its input by [0.5, 1.0, 2.0].",
        ),
        (lambda x: x + 3.0, "input.mean", "the model adds 3 to its input."),
        (
            lambda x: x - keras.ops.array(OTHER_MEAN),
            "input.mean",
            "the model adds [-90.0, 7.5, -33.0] to its input.",
        ),
    ],
)
@pytest.mark.parametrize("pad", [0, 2])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_numbers_of_a_lambda_that_nobody_knows(
    change: Callable[[Any], Any], code: str, summary: str, pad: int, activation: str | None
) -> None:
    """The padding is behind the Lambda: its zeros are not moved."""
    net = nets.network(
        nets.data(2, 3, 9, 9)
        + nets.conv("data", "a", f"num_output: 12 kernel_size: 3 pad: {pad}")
        + (nets.relu("a") if activation else "")
    )
    data = keras.Input((9, 9, 3), name="data")
    x = layers.ZeroPadding2D(pad)(layers.Lambda(change, name="prepare")(data))
    model = keras.Model(data, layers.Conv2D(12, 3, activation=activation, name="a")(x))
    (row,) = rows_of(net, model, converted=True, fed=InputSource(mean_bgr=MEAN, scale=0.5)).values()
    (cause,) = row.causes
    assert (cause.code, cause.summary, cause.proven) == (code, summary, True)
    assert cause.evidence == "estimated from what Keras gives for a, one number for each channel."
    assert cause.fix == "no prepare: Caffe is fed the same numbers without it"


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda x: x / 58.0 - 2.0, {"input.scale", "input.mean"}),
        (lambda x: (x - keras.ops.array(OTHER_MEAN)) / 58.0, {"input.scale", "input.mean"}),
        (lambda x: x[..., ::-1] - keras.ops.array(OTHER_MEAN), {"input.channel_order", "input.mean"}),
        (lambda x: (x - keras.ops.array(OTHER_MEAN))[..., ::-1], {"input.channel_order", "input.mean"}),
        (lambda x: x[..., ::-1] * keras.ops.array((0.5, 0.25, 2.0)), {"input.channel_order", "input.scale"}),
    ],
)
def test_two_unknown_things_in_one_lambda(change: Callable[[Any], Any], codes: set[str]) -> None:
    found = causes(layers.Lambda(change, name="prepare"))
    assert {cause.code for cause in found} == codes
    assert all(cause.proven for cause in found)


def test_wrong_weights_behind_a_lambda_are_not_taken_for_the_input() -> None:
    net = nets.network(nets.data(1, 3, 9, 9) + nets.conv("data", "a"))
    blobs = nets.random_blobs(net)
    data = keras.Input((9, 9, 3), name="data")
    conv = layers.Conv2D(3, 3, name="a")
    model = keras.Model(data, conv(layers.Lambda(lambda x: x + 0.0, name="prepare")(data)))
    kernel, bias = blobs["a"]
    conv.set_weights([3 * kernel.transpose(2, 3, 1, 0), bias])
    assert [cause.code for cause in rows_of(net, model, blobs=blobs)["a"].causes] == ["weights.scaled"]


def test_two_in_one_lambda() -> None:
    found = causes(layers.Lambda(lambda x: x[..., ::-1] - keras.ops.array(MEAN), name="prepare"))
    assert {cause.code for cause in found} == {"input.channel_order", "input.mean"}


def test_operations_without_a_layer() -> None:
    (cause,) = causes(lambda x: x[..., ::-1])
    assert (cause.code, cause.proven) == ("input.channel_order", True)


def test_a_rescaling_is_stated() -> None:
    (cause,) = causes(layers.Rescaling(1 / 255, name="prepare"))
    assert (cause.code, cause.proven) == ("input.scale", True)
    assert cause.summary == "the model multiplies its input by 0.00392157."
    assert cause.evidence == "prepare: scale=0.00392157, offset=0; Caffe's net begins with a."


def test_a_number_for_each_channel_of_a_rescaling() -> None:
    found = causes(layers.Rescaling([2.0, 1.0, 0.5], offset=[-104.0, 117.0, 0.25], name="prepare"))
    assert [(cause.code, cause.proven) for cause in found] == [("input.scale", True), ("input.mean", True)]
    assert found[0].summary == "the model multiplies its input by [2.0, 1.0, 0.5]."
    assert found[1].summary == "the model adds [-104.0, 117.0, 0.25] to its input."


def test_both_numbers_of_a_rescaling() -> None:
    found = causes(layers.Rescaling(1 / 127.5, offset=-1, name="prepare"))
    assert [(cause.code, cause.proven) for cause in found] == [("input.scale", True), ("input.mean", True)]


def test_a_normalisation_is_stated() -> None:
    found = causes(layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 4.0, 4.0], name="prepare"))
    assert [(cause.code, cause.proven) for cause in found] == [("input.mean", True), ("input.scale", True)]
    assert found[0].summary == "the model subtracts the mean [1.0, 2.0, 3.0] from its input."
    assert found[1].summary == "the model divides its input by 2."


def test_a_layer_that_changes_nothing_has_no_cause() -> None:
    assert causes(layers.Rescaling(1.0, name="prepare")) == ()
    assert causes(layers.ZeroPadding2D(0)) == ()


def test_a_model_that_begins_with_its_first_layer_is_not_suspected() -> None:
    assert causes(lambda x: x) == ()
    np.testing.assert_equal(len(causes(layers.Lambda(lambda x: x + 0.0))), 0)
