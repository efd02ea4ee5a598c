"""Trying an explanation: does Caffe's definition, with a mistake in it, give what Keras gives, mended or as it is?

Both are computed on the reference's bottoms; of large layers, on a piece of them that is small enough to be computed whole,
and in float64 where the Keras layers can be: there two different functions are a million times farther apart than rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.compare.adjudicate import multiplications, piece_of
from harness.compare.stream import Rerun
from harness.data import Pair, Shape, Top
from harness.diagnose.setting import Setting
from harness.errors import CandidateError, HarnessError
from harness.layers import layer_type
from harness.layers.base import Blobs, Exact, Float32, Float64, Index, U, gamma
from harness.layout import channels_first, last_shape

if TYPE_CHECKING:
    from harness.diagnose.clues import Suspicion

SHARPER = 8.0
"""How many times smaller an error has to become to count as explained, its own rounding aside."""

ROUNDINGS = 4.0
"""Rounding errors of float32 that a mistake's own parameters may bring along: Caffe keeps them in float32."""


@dataclass(frozen=True)
class Fit:
    """How far an explanation is from what Keras gives."""

    max_abs: float
    rms: float  # of the errors, each over what its rounding is relative to
    bound: float  # the largest error over what rounding explains

    def explains(self, before: Fit | None) -> bool:
        """True if nothing is left but rounding, and clearly less than before; before there may have been no fit."""
        return self.bound <= 1.0 and (before is None or self.rms <= before.rms / SHARPER)


@dataclass
class Trial:
    """One top of a pair on the reference's bottoms, or a piece of them."""

    pair: Pair
    blobs: Mapping[str, Blobs]
    bottoms: Mapping[Top, Float32]  # N, …, C
    rerun: Rerun
    position: int = 0  # which of the first Caffe layer's tops
    _made: dict[Any, np.ndarray | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        pair: Pair,
        blobs: Mapping[str, Blobs],
        bottoms: Mapping[Top, Float32],
        rerun: Rerun,
        *,
        top_shape: Shape,
        worst_site: Sequence[int],
        position: int = 0,
    ) -> Trial:
        """On a piece around the worst site if the whole is too large and the piece shows the error, too.

        Args:
            bottoms: N, …, C.
            top_shape: of the reference, N, …, C.
            worst_site: N and the spatial axes of the largest error.
        """
        whole = cls(pair, blobs, bottoms, rerun, position)
        small_enough = multiplications(pair, bottoms, top_shape) <= CHEAP and math.prod(top_shape) <= MANY
        if small_enough or not _can_be_cut(pair, bottoms):
            return whole
        small = cls(pair, blobs, piece_of(pair, bottoms, top_shape, worst_site), rerun, position)
        return small if small.shows_an_error else whole

    @cached_property
    def setting(self) -> Setting:
        """Caffe's definition as it is."""
        bottoms = tuple(channels_first(self.bottoms[top]) for top in self.pair.bottoms)
        return Setting(self.pair, self.pair.caffe, self.blobs, bottoms, self.position)

    @cached_property
    def wide(self) -> bool:
        """True if the Keras layers can be computed in float64; it would hide that they compute in less than float32."""
        return self.pair.precision == "float32" and self._run({}, {}, wide=True) is not None

    @property
    def precision(self) -> str:
        """In which the Keras layers are computed."""
        return "float64" if self.wide else "float32"

    @cached_property
    def candidate(self) -> np.ndarray | None:
        """What Keras makes of the bottoms, N, C, H, W; None if it cannot compute it."""
        made = self.computed({}, {})
        return None if made is None else channels_first(made)

    @cached_property
    def reference(self) -> Float64 | None:
        """Caffe's definition at every site, N, C, H, W; None if the layer is too large for that."""
        shape = last_shape(self.setting.shape)
        if math.prod(shape) > LARGEST:
            return None
        exact = self.setting.define(self.setting.sites())
        return channels_first(exact.value.reshape(shape))

    @cached_property
    def before(self) -> Fit | None:
        """How far Keras is from the definition as it is; None if their shapes differ."""
        return self.fit(())

    @property
    def shows_an_error(self) -> bool:
        """True if Keras gives something else than the definition here; or nothing, where the definition gives something."""
        try:
            _ = self.setting.shape
        except HarnessError:
            return False
        return self.candidate is not None and not (self.before is not None and self.before.explains(None))

    def computed(
        self, edits: Mapping[str, Mapping[str, Any]], weights: Mapping[str, Mapping[str, np.ndarray]]
    ) -> np.ndarray | None:
        """What the Keras layers make of the bottoms with these changes, channels last; None if they cannot."""
        key = (repr(edits), tuple(sorted((layer, *sorted(names)) for layer, names in weights.items())), _ids(weights))
        if key not in self._made:
            self._made[key] = self._run(edits, weights, wide=self.wide)
        return self._made[key]

    def run_again(self) -> np.ndarray | None:
        """What Keras makes of the bottoms this time, channels last: another thing each time where chance is at work."""
        return self._run({}, {}, wide=self.wide)

    def _run(self, edits: Mapping[str, Any], weights: Mapping[str, Any], *, wide: bool) -> np.ndarray | None:
        try:
            return self.rerun(self.bottoms, last_shape(self.setting.shape), edits, weights, wide)
        except (CandidateError, HarnessError):
            return None

    def fit(self, explanation: Sequence[Suspicion]) -> Fit | None:
        """How well some suspicions together explain what Keras gives; None if the shapes do not even agree."""
        edits: dict[str, dict[str, Any]] = {}
        weights: dict[str, dict[str, np.ndarray]] = {}
        for one in explanation:
            for layer, changes in one.edits.items():
                edits.setdefault(layer, {}).update(changes)
            for layer, values in one.weights.items():
                weights.setdefault(layer, {}).update(values)
        try:
            setting = self.setting
            for one in explanation:
                setting = one.mistake(setting) if one.mistake is not None else setting
            shape = last_shape(setting.shape)
            candidate = self.computed(edits, weights)
            if candidate is None or candidate.shape != shape:
                return None
            sites = self._sites(setting)
            exact = setting.define(sites)
        except (HarnessError, ValueError, IndexError):  # a mistake that cannot be made here
            return None
        return self._distance(candidate, exact, sites)

    def _sites(self, setting: Setting) -> Index:
        sites = setting.sites()
        if len(sites) <= SITES or not layer_type(setting.layer).local:
            return sites
        # Borders are where padding shows, and steps of equal length would meet the same columns again and again.
        places = sites[:, 1:]
        border = np.flatnonzero(((places < EDGE) | (places >= places.max(axis=0) + 1 - EDGE)).any(axis=1))
        draw = np.random.default_rng(0)
        chosen = [draw.choice(one, min(SITES, len(one)), replace=False) for one in (border, np.arange(len(sites)))]
        some: Index = sites[np.unique(np.concatenate(chosen))]
        return some

    def _distance(self, candidate: np.ndarray, exact: Exact, sites: Index) -> Fit:
        rows = candidate.reshape(candidate.shape if candidate.ndim > 1 else (-1, 1))
        difference = np.abs(rows[tuple(sites.T)].astype(np.float64) - exact.value)
        difference[np.isnan(difference) & np.isnan(exact.value)] = 0.0
        difference = np.where(np.isnan(difference), np.inf, difference)
        size = np.fmax(exact.scale, np.abs(exact.value))
        if self.wide:
            share = 4 * gamma(exact.terms + 8, 2.0**-53) + ROUNDINGS * U + self._parameters
            bound = share * size + exact.floor
        else:
            bound = exact.bound + (2 + ROUNDINGS) * U * size
        with np.errstate(invalid="ignore", over="ignore"):
            relative = difference / np.maximum(size, np.finfo(np.float32).tiny)
            return Fit(
                max_abs=float(difference.max(initial=0.0)),
                rms=float(np.sqrt(np.mean(relative**2))) if relative.size else 0.0,
                bound=float((difference / bound).max(initial=0.0)),
            )

    @property
    def _parameters(self) -> float:
        return sum(layer_type(one).parameter_rounding for one in self.pair.caffe)


def _can_be_cut(pair: Pair, bottoms: Mapping[Top, Float32]) -> bool:
    """True if all that the segment reads are pictures of one size, which Caffe's layer reads too."""
    sizes = {bottom.shape[1:-1] for bottom in bottoms.values()}
    return (
        set(bottoms) == set(pair.bottoms) and len(sizes) == 1 and all(bottom.ndim == 4 for bottom in bottoms.values())
    )


CHEAP = 100_000_000
"""Multiplications up to which a layer is tried whole: a fraction of a second for each attempt."""

MANY = 1 << 19
"""Elements up to which a layer is tried whole, however little each costs."""

SITES = 4096
"""Sites of the border, and of the whole, at which an explanation is tried where there are more."""

EDGE = 2
"""How many rows and columns count as the border."""

LARGEST = 1 << 24
"""Elements up to which a definition is kept whole."""


def _ids(weights: Mapping[str, Mapping[str, np.ndarray]]) -> tuple[int, ...]:
    return tuple(id(value) for names in weights.values() for value in names.values())
