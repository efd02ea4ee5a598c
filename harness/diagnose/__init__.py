"""Why a layer is wrong: suspicions from definitions, weights and the error's look, then proof by trying each.

A family of hypotheses (`hypotheses/`) yields suspicions. A suspicion is *stated* where the prototxt and the Keras model, or
their weights, say different things; all others are mistakes that people make, which the numbers have to show. Each is tried
on the reference's own bottoms (`trial.py`), by itself and then together with others (`search.py`); one that makes the error
vanish is proven. What is stated and cannot be proven is reported as a guess, what is neither is left out.
"""

from __future__ import annotations

from harness.data import Cause
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.hypotheses import families
from harness.diagnose.search import Found, search

__all__ = ["Clues", "Suspicion", "diagnose", "stated"]


def diagnose(clues: Clues) -> tuple[Cause, ...]:
    """The causes of one layer's fault, proven ones first; empty if nothing is known of it."""
    suspicions = list(suspect(clues))
    found = search(suspicions, clues.trial)
    if found is not None:
        return tuple(_cause(clues, one, found) for one in found.explanation)
    return tuple(_cause(clues, one, None) for one in suspicions if one.stated)


def stated(clues: Clues) -> tuple[Cause, ...]:
    """What the definitions and the weights of the two sides say differently, without anything having been run."""
    return tuple(_cause(clues, one, None) for one in suspect(clues) if one.stated)


def suspect(clues: Clues) -> list[Suspicion]:
    """All suspicions, those that are stated first, each code with the same cure once."""
    seen: dict[tuple[str, str], Suspicion] = {}
    for family in families():
        for one in family(clues):
            seen.setdefault((one.code, one.summary), one)
    return sorted(seen.values(), key=lambda one: not one.stated)


def _cause(clues: Clues, one: Suspicion, found: Found | None) -> Cause:
    before = clues.row.isolated.max_abs if clues.row is not None and clues.row.isolated is not None else None
    return Cause(
        code=one.code,
        summary=f"{one.summary}.",
        evidence=f"{one.evidence}.",
        fix=one.fix,
        proven=found is not None,
        before=before,
        after=found.fit.max_abs if found is not None else None,
        precision=found.precision if found is not None else None,
        source=clues.source(one.layer),
    )
