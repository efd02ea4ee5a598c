"""One pass in float32 blocks against several passes in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.compare import measure as module
from harness.compare.judge import is_suspect
from harness.compare.measure import FEW, measure
from harness.layers.base import TINY, Unit

LIMIT = 8.0


def arrays(shape: tuple[int, ...], seed: int = 0, error: float = 1e-6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = (rng.normal(size=shape) + 0.5).astype(np.float32)
    return reference, (reference + error * rng.normal(size=shape)).astype(np.float32)


def dense(shape: tuple[int, ...], seed: int = 1, size: float = 1e-7) -> Unit:
    sites, channels = math.prod(shape[:-1]), shape[-1]
    return Unit(dense=(size * np.random.default_rng(seed).uniform(1, 3, (sites, channels))).astype(np.float32))


def by_hand(reference: np.ndarray, candidate: np.ndarray, unit: np.ndarray) -> dict[str, object]:
    """Every figure straight from its definition, one pass each, float64; channels of few sites are taken together."""
    channels = reference.shape[-1]
    r, c = (one.reshape(-1, channels).astype(np.float64) for one in (reference, candidate))
    units = np.abs(c - r) / unit
    place = np.unravel_index(units.argmax(), reference.shape)
    caffe = (place[0], place[-1], *place[1:-1])
    affine, rms, relative = [], [], []
    if len(r) < FEW:
        r, c, unit = (one.reshape(-1, 1) for one in (r, c, unit))
    d = c - r
    for k in range(r.shape[1]):
        rms.append(math.sqrt((d[:, k] ** 2).sum() / (unit[:, k] ** 2).sum()))
        relative.append(math.sqrt((d[:, k] ** 2).sum() / (r[:, k] ** 2).sum()))
        slope, intercept = np.polyfit(r[:, k], c[:, k], 1)
        fitted = (slope - 1) * r[:, k] + intercept
        affine.append((math.sqrt((fitted**2).mean() / (unit[:, k] ** 2).mean()), slope, intercept))
    systematic, slope, intercept = max(affine)
    return {
        "max_units": units.max(),
        "rms_units": math.sqrt((units**2).mean()),
        "max_abs": np.abs(d).max(),
        "max_rel": np.abs(d).max() / np.abs(r).max(),
        "mismatched": int((units > LIMIT).sum()),
        "index": tuple(int(one) for one in caffe),
        "slope": slope,
        "intercept": intercept,
        "systematic": systematic,
        "channel_rms": max(rms),
        "relative": max(relative),
    }


@pytest.mark.parametrize("block", [1, 7, 64, 1000, 1 << 16])
@pytest.mark.parametrize("shape", [(1, 4, 5, 3), (2, 7, 3, 5), (3, 6, 2), (9, 4), (1, 200)])
def test_figures_are_those_of_their_definitions(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], block: int
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    reference, candidate = arrays(shape)
    unit = dense(shape)
    found = measure(reference, candidate, unit, limit=LIMIT)
    rows = unit.rows(0, len(unit.dense)).astype(np.float64)
    expected = by_hand(reference, candidate, rows)
    metrics = found.metrics
    assert metrics.max_units == pytest.approx(expected["max_units"], rel=1e-5)
    assert metrics.rms_units == pytest.approx(expected["rms_units"], rel=1e-5)
    assert metrics.max_abs == pytest.approx(expected["max_abs"], rel=1e-6)
    assert metrics.max_rel == pytest.approx(expected["max_rel"], rel=1e-6)
    assert (metrics.mismatched, metrics.total, metrics.nonfinite) == (expected["mismatched"], reference.size, 0)
    assert 0 < metrics.mismatched < metrics.total
    assert metrics.worst.index == expected["index"]
    assert metrics.slope == pytest.approx(expected["slope"], abs=1e-9)
    assert metrics.intercept == pytest.approx(expected["intercept"], abs=1e-9)
    assert metrics.systematic_units == pytest.approx(expected["systematic"], rel=1e-3)
    assert metrics.channel_rms_units == pytest.approx(expected["channel_rms"], rel=1e-3)
    assert metrics.relative_rms == pytest.approx(expected["relative"], rel=1e-3)


def test_of_fewer_numbers_than_a_line_needs_nothing_is_said() -> None:
    reference, candidate = arrays((3, 5))
    metrics = measure(reference, candidate, dense(reference.shape), limit=LIMIT).metrics
    assert (metrics.systematic_units, metrics.channel_rms_units) == (None, None)
    reference, candidate = arrays((4, 4))
    assert measure(reference, candidate, dense(reference.shape), limit=LIMIT).metrics.systematic_units is not None


def test_one_channel_among_many_is_seen() -> None:
    """Its errors are random, and over all channels they do not count."""
    rng = np.random.default_rng(5)
    reference = rng.normal(size=(1, 16, 16, 64)).astype(np.float32)
    candidate = reference.copy()
    candidate[..., 7] += np.float32(2e-6) * rng.normal(size=(1, 16, 16)).astype(np.float32)
    metrics = measure(reference, candidate, dense(reference.shape, size=5e-7), limit=LIMIT).metrics
    assert metrics.max_units < 8
    assert metrics.rms_units < 0.5
    assert metrics.systematic_units < 0.25
    assert metrics.channel_rms_units > 1
    assert is_suspect(metrics)


def test_outer_product_units_are_the_dense_ones() -> None:
    """A grouped convolution's unit: sites × groups, spread over each group's channels."""
    rng = np.random.default_rng(2)
    site, channel = rng.uniform(1, 2, (20, 2)), rng.uniform(1e-7, 2e-7, 6)
    offset = rng.uniform(0, 1e-7, 6)
    unit = Unit(*(one.astype(np.float32) for one in (site, channel, offset)))
    expected = np.empty((20, 6))
    for s in range(20):
        for c in range(6):
            expected[s, c] = site[s, c // 3] * channel[c] + offset[c]
    np.testing.assert_allclose(unit.rows(0, 20), expected, rtol=1e-6)
    np.testing.assert_array_equal(unit.rows(5, 11), unit.rows(0, 20)[5:11])


@pytest.mark.parametrize("block", [5, 1 << 16])
def test_worst_index_is_in_caffes_order(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    reference = np.ones((2, 4, 5, 3), np.float32)
    candidate = reference.copy()
    candidate[1, 2, 4, 0] = 3.0
    candidate[0, 3, 3, 2] = 2.0
    worst = measure(reference, candidate, dense(reference.shape), limit=LIMIT).metrics.worst
    assert (worst.index, worst.reference, worst.candidate) == ((1, 0, 2, 4), 1.0, 3.0)


def test_worst_is_by_units_and_not_by_size() -> None:
    reference = np.zeros((1, 1, 2, 1), np.float32)
    candidate = np.array([1.0, 0.5], np.float32).reshape(reference.shape)
    unit = Unit(dense=np.array([[1.0], [1e-3]], np.float32))
    found = measure(reference, candidate, unit, limit=LIMIT)
    assert found.metrics.worst.index == (0, 0, 0, 1)
    assert found.worst_site == 1
    assert found.metrics.max_abs == 1.0


def test_equal_arrays_have_no_worst_element() -> None:
    reference, _ = arrays((1, 3, 4, 2))
    metrics = measure(reference, reference.copy(), dense(reference.shape), limit=LIMIT).metrics
    assert metrics.worst is None
    assert (metrics.max_units, metrics.max_abs, metrics.mismatched) == (0.0, 0.0, 0)
    assert (metrics.slope, metrics.intercept) == (1.0, 0.0)


# ---------------------------------------------------------------------------------------------- exact kinds


def test_exact_kind_counts_every_bit() -> None:
    reference, _ = arrays((1, 3, 4, 2))
    candidate = reference.copy()
    candidate[0, 1, 2, 1] = np.nextafter(candidate[0, 1, 2, 1], np.float32(10))
    metrics = measure(reference, candidate, Unit(), limit=LIMIT).metrics
    assert (metrics.max_units, metrics.rms_units) == (None, None)
    assert metrics.mismatched == 1
    assert metrics.worst.index == (0, 1, 1, 2)


def test_exact_kind_lets_flushed_denormals_pass() -> None:
    reference = np.array([[1e-39, 0.0, -3e-40]], np.float32)
    metrics = measure(reference, np.zeros_like(reference), Unit(), limit=LIMIT).metrics
    assert metrics.mismatched == 0
    assert metrics.max_abs == pytest.approx(1e-39, rel=1e-3)
    assert measure(reference, reference + np.float32(2 * TINY), Unit(), limit=LIMIT).metrics.mismatched == 3


# ------------------------------------------------------------------------------------------ what is not finite


@pytest.mark.parametrize("unit", [Unit(), dense((1, 2, 3, 2))], ids=["exact", "rounded"])
@pytest.mark.parametrize(
    ("ref", "cand"), [(1.0, math.nan), (math.nan, 1.0), (1.0, math.inf), (math.inf, 1.0), (math.inf, -math.inf)]
)
def test_nonfinite_on_one_side_is_counted_and_shown(unit: Unit, ref: float, cand: float) -> None:
    reference, candidate = arrays((1, 2, 3, 2))
    reference[0, 1, 2, 1], candidate[0, 1, 2, 1] = ref, cand
    candidate[0, 0, 0, 0] += 1  # a larger finite error must not hide it
    metrics = measure(reference, candidate, unit, limit=LIMIT).metrics
    assert metrics.nonfinite == 1
    assert metrics.worst.index == (0, 1, 1, 2)
    assert metrics.max_abs == pytest.approx(1.0, rel=1e-3), "the other figures are those of the finite elements"
    assert math.isfinite(metrics.slope)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nonfinite_alike_on_both_sides_is_no_difference(value: float) -> None:
    reference, candidate = arrays((1, 2, 3, 2))
    reference[0, 1, 2, 1] = candidate[0, 1, 2, 1] = value
    metrics = measure(reference, candidate, dense(reference.shape), limit=LIMIT).metrics
    assert metrics.nonfinite == 0
    assert metrics.max_abs < 1e-5


def test_difference_too_large_for_float32_is_seen() -> None:
    reference = np.full((1, 1, 2, 1), 3e38, np.float32)
    candidate = np.array([3e38, -3e38], np.float32).reshape(reference.shape)
    metrics = measure(reference, candidate, dense(reference.shape), limit=LIMIT).metrics
    assert metrics.max_abs == pytest.approx(6e38, rel=1e-6)
    assert (metrics.mismatched, metrics.nonfinite) == (1, 0)
    assert metrics.worst.index == (0, 0, 0, 1)


@pytest.mark.parametrize("size", [1e-36, 1.0, 1e25])
def test_systematic_share_at_any_size(size: float) -> None:
    """A slope of 1 + 1e-5 is the same fault whether the numbers are tiny or huge."""
    rng = np.random.default_rng(3)
    reference = (size * rng.normal(size=(1, 10, 10, 2))).astype(np.float32)
    candidate = (reference.astype(np.float64) * (1 + 1e-5)).astype(np.float32)
    unit = Unit(dense=np.full((100, 2), size * 1e-6, np.float32), floor=0.0)
    found = measure(reference, candidate, unit, limit=LIMIT)
    if size > 1e-30:
        assert found.metrics.slope == pytest.approx(1 + 1e-5, abs=1e-7)
        assert found.metrics.systematic_units == pytest.approx(10.0, rel=0.3)
    assert math.isfinite(found.metrics.systematic_units)


def test_dead_channel_is_nothing() -> None:
    """Weights of 10⁻³⁹: one side flushes the products to zero, the other does not."""
    reference = np.full((1, 8, 8, 2), 1e-39, np.float32)
    reference[..., 1] = np.random.default_rng(4).normal(size=(1, 8, 8))
    candidate = reference.copy()
    candidate[..., 0] = 0.0
    unit = Unit(dense=np.array([[0.0, 1e-7]] * 64, np.float32), floor=27 * TINY)
    found = measure(reference, candidate, unit, limit=LIMIT)
    assert found.metrics.max_units < 1
    assert found.metrics.systematic_units < 0.25


@pytest.mark.parametrize("unit", [Unit(), Unit(dense=np.ones((0, 3), np.float32))], ids=["exact", "rounded"])
def test_nothing_at_all_is_no_difference(unit: Unit) -> None:
    """What a Filter that lets nothing pass gives."""
    empty = np.zeros((0, 4, 5, 3), np.float32)
    found = measure(empty, empty, unit, limit=LIMIT)
    assert (found.metrics.max_abs, found.metrics.total, found.metrics.worst) == (0.0, 0, None)
    assert found.metrics.slope == 1.0
    assert not found.metrics.systematic_units
    assert not found.metrics.relative_rms


class TestPieces:
    """Large arrays are measured in pieces side by side: the figures are those of the whole, held against float64 loops."""

    SHAPE = (1, 400, 500, 7)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(5)
        reference = rng.normal(3, 2, self.SHAPE).astype(np.float32)
        return reference, (reference * 1.25 + 0.5 + rng.normal(0, 1e-3, self.SHAPE)).astype(np.float32)

    def test_sums_and_counts(self) -> None:
        reference, candidate = self.arrays()
        unit = Unit(site=np.full((200_000, 1), 0.125, np.float32), channel=np.ones(7, np.float32))
        found = measure(reference, candidate, unit, limit=12.0).metrics
        difference = candidate.astype(np.float64) - reference
        units = np.abs(difference) / 0.125
        assert found.total == reference.size
        assert found.mismatched == np.count_nonzero(units > 12.0)
        assert found.max_abs == pytest.approx(np.abs(difference).max(), rel=1e-6)
        assert found.rms_units == pytest.approx(np.sqrt((units**2).mean()), rel=1e-5)
        assert found.slope == pytest.approx(1.25, rel=1e-4)
        assert found.intercept == pytest.approx(0.5, rel=1e-3)
        assert found.worst is not None
        n, c, h, w = found.worst.index
        assert units[n, h, w, c] == pytest.approx(units.max(), rel=1e-6)

    @pytest.mark.parametrize("row", [0, 123, 399])
    def test_the_worst_is_found_in_whichever_piece_it_lies(self, row: int) -> None:
        reference, _ = self.arrays()
        candidate = reference.copy()
        candidate[0, row, 17, 3] += 1
        worst = measure(reference, candidate, Unit(), limit=16.0).metrics.worst
        assert worst is not None
        assert worst.index == (0, 3, row, 17)

    def test_what_is_not_finite_comes_before_any_difference_in_other_pieces(self) -> None:
        reference, candidate = self.arrays()
        candidate[0, 300, 1, 2] = np.nan
        found = measure(reference, candidate, Unit(), limit=16.0).metrics
        assert found.nonfinite == 1
        assert found.worst is not None
        assert found.worst.index == (0, 2, 300, 1)

    def test_a_view_of_caffes_layout_gives_the_same_figures(self) -> None:
        reference, candidate = self.arrays()
        views = [np.moveaxis(np.ascontiguousarray(np.moveaxis(one, -1, 1)), 1, -1) for one in (reference, candidate)]
        assert measure(*views, Unit(), limit=16.0) == measure(reference, candidate, Unit(), limit=16.0)
