"""How one blob is made of another."""

from __future__ import annotations

import numpy as np
import pytest

from harness.diagnose import likeness
from harness.diagnose.kernels import Mixup

RNG = np.random.default_rng(0)
OURS = RNG.normal(size=(12, 6, 3, 3)).astype(np.float32)


def test_a_difference_that_no_sample_shows_is_seen() -> None:
    large = np.zeros((400, 400), np.float32)
    other = large.copy()
    other[399, 1] = 1
    assert likeness.equal(large, large.copy())
    assert not likeness.equal(other, large)


@pytest.mark.parametrize("by", [2.0, -1.0, 1 / 255])
def test_a_factor(by: float) -> None:
    found = likeness.factor(np.float32(by) * OURS, OURS)
    assert found == pytest.approx(by, rel=1e-7)


def test_no_factor_where_one_number_is_off() -> None:
    off = 2 * OURS
    off[3, 2, 1, 0] += 1e-3
    assert likeness.factor(off, OURS) is None
    assert likeness.factor(OURS, 0 * OURS) is None


def test_factors_of_channels() -> None:
    by = np.arange(1.0, 7.0)
    assert likeness.factors(OURS * np.float32(by[:, None, None]), OURS, 1) == pytest.approx(by, rel=1e-6)
    assert likeness.factors(RNG.normal(size=OURS.shape), OURS, 1) is None


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("by", [1.0, -0.5])
def test_a_permutation(axis: int, by: float) -> None:
    order = RNG.permutation(OURS.shape[axis])
    found = likeness.permutation(np.float32(by) * OURS.take(order, axis), OURS, axis, by)
    assert found is not None
    assert found.tolist() == order.tolist()


def test_equal_channels_stay_where_they_are() -> None:
    twins = OURS.copy()
    twins[5] = twins[2]
    order = [0, 1, 2, 4, 3, *range(5, 12)]
    found = likeness.permutation(twins[order], twins, 0)
    assert found is not None
    assert found.tolist() == order


def test_no_permutation() -> None:
    assert likeness.permutation(OURS, OURS, 0) is None
    assert likeness.permutation(OURS[[0, 0, *range(2, 12)]], OURS, 0) is None


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([0, 3, 2, 1], "1 and 3 exchanged"),
        ([3, 2, 1, 0], "in reverse"),
        ([0, 2, 4, 1, 3, 5], "of 3 groups interleaved"),
        ([0, 3, 1, 4, 2, 5], "of 2 groups interleaved"),
        ([2, 3, 4, 0, 1], "shifted by 2"),
        ([1, 2, 0, 3, 4], "in another order, 3 of 5 of them moved"),
    ],
)
def test_a_permutation_in_words(order: list[int], said: str) -> None:
    assert likeness.describe_permutation(np.array(order)) == said


def test_the_same_numbers_in_other_places_have_a_common_factor() -> None:
    shuffled = RNG.permutation(OURS.reshape(-1)).reshape(OURS.shape)
    assert likeness.common_factor(shuffled, OURS) == 1
    assert likeness.common_factor(-3 * shuffled, OURS) == pytest.approx(3, rel=1e-6)
    assert likeness.common_factor(RNG.normal(size=OURS.shape), OURS) is None


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_a_shorter_type(name: str) -> None:
    import tensorflow

    short = tensorflow.cast(tensorflow.cast(OURS, name), "float32").numpy()
    assert likeness.rounded(short, OURS) == name
    assert likeness.rounded(OURS, OURS * np.float32(1.001)) is None


def test_several_things_done_one_after_the_other() -> None:
    flip = Mixup("weights.flip", "", "", lambda w: w[..., ::-1, ::-1])
    turn = Mixup("weights.spatial_transpose", "", "", lambda w: w.swapaxes(2, 3))
    found = likeness.chain(2 * OURS.swapaxes(2, 3)[..., ::-1, ::-1], OURS, [turn, flip])
    assert found == ((turn, flip), 2.0)
    assert likeness.chain(RNG.normal(size=OURS.shape), OURS, [turn, flip]) is None
