"""Caffe's layout and Keras': the same numbers under other indices."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from harness.layout import (
    caffe_index,
    caffe_order,
    caffe_shape,
    channels_first,
    channels_last,
    from_candidate,
    in_one_piece,
    last_order,
    last_shape,
    to_candidate,
)

X = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


def test_channels_last_keeps_every_number_at_its_place() -> None:
    last = channels_last(X)
    assert last.shape == (2, 4, 5, 3)
    assert last.flags.c_contiguous
    for n, c, y, x in np.ndindex(X.shape):
        assert last[n, y, x, c] == X[n, c, y, x]
    np.testing.assert_array_equal(channels_first(last), X)


@pytest.mark.parametrize("axes", [*permutations(range(3))], ids=str)
def test_in_one_piece_the_numbers_are_the_same(axes: tuple[int, ...]) -> None:
    turned = np.arange(70 * 5 * 33, dtype=np.float32).reshape(70, 5, 33)[::-1].transpose(axes)
    copy = in_one_piece(turned)
    assert copy.flags.c_contiguous
    np.testing.assert_array_equal(copy, turned)


def test_what_is_in_one_piece_is_not_copied() -> None:
    assert in_one_piece(X) is X
    assert in_one_piece(X[:0, :, ::2]).shape == (0, 3, 2, 5)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 6), (7,)])
def test_shapes_go_back_and_forth(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape)
    assert last_shape(shape) == channels_last(array).shape
    assert caffe_shape(last_shape(shape)) == shape
    assert channels_first(channels_last(array)).shape == shape


def test_index_is_reported_in_caffes_order() -> None:
    # n 1, row 3, column 4, channel 2
    assert caffe_index((1, 3, 4, 2)) == (1, 2, 3, 4)
    assert caffe_index((1, 2)) == (1, 2)


def test_a_flattened_map_keeps_rows_before_columns() -> None:
    last = channels_last(X)
    flat = to_candidate(last, 3)
    assert flat.shape == (2, 20, 3)
    assert flat[1, 2 * 5 + 4, 0] == X[1, 0, 2, 4]
    np.testing.assert_array_equal(from_candidate(flat, last.shape), last)


def test_axes_of_size_one_may_be_dropped() -> None:
    last = channels_last(np.arange(6, dtype=np.float32).reshape(2, 3, 1, 1))
    assert to_candidate(last, 2).shape == (2, 3)
    np.testing.assert_array_equal(from_candidate(to_candidate(last, 2), last.shape), last)


def test_axes_with_numbers_in_them_are_not_dropped() -> None:
    assert to_candidate(channels_last(X), 2).shape == (2, 4, 5, 3)


def test_channels_first_candidates() -> None:
    last = channels_last(X)
    np.testing.assert_array_equal(to_candidate(last, 4, caffe_order(4)), X)
    np.testing.assert_array_equal(from_candidate(X, last.shape, caffe_order(4)), last)


def test_orders() -> None:
    assert last_order(4) == (0, 2, 3, 1)
    assert last_order(2) == caffe_order(2) == (0, 1)


def test_any_order_comes_back() -> None:
    last = channels_last(X)
    turned = to_candidate(last, 4, (0, 3, 1, 2))
    np.testing.assert_array_equal(turned, X.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(from_candidate(turned, last.shape, (0, 3, 1, 2)), last)


@pytest.mark.parametrize("shape", [(2, 4, 4, 3), (2, 60), (1, 40, 3), (2, 12, 5)])
def test_another_shape_is_left_alone_for_the_verdict_to_see(shape: tuple[int, ...]) -> None:
    """Equal sizes are not enough: neither the batch nor the channels may be mixed with the rest."""
    assert from_candidate(np.zeros(shape), (2, 4, 5, 3)).shape == shape


def test_a_single_number_stays_one() -> None:
    assert channels_last(np.array(3.0)).shape == ()
    assert from_candidate(np.array(3.0), ()).shape == to_candidate(np.array(3.0), 0).shape == ()
