"""Which suspicions explain an error: one that does by itself, else two or more of which none can be spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.diagnose.clues import Suspicion
from harness.diagnose.trial import Fit, Trial

MOST = 8
"""Suspicions that are paired with each other, the ones that come nearest by themselves."""

OF_ONE_CODE = 2
"""How many of them may have the same code: five constants that nearly fit must not crowd out the second mistake."""


@dataclass(frozen=True)
class Found:
    """Suspicions that together make the error vanish, and what is left of it."""

    explanation: tuple[Suspicion, ...]
    fit: Fit
    precision: str  # in which Keras was computed


def search(suspicions: Sequence[Suspicion], trial: Trial | None) -> Found | None:
    """The first explanation that holds, stated suspicions before others; None if none does, or nothing was run."""
    tried = [one for one in suspicions if one.can_be_tried]
    if trial is None or not tried:
        return None
    before = trial.before
    alone: list[tuple[Suspicion, Fit | None]] = []
    for one in tried:
        fit = trial.fit([one])
        if fit is not None and fit.explains(before):
            return Found((one,), fit, trial.precision)
        alone.append((one, fit))
    said = [one for one in tried if one.stated]
    if len(said) > 1:
        fit = trial.fit(said)
        if fit is not None and fit.explains(before):
            return _spared(said, trial, fit)
    return _pair(alone, said, trial)


def _pair(alone: Sequence[tuple[Suspicion, Fit | None]], said: list[Suspicion], trial: Trial) -> Found | None:
    """Two together, or one with all that is stated: first those that come nearest by themselves."""
    before = trial.before
    nearest = sorted(alone, key=lambda one: one[1].rms if one[1] is not None else float("inf"))
    others = [one for one, _ in nearest if not one.stated]
    for one in others if said else ():
        fit = trial.fit([*said, one])
        if fit is not None and fit.explains(before):
            return _spared([*said, one], trial, fit)
    few = _nearest_of_each([one for one, _ in nearest])
    # Where a shape is wrong, no single mistake need give it: then all are paired.
    unknown = [one for one, fit in alone if fit is None]
    pairs = [
        *combinations(few, 2),
        *((nearest[0][0], one) for one, _ in nearest[1:]),  # beside a large mistake a small one is not seen
        *((one, other) for one in unknown[:MOST] for other in others if one is not other),
    ]
    made = {id(one): place for place, (one, _) in enumerate(alone)}  # in the order in which they are suspected
    for pair in pairs:
        fit = trial.fit(sorted(pair, key=lambda one: made[id(one)]))
        if fit is not None and fit.explains(before):
            return Found(pair, fit, trial.precision)
    return None


def _nearest_of_each(nearest: Sequence[Suspicion]) -> list[Suspicion]:
    """The first of them, few of each code."""
    seen: Counter[str] = Counter()
    few = []
    for one in nearest:
        seen[one.code] += 1
        if seen[one.code] <= OF_ONE_CODE:
            few.append(one)
    return few[:MOST]


def _spared(together: list[Suspicion], trial: Trial, fit: Fit) -> Found:
    """Without those that the explanation does not need."""
    for one in list(together):
        fewer = [other for other in together if other is not one]
        less = trial.fit(fewer)
        if fewer and less is not None and less.explains(trial.before):
            together, fit = fewer, less
    return Found(tuple(together), fit, trial.precision)
