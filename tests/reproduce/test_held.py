"""Reshape, transpose, reshape: the three steps are what the harness itself does to an array."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data import View
from harness.layout import channels_last, from_candidate, to_candidate
from harness.reproduce.held import made_steps, read_steps

WAYS = {
    "channels last": ((2, 3, 4, 5), 4, (0, 2, 3, 1)),
    "as Caffe has it": ((2, 3, 4, 5), 4, (0, 1, 2, 3)),
    "flattened": ((2, 3, 4, 5), 3, (0, 2, 3, 1)),
    "without ones": ((2, 3, 1, 1), 2, (0, 2, 3, 1)),
    "two axes": ((2, 7), 2, (0, 1)),
    "boxes": ((2, 12), 3, View((2, 4, 3), (0, 1, 2), (None, 4, 3))),
    "turned and flattened": ((2, 3, 4, 5), 2, View((2, 3, 4, 5), (0, 2, 3, 1), (None, 60))),
}


def blob(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("way", WAYS)
def test_what_keras_reads(way: str) -> None:
    shape, rank, layout = WAYS[way]
    array = blob(shape)
    wanted = to_candidate(channels_last(array), rank, layout)
    np.testing.assert_array_equal(read_steps(shape, rank, layout).apply(array), wanted)


@pytest.mark.parametrize("way", WAYS)
def test_what_keras_makes_is_brought_back_to_the_same_blob(way: str) -> None:
    shape, rank, layout = WAYS[way]
    array = blob(shape)
    last = channels_last(array)
    made = to_candidate(last, rank, layout)
    steps = made_steps(shape, made.shape, rank, layout)
    np.testing.assert_array_equal(from_candidate(steps.apply(array), last.shape, layout), last)


def test_axes_of_size_one_may_be_there_or_not() -> None:
    array = blob((2, 3))
    steps = made_steps((2, 3), (2, 1, 1, 3), 4, (0, 1))
    np.testing.assert_array_equal(steps.apply(array), array.reshape(2, 1, 1, 3))


def test_a_wrong_shape_is_held_against_the_right_one() -> None:
    assert made_steps((1, 3, 4, 4), (1, 6, 6, 3), 4, (0, 2, 3, 1)).keras_shape == (1, 4, 4, 3)
