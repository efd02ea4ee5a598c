"""Why a layer is wrong: hypotheses from what the two definitions say, each proven by a run with that one thing changed.

A hypothesis is a function `suspect(clues)` in a module of this folder, found by being there. It yields suspicions: a code
of the contract, what the two sides say, the way to mend it, and the edits to the Keras layers that would. The edits are
tried on the reference's own bottoms; a suspicion whose edits make the error vanish is proven, one that does not is left
out if another explains the layer.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from harness.data import Cause, KerasNode, LayerComparison, Metrics, Pair, Shape

Edits = Mapping[str, Mapping[str, Any]]
"""Keras layer → arguments to change in its configuration."""


@dataclass(frozen=True)
class Suspicion:
    """One thing that may be wrong."""

    code: str
    summary: str
    evidence: str
    fix: str
    layer: str  # the Keras layer to change
    edits: Edits = field(default_factory=dict)
    pad: tuple[int, int] = (0, 0)  # rows and columns of zeros around the bottom that the edits need


@dataclass(frozen=True)
class Clues:
    """What a layer at fault is diagnosed from."""

    pair: Pair
    nodes: Sequence[KerasNode]  # the pair's Keras layers, in the order of the graph
    bottoms: Sequence[Shape]  # N, C, H, W
    row: LayerComparison
    retry: Callable[[Edits, tuple[int, int]], Metrics | None]
    """Run the segment with its layers changed on the reference's bottoms; None if the shape is still wrong."""
    source: Callable[[str], str | None] = lambda layer: None  # where a Keras layer stands: "keras_model.py:41"

    @property
    def main(self) -> KerasNode | None:
        """The Keras layer that stands for the Caffe layer itself."""
        from harness.layers import layer_type

        classes = layer_type(self.pair.layer).keras_classes
        return next((node for node in reversed(self.nodes) if node.class_name in classes), None)


@cache
def hypotheses() -> tuple[Callable[[Clues], Iterator[Suspicion]], ...]:
    """Every hypothesis, by the name of its module."""
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return tuple(module.suspect for module in modules)


def diagnose(clues: Clues, limit: float) -> tuple[Cause, ...]:
    """The causes of one layer's fault, proven ones first.

    Args:
        limit: rounding units within which an error counts as gone.
    """
    suspicions = [suspicion for suspect in hypotheses() for suspicion in suspect(clues)]
    if not suspicions:
        return ()
    causes = [_cause(clues, one, clues.retry(one.edits, one.pad) if one.edits else None, limit) for one in suspicions]
    proven = [cause for cause in causes if cause.proven]
    if proven or len(suspicions) == 1:
        return tuple(proven or causes)
    together: dict[str, dict[str, Any]] = {}
    for one in suspicions:
        for layer, changes in one.edits.items():
            together.setdefault(layer, {}).update(changes)
    pad = max((one.pad for one in suspicions), default=(0, 0))
    found = clues.retry(together, pad) if together else None
    return tuple(_cause(clues, one, found if one.edits else None, limit) for one in suspicions)


def _cause(clues: Clues, one: Suspicion, found: Metrics | None, limit: float) -> Cause:
    before = clues.row.isolated.max_abs if clues.row.isolated is not None else None
    gone = found is not None and not found.nonfinite
    if gone and found is not None:
        gone = found.mismatched == 0 if found.max_units is None else found.max_units <= limit
    return Cause(
        code=one.code,
        summary=f"{one.summary}.",
        evidence=f"{one.evidence}.",
        fix=one.fix,
        proven=gone,
        before=before,
        after=found.max_abs if gone and found is not None else None,
        source=clues.source(one.layer),
    )
