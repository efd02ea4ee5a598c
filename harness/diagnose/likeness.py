"""How one blob is made of another: exchanged axes, other channels, a factor, a few numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.diagnose.kernels import Mixup

SAMPLE = 2048
"""Numbers by which most ideas are refuted before all are looked at."""

COLUMNS = 32
"""Numbers of each channel by which channels are told apart before all are looked at."""

ROUNDING = 4 * 2.0**-24
"""Relative difference of a number that was multiplied in float32."""

FEW = 3
"""Channels or numbers that are named one by one."""


@dataclass(frozen=True)
class Sample:
    """Some places of an array of a shape, the same for every array of it."""

    places: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Sample:
        """At most `SAMPLE` places, all of a small array."""
        size = int(np.prod(shape))
        chosen = np.arange(size) if size <= SAMPLE else np.random.default_rng(0).integers(size, size=SAMPLE)
        return cls(np.unravel_index(chosen, tuple(shape)))

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The numbers at these places, in float64."""
        values: np.ndarray = array[self.places].astype(np.float64)
        return values


def equal(theirs: np.ndarray, ours: np.ndarray) -> bool:
    """True if all numbers are the same, seen first on a sample."""
    sample = Sample.of(ours.shape)
    return bool(np.array_equal(sample(theirs), sample(ours))) and all(
        np.array_equal(one, other) for one, other in zip(theirs, ours, strict=True)
    )


def factor(theirs: np.ndarray, ours: np.ndarray) -> float | None:
    """The number by which all of `ours` was multiplied; None if there is none."""
    sample = Sample.of(ours.shape)
    by = _factor(sample(theirs), sample(ours))
    if by is None or not _alike(sample(theirs), sample(ours), by):
        return None
    return by if all(_alike(one, other, by) for one, other in zip(theirs, ours, strict=True)) else None


def factors(theirs: np.ndarray, ours: np.ndarray, axis: int) -> np.ndarray | None:
    """The number by which each channel along an axis was multiplied; None if they were not."""
    one, other = np.moveaxis(theirs, axis, 0), np.moveaxis(ours, axis, 0)
    if one[0].size < 2:
        return None
    found = []
    for a, b in zip(_columns(one), _columns(other), strict=True):
        by = _factor(a, b) if a.any() or b.any() else 1.0
        if by is None or not _alike(a, b, by):
            return None
        found.append(by)
    right = all(_alike(a, b, by) for a, b, by in zip(one, other, found, strict=True))
    return np.array(found) if right else None


def chain(theirs: np.ndarray, ours: np.ndarray, mixups: Sequence[Mixup]) -> tuple[tuple[Mixup, ...], float] | None:
    """Up to three things that together were done to the kernel, and a factor; none of them where only the factor differs."""
    sample = Sample.of(ours.shape)
    few = sample(theirs)
    for count in range(4):
        for chosen in combinations(mixups, count):
            if len({one.code for one in chosen}) < count:
                continue
            made = applied(chosen, ours)
            by = _factor(few, sample(made))
            if by is not None and _alike(few, sample(made), by):
                whole = factor(theirs, made)
                if whole is not None:
                    return chosen, whole
    return None


def applied(mixups: Iterable[Mixup], kernel: np.ndarray) -> np.ndarray:
    """A kernel with these done to it, one after the other."""
    for one in mixups:
        kernel = one.kernel(kernel)
    return kernel


def permutation(theirs: np.ndarray, ours: np.ndarray, axis: int, by: float = 1.0) -> np.ndarray | None:
    """Which of Caffe's channels stands at each place along an axis; None if some are no channel of Caffe's.

    Args:
        by: what all numbers were multiplied by.
    """
    one, other = np.moveaxis(theirs, axis, 0), np.moveaxis(ours, axis, 0)
    if len(one) < 2:
        return None
    one_few, other_few = _columns(one) * np.sign(by), _columns(other)
    moved = np.array([n for n, (a, b) in enumerate(zip(one_few, other_few, strict=True)) if not _alike(a, b, abs(by))])
    if not len(moved):
        return None
    first, second = (moved[np.lexsort(few[moved].T)] for few in (one_few, other_few))
    if not _alike(one_few[first], other_few[second], abs(by)):
        return None
    found = np.arange(len(one))
    found[first] = second
    return found if all(_alike(a, other[b], by) for a, b in zip(one, found, strict=True)) else None


def common_factor(theirs: np.ndarray, ours: np.ndarray) -> float | None:
    """The factor, but for its sign, where the same numbers times it may stand in other places; None where they do not.

    Neither of two norms depends on places: their ratios must be one number.
    """
    sums = np.array([_norms(theirs), _norms(ours)])
    if not sums.all():
        return None
    absolute, squared = sums[0] / sums[1]
    by = float(np.sqrt(squared))
    if abs(absolute / by - 1) > ROUNDING:
        return None
    return 1.0 if abs(by - 1) < ROUNDING else by


def _norms(array: np.ndarray) -> tuple[float, float]:
    """Σ|x| and Σx², in float64."""
    rows = (np.abs(row.astype(np.float64)) for row in array)
    return tuple(np.sum([(row.sum(), np.square(row).sum()) for row in rows], axis=0))


def describe_permutation(order: np.ndarray) -> str:
    """A permutation in words: `3 and 17 exchanged`."""
    moved = np.flatnonzero(order != np.arange(len(order)))
    if len(moved) == 2:
        return f"{moved[0]} and {moved[1]} exchanged"
    if np.array_equal(order, np.arange(len(order))[::-1]):
        return "in reverse"
    for parts in (parts for parts in range(2, len(order) // 2 + 1) if len(order) % parts == 0):
        if np.array_equal(order, np.arange(len(order)).reshape(parts, -1).T.reshape(-1)):
            return f"of {parts} groups interleaved"
    shift = int(order[0])
    if np.array_equal(order, np.roll(np.arange(len(order)), -shift)):
        return f"shifted by {shift}"
    return f"in another order, {len(moved)} of {len(order)} of them moved"


def rounded(theirs: np.ndarray, ours: np.ndarray) -> str | None:
    """The shorter type to which all numbers were rounded; None if they were not."""
    sample = Sample.of(ours.shape)
    for name, change in PRECISIONS.items():
        likely = np.array_equal(sample(theirs), change(ours[sample.places]))
        if likely and all(np.array_equal(one, change(other)) for one, other in zip(theirs, ours, strict=True)):
            return name
    return None


def _to_float16(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        near: np.ndarray = values.astype(np.float16).astype(np.float32)
    return near


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    """To the nearest number of 8 significant bits, to even where two are as near."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    kept = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    near: np.ndarray = kept.astype(np.uint32).view(np.float32)
    return near


PRECISIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"float16": _to_float16, "bfloat16": _to_bfloat16}
"""Types that weights are stored in to save room."""


def resemblance(theirs: np.ndarray, ours: np.ndarray) -> float:
    """The correlation of two blobs, on a sample; zero where one is constant."""
    sample = Sample.of(ours.shape)
    one, other = sample(theirs), sample(ours)
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _columns(channels: np.ndarray) -> np.ndarray:
    """Some numbers of each channel: channels × columns, in float64."""
    size = channels[0].size
    places = np.unravel_index(np.unique(np.linspace(0, size - 1, COLUMNS).astype(int)), channels.shape[1:])
    columns: np.ndarray = np.stack([channel[places] for channel in channels]).astype(np.float64)
    return columns.reshape(len(channels), -1)


def _factor(theirs: np.ndarray, ours: np.ndarray) -> float | None:
    size = float(ours @ ours)
    by = float(theirs @ ours) / size if size else 0.0
    if not np.isfinite(by) or by == 0:
        return None
    return 1.0 if abs(by - 1) < ROUNDING else by


def _alike(theirs: np.ndarray, ours: np.ndarray, by: float) -> bool:
    if by == 1:
        return bool(np.array_equal(theirs, ours))
    made = by * ours.astype(np.float64)
    return bool((np.abs(theirs - made) <= ROUNDING * np.abs(made)).all())
