"""Where one picture lies in another."""

from __future__ import annotations

import numpy as np
import pytest

from harness.diagnose.placing import placed

WHOLE = np.random.default_rng(0).normal(size=(2, 3, 9, 11))


@pytest.mark.parametrize("begin", [(0, 0), (2, 5), (3, 3)])
def test_a_piece_is_found(begin: tuple[int, int]) -> None:
    part = WHOLE[:, :, begin[0] : begin[0] + 6, begin[1] : begin[1] + 6]
    assert placed(part, WHOLE) == begin
    assert placed(part + 1e-3, WHOLE) == begin


def test_a_piece_that_begins_before_the_whole() -> None:
    part = np.pad(WHOLE, ((0, 0), (0, 0), (2, 0), (1, 0)))[:, :, :8, :9]
    assert placed(part, WHOLE, margin=(2, 2)) == (-2, -1)


@pytest.mark.parametrize("part", [np.zeros((2, 3, 10, 2)), np.zeros((2, 4, 3, 3)), np.zeros((2, 3, 3))])
def test_what_cannot_lie_in_it(part: np.ndarray) -> None:
    assert placed(part, WHOLE) is None
