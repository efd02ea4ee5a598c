"""Pieces of a candidate, run for one output without the list around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.data import Cut, Layer, Pair, Top
from harness.engines.keras import Candidate


class Piece:
    """A segment whose results are bare where there is one."""

    def __init__(self, segment: Any) -> None:
        self.segment = segment

    def run(self, inputs: Sequence[Any]) -> Any:
        return _bare(self.segment.run(inputs))

    def run_float64(self, inputs: Sequence[Any]) -> Any:
        return _bare(self.segment.run_float64(inputs))

    def run_changed(self, inputs: Sequence[Any], edits: Mapping[str, Any]) -> Any:
        return _bare(self.segment.run_changed(inputs, edits))


def piece(candidate: Candidate, pair: Pair) -> Piece:
    """The segment of a pair."""
    return Piece(candidate.segment(pair))


def between(candidate: Candidate, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> Piece:
    """The segment between some tensors and others."""
    layer = Layer(name, "", (), (), None)
    cuts = [tuple(Cut(number, Top(str(number), ""), ()) for number in numbers) for numbers in (inputs, outputs)]
    return piece(candidate, Pair((layer,), (name,), (), cuts[0], cuts[1], ""))


def _bare(results: Sequence[Any]) -> Any:
    return results[0] if len(results) == 1 else tuple(results)
