"""From a pair at fault to its row with causes; what the comparison calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from harness.compare.judge import Evidence
from harness.compare.stream import Rerun
from harness.data import (
    Cause,
    InputSource,
    KerasGraph,
    KerasNode,
    LayerComparison,
    LayerMap,
    Network,
    Pair,
    Shape,
    Status,
    Top,
    Weights,
)
from harness.diagnose import diagnose, stated
from harness.diagnose.clues import Clues
from harness.diagnose.missing import LoadTop, Missing
from harness.diagnose.overwritten import explain_overwritten
from harness.diagnose.trial import Trial
from harness.layout import last_shape


class Model(Protocol):
    """What is asked of the candidate."""

    @property
    def graph(self) -> KerasGraph:
        """The model as plain data."""

    def weights_of(self, name: str) -> Mapping[str, np.ndarray]:
        """A Keras layer's weights by the variables' names."""

    def source_of(self, layer: str) -> str | None:
        """Where a Keras layer is written."""


@dataclass(frozen=True)
class Explainer:
    """The two nets, whose pairs are explained one by one."""

    network: Network
    weights: Weights
    shapes: Mapping[Top, Shape]
    model: Model
    fed: InputSource | None = None  # how the net's input was made

    def __call__(self, evidence: Evidence, row: LayerComparison, rerun: Rerun) -> LayerComparison:
        """The row with what could be found out; a cause that cannot be looked for is no reason to lose the verdict."""
        try:
            return replace(row, causes=self._causes(evidence, row, rerun))
        except Exception as error:  # whatever a hypothesis meets in a user's model
            note = f"the search for its cause broke off ({_named(error)})"
            return replace(row, note=f"{row.note}; {note}" if row.note else note)

    def _causes(self, evidence: Evidence, row: LayerComparison, rerun: Rerun) -> tuple[Cause, ...]:
        overwritten = explain_overwritten(self.network, evidence, row)
        if overwritten:
            return overwritten
        trial = Trial.of(
            evidence.pair,
            evidence.blobs,
            evidence.bottoms,
            rerun,
            top_shape=evidence.reference.shape,
            worst_site=_worst_site(row, evidence.reference.shape),
            position=evidence.top_position,
        )
        return diagnose(replace(self.clues(evidence.pair), row=row, trial=trial))

    def clues(self, pair: Pair) -> Clues:
        """What is known of a pair before anything is run."""
        return Clues(
            pair=pair,
            network=self.network,
            weights=self.weights,
            nodes=[self._nodes[name] for name in pair.keras],
            bottoms=[self.shapes[top] for top in pair.bottoms],
            variables=self.model.weights_of,
            source=self.model.source_of,
            fed=self.fed,
        )

    def stated(self, pair: Pair, *, learned: bool = True) -> tuple[tuple[Cause, ...], str | None]:
        """What the two definitions say differently, and a sentence if the search for it broke off.

        Args:
            learned: look through the weights, too.
        """
        try:
            return stated(replace(self.clues(pair), learned=learned)), None
        except Exception as error:  # whatever a hypothesis meets in a user's model
            return (), f"its definition could not be looked through ({_named(error)})"

    def noted(self, pair: Pair, row: LayerComparison) -> LayerComparison:
        """A row that matches, with a note if the definitions differ all the same: another input may show it."""
        if row.status is not Status.MATCH:
            return row
        causes, note = self.stated(pair, learned=False)  # other weights would have shown, and take long to look through
        said = "; ".join(one.summary.rstrip(".") for one in causes)
        note = f"the definitions differ: {said}. This input does not show it" if said else note
        return replace(row, note=f"{row.note}; {note}" if row.note else note) if note else row

    def missing(self, layer_map: LayerMap, load: LoadTop | None = None) -> Missing:
        """Explains the layers that have no counterpart; `load` gives the reference's tops, where there is a recording."""
        graph = self.model.graph
        return Missing(self.network, layer_map, self.shapes, self._nodes, graph.outputs, self.model.source_of, load)

    @cached_property
    def _nodes(self) -> dict[str, KerasNode]:
        return {node.name: node for node in self.model.graph.nodes}


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _worst_site(row: LayerComparison, top_last: Shape) -> Shape:
    """N and the spatial axes of a row's largest error; the middle of the top where its shape is wrong."""
    if row.isolated is not None and row.isolated.worst is not None:
        return last_shape(row.isolated.worst.index)[:-1] or (0,)
    return (0, *(size // 2 for size in top_last[1:-1]))
