"""All figures of a comparison in one pass over the two arrays, block by block, without a full-size temporary."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data import Metrics, Worst
from harness.layers.base import TINY, Float32, Float64, Unit
from harness.layout import caffe_index, channel_count

BLOCK = 1 << 16
"""Elements per block: a handful of such float32 arrays fit into a core's second-level cache."""

PARTS = 8
"""Pieces of the arrays that are summed side by side; fixed, so that sums are the same to the bit on every machine."""

LARGE = 1e15
"""Numbers whose squares a block's float32 sum could not hold."""

SMALL = 1e-30
"""Sums of squares below are float32's rounding to zero."""

FEW = 16
"""Errors of which a line through them, or their root mean square, says nothing yet: through two there always is a line.
Channels of fewer sites are taken together."""


@dataclass(frozen=True)
class Measurement:
    """What a pass over two arrays found: the figures to report, and what only the verdict needs."""

    metrics: Metrics
    worst_site: int
    """Row (sites × channels) of the largest error in units."""


def measure(reference: Float32, candidate: Float32, unit: Unit, *, limit: float) -> Measurement:
    """Hold a candidate against a reference.

    Args:
        reference, candidate: of equal shape, channels last; each a view of Caffe's layout or contiguous.
        unit: the rounding unit of every element; `Unit()` where nothing may be rounded.
        limit: units beyond which an element counts as mismatched.
    """
    shape = reference.shape
    channels = channel_count(shape)
    ref, cand = reference.reshape(-1, channels), candidate.reshape(-1, channels)
    step = max(1, BLOCK // channels)
    part = step * max(1, math.ceil(len(ref) / step / PARTS))

    def add(first: int) -> _Totals:
        total = _Totals(channels, exact=unit.dense is None and unit.site is None, limit=limit)
        last = min(first + part, len(ref))
        for start in range(first, last, step):
            stop = min(start + step, last)
            blocks = np.ascontiguousarray(ref[start:stop]), np.ascontiguousarray(cand[start:stop])
            total.add(start, *blocks, unit.rows(start, stop))
        return total

    firsts = range(0, max(len(ref), 1), part)
    if len(firsts) == 1:
        return add(0).result(shape, ref, cand)
    with ThreadPoolExecutor(min(len(firsts), os.cpu_count() or 1)) as threads:  # NumPy lets go of Python's lock
        total, *others = threads.map(add, firsts)
    for other in others:
        total.merge(other)
    return total.result(shape, ref, cand)


class _Totals:
    def __init__(self, channels: int, *, exact: bool, limit: float) -> None:
        self.exact, self.limit = exact, limit
        self.max_abs = self.max_reference = self.max_units = self.sum_units = 0.0
        self.worst = (0, 0)
        self.mismatched = self.nonfinite = self.finite = 0
        # per channel: Σd, Σr, Σd·r, Σr², Σunit², Σd²
        self.sums: Float64 = np.zeros((6, channels))

    def add(self, start: int, ref: Float32, cand: Float32, unit: Float32) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            diff = cand - ref
        size = np.abs(diff)
        largest = size.max(initial=0.0)
        if not math.isfinite(largest):
            ref, diff, size = self._mask(start, ref, cand)
            largest = size.max(initial=0.0)
        self.finite += size.size
        most_ref = max(float(ref.max(initial=0.0)), -float(ref.min(initial=0.0)))
        self.max_reference = max(self.max_reference, most_ref)
        if max(most_ref, float(largest)) > LARGE:
            ref, diff, size = ref.astype(np.float64), diff.astype(np.float64), size.astype(np.float64)
        if not np.isfinite(unit).all():
            # Where the bottoms hold NaN or infinity there is no unit, and so nothing that rounding could excuse.
            unit = np.where(np.isfinite(unit), unit, np.float32(TINY))
        with np.errstate(over="ignore", divide="ignore"):
            units = size / unit
        if self.exact:
            self.mismatched += int(np.count_nonzero(units > 1.0))
            if largest > self.max_abs and not self.nonfinite:
                self._note(start, size)
        else:
            self.mismatched += int(np.count_nonzero(units > self.limit))
            most = float(units.max(initial=0.0))
            flat = units.reshape(-1) if most < LARGE else units.reshape(-1).astype(np.float64)
            self.sum_units += float(np.dot(flat, flat))
            if most > self.max_units:
                self.max_units = most
                if not self.nonfinite:
                    self._note(start, units)
        self.max_abs = max(self.max_abs, float(largest))
        self.sums[0] += diff.sum(axis=0)
        self.sums[1] += ref.sum(axis=0)
        self.sums[2] += np.einsum("pc,pc->c", diff, ref)
        self.sums[3] += np.einsum("pc,pc->c", ref, ref)
        self.sums[4] += _squares(unit) if unit.shape[1] > 1 else len(ref) * float(unit[0, 0]) ** 2
        self.sums[5] += np.einsum("pc,pc->c", diff, diff)

    def merge(self, behind: _Totals) -> None:
        """Take in what was found in the piece behind this one."""
        mine, theirs = (self.max_abs, behind.max_abs) if self.exact else (self.max_units, behind.max_units)
        if not self.nonfinite and (behind.nonfinite or theirs > mine):
            self.worst = behind.worst
        self.max_abs = max(self.max_abs, behind.max_abs)
        self.max_reference = max(self.max_reference, behind.max_reference)
        self.max_units = max(self.max_units, behind.max_units)
        self.sum_units += behind.sum_units
        self.mismatched += behind.mismatched
        self.nonfinite += behind.nonfinite
        self.finite += behind.finite
        self.sums += behind.sums

    def _note(self, start: int, size: Float32) -> None:
        row, channel = divmod(int(size.argmax()), size.shape[1])
        self.worst = (start + row, channel)

    def _mask(self, start: int, ref: Float32, cand: Float32) -> tuple[Float32, Any, Any]:
        """Count what is NaN or infinite on one side only, and leave it out of the other figures.

        The difference is float64's: that of two finite numbers may be too large for float32.
        """
        same = (ref == cand) | (np.isnan(ref) & np.isnan(cand))
        odd = ~(np.isfinite(ref) & np.isfinite(cand)) & ~same
        if odd.any() and not self.nonfinite:
            self._note(start, odd.astype(np.float32))
        self.nonfinite += int(np.count_nonzero(odd))
        with np.errstate(invalid="ignore"):
            diff = cand.astype(np.float64) - ref
        diff = np.where(np.isfinite(diff), diff, 0.0)
        return np.where(np.isfinite(ref), ref, np.float32(0)), diff, np.abs(diff)

    def result(self, shape: tuple[int, ...], ref: Float32, cand: Float32) -> Measurement:
        sums, sites = self._of_channels(len(ref))
        slope, intercept, systematic = _affine(sums, sites)
        row, channel = self.worst
        worst = None
        if self.max_abs > 0 or self.nonfinite:
            index = np.unravel_index(row * ref.shape[1] + channel, shape or (1,))
            place = caffe_index(tuple(int(i) for i in index))
            worst = Worst(place, float(ref[row, channel]), float(cand[row, channel]))
        rms = math.sqrt(self.sum_units / self.finite) if self.finite else 0.0
        metrics = Metrics(
            max_units=None if self.exact else self.max_units,
            rms_units=None if self.exact else rms,
            max_abs=self.max_abs,
            max_rel=self.max_abs / self.max_reference if self.max_reference else float(self.max_abs > 0),
            slope=slope,
            intercept=intercept,
            worst=worst,
            mismatched=self.mismatched + self.nonfinite,
            total=int(ref.size),
            nonfinite=self.nonfinite,
            channel_rms_units=None if self.exact or sites < FEW else _largest_root(sums[5], sums[4]),
            systematic_units=None if self.exact or sites < FEW else systematic,
            relative_rms=None if self.exact else _largest_root(sums[5], sums[3]),
        )
        return Measurement(metrics, row)

    def _of_channels(self, sites: int) -> tuple[Float64, int]:
        """The sums of each channel and of how many sites they are; of all channels as one where these are few."""
        if sites >= FEW:
            return self.sums, sites
        return self.sums.sum(axis=1, keepdims=True), sites * self.sums.shape[1]


def _affine(sums: Float64, sites: int) -> tuple[float, float, float]:
    """Slope and intercept of candidate on reference, and the affine share of the error, of the channel worst in it."""
    if not sites:
        return 1.0, 0.0, 0.0
    mean_d, mean_r, mean_dr, mean_rr, mean_uu, _ = sums / sites
    variance = np.maximum(mean_rr - mean_r**2, 0.0)
    usable = variance > 1e-6 * mean_rr  # a constant channel has no slope
    covariance = mean_dr - mean_d * mean_r
    slope = np.where(usable, covariance / np.where(usable, variance, 1.0), 0.0)
    share = np.sqrt(mean_d**2 + slope**2 * variance) / np.sqrt(np.maximum(mean_uu, np.finfo(float).tiny))
    worst = int(share.argmax())
    return 1.0 + float(slope[worst]), float((mean_d - slope * mean_r)[worst]), float(share[worst])


def _largest_root(errors: Float64, sizes: Float64) -> float:
    """√(Σ errors² / Σ sizes²) of the channel where it is largest."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return math.sqrt(float(np.where(errors > 0, errors / sizes, 0.0).max(initial=0.0)))


def _squares(unit: Float32) -> Float64 | Float32:
    squares: Float32 = np.einsum("pc,pc->c", unit, unit)
    if squares.min(initial=1.0) >= SMALL and np.isfinite(squares).all():
        return squares
    wide = unit.astype(np.float64)
    exact: Float64 = np.einsum("pc,pc->c", wide, wide)
    return exact
