"""What the written test lets pass: the first stage's limits, unless the second has found a layer right beyond them."""

from __future__ import annotations

import numpy as np
import pytest

from harness.compare import limits
from harness.data import Tolerance
from harness.layers.base import TINY, Unit
from harness.reproduce.expected import ACQUITTED, BY_HAND, EXACT, FIRST_STAGE, ROUNDING, expect

TOP = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
LAST = np.ascontiguousarray(TOP.transpose(0, 2, 3, 1))
UNIT = Unit(dense=np.full((64, 3), 1e-6, np.float32))


def test_a_layer_that_rounds() -> None:
    expected = expect(TOP, LAST, UNIT, None, right=True)
    assert (expected.limits, expected.reason) == (FIRST_STAGE, ROUNDING)
    np.testing.assert_allclose(expected.unit, np.full(TOP.shape, 1e-6), rtol=1e-6)


def test_units_lie_where_their_elements_do() -> None:
    dense = np.arange(1, 193, dtype=np.float32).reshape(64, 3)
    unit = expect(TOP, LAST, Unit(dense=dense), None, right=True).unit
    assert unit[0, 2, 1, 3] == dense[8 + 3, 2]


def test_a_layer_that_rounds_nothing() -> None:
    expected = expect(TOP, LAST, Unit(), None, right=True)
    assert (expected.limits, expected.reason) == ({"largest": 1.0}, EXACT)
    assert (expected.unit == np.float32(TINY)).all()


def test_a_tolerance_set_by_hand() -> None:
    expected = expect(TOP, LAST, UNIT, Tolerance(atol=1e-3, rtol=0.5), right=False)
    assert (expected.limits, expected.reason) == ({"largest": 1.0}, BY_HAND)
    np.testing.assert_allclose(expected.unit, 1e-3 + 0.5 * np.abs(TOP), rtol=1e-6)


@pytest.mark.parametrize("right", [True, False])
def test_only_a_layer_that_was_found_right_may_show_more(right: bool) -> None:
    shown = LAST + np.float32(2e-5) * (np.arange(LAST.size).reshape(LAST.shape) % 2 * 2 - 1)  # ±20 units
    expected = expect(TOP, shown, UNIT, None, right=right)
    if not right:
        assert (expected.limits, expected.reason) == (FIRST_STAGE, ROUNDING)
        return
    assert expected.reason == ROUNDING + ACQUITTED
    assert expected.limits["largest"] == pytest.approx(40, rel=0.05)
    assert expected.limits["rms"] == pytest.approx(40, rel=0.05)
    assert expected.limits["relative"] == limits.RELATIVE


def test_where_there_is_no_unit_nothing_is_excused() -> None:
    dense = np.full((64, 3), np.nan, np.float32)
    assert (expect(TOP, None, Unit(dense=dense), None, right=False).unit == np.float32(TINY)).all()
