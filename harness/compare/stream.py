"""Both sides side by side, layer by layer, in topological order; nothing is kept longer than its last use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from harness.compare import limits
from harness.compare.adjudicate import RunFloat64
from harness.compare.judge import Evidence, comparison, judge, judge_end_to_end, rounding_unit, worst_of
from harness.compare.measure import measure
from harness.data import (
    Cut,
    LayerComparison,
    LayerMap,
    Metrics,
    Pair,
    Recording,
    Shape,
    Status,
    Tolerance,
    Top,
    Weights,
)
from harness.errors import CandidateError
from harness.layers.base import Float32, Unit
from harness.layout import caffe_shape, channels_first, channels_last, from_candidate, last_shape, to_candidate
from harness.recording import load_top


class CandidateSegment(Protocol):
    """One pair's share of the candidate."""

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """A tensor for each of the pair's outputs, float32, in the candidate's layout."""

    def run_float64(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The same function in float64."""

    def run_changed(
        self,
        inputs: Sequence[Any],
        edits: Mapping[str, Mapping[str, Any]],
        weights: Mapping[str, Mapping[str, np.ndarray]],
        *,
        wide: bool,
    ) -> list[Any]:
        """What it would compute with its layers' arguments or weights changed, in float64 if it is to be wide."""


class CandidateModel(Protocol):
    """What the comparison asks of a candidate engine."""

    def segment(self, pair: Pair) -> CandidateSegment:
        """The part that computes one pair."""

    def tensor_rank(self, number: int) -> int:
        """How many axes a tensor of the graph has."""

    def as_array(self, tensor: Any) -> np.ndarray:
        """A tensor's numbers without copying them."""


class Rerun(Protocol):
    """One of a pair's tops, computed by Keras from other bottoms or by changed layers."""

    def __call__(
        self,
        bottoms: Mapping[Top, np.ndarray],
        shape: Shape,
        edits: Mapping[str, Mapping[str, Any]],
        weights: Mapping[str, Mapping[str, np.ndarray]],
        wide: bool,
    ) -> np.ndarray:
        """The top, channels last, viewed in the given shape where it can be.

        Args:
            bottoms: by top, channels last.
            edits: Keras layer → arguments to change in its configuration.
            weights: Keras layer → variables to change.
            wide: in float64.

        Raises:
            CandidateError: it cannot be computed so.
        """


Explain = Callable[[Evidence, LayerComparison, Rerun], LayerComparison]


@dataclass(frozen=True)
class Options:
    """How to compare."""

    isolated: bool = True
    end_to_end: bool = True
    strict: bool = False
    wanted: Callable[[Pair], bool] = lambda pair: True
    tolerance: Mapping[str, Tolerance] = field(default_factory=dict)


@dataclass
class _Store:
    """The reference's tops, channels last, loaded once and dropped after their last use."""

    recording: Recording
    uses: Counter[Top]
    arrays: dict[Top, Float32] = field(default_factory=dict)

    def get(self, top: Top) -> Float32:
        if top not in self.arrays:
            self.arrays[top] = channels_last(load_top(self.recording, top.layer, top.blob))
        return self.arrays[top]

    def release(self, tops: Sequence[Top]) -> None:
        for top in tops:
            self.uses[top] -= 1
            if self.uses[top] <= 0:
                self.arrays.pop(top, None)


def compare_layers(
    layer_map: LayerMap,
    weights: Weights,
    recording: Recording,
    candidate: CandidateModel,
    inputs: Mapping[Top, Float32],
    options: Options,
    explain: Explain = lambda evidence, row, rerun: row,
    keep: Callable[[Top, Float32, np.ndarray | None], None] = lambda top, reference, computed: None,
    on_pair: Callable[[int, Pair], None] = lambda index, pair: None,
) -> Iterator[LayerComparison]:
    """Judge every pair, in the candidate's topological order.

    Args:
        inputs: the candidate's own inputs for the end-to-end run, N, C, H, W.
        explain: called with each layer at fault and a way to try it with its Keras layers changed; gives the row, causes
            and all.
        keep: called with each compared top, the reference and the candidate, channels last: end to end if that was asked
            for (None if it could not be computed), else isolated.
        on_pair: called as each pair begins.
    """
    pairs = [pair for pair in layer_map.pairs if options.end_to_end or options.wanted(pair)]
    store = _Store(recording, Counter(top for pair in pairs for top in _tops(pair)))
    uses = Counter(cut.tensor for pair in pairs for cut in pair.inputs)
    live: dict[int, Any] = {}
    for index, pair in enumerate(pairs):
        on_pair(index, pair)
        side = _Side(candidate, candidate.segment(pair), pair)
        evidence = _gather(side, weights, store, options)
        units = [rounding_unit(one) for one in evidence]
        rows: list[LayerComparison | None] = [None] * len(evidence)
        kept: list[np.ndarray | None] = [None] * len(evidence)
        if options.isolated and options.wanted(pair):
            for position, (row, array) in enumerate(_judge_isolated(side, evidence, units)):
                if row.status.fails and not row.causes:
                    row = explain(evidence[position], row, _rerun(side, position))
                rows[position], kept[position] = row, array
        if options.end_to_end:
            for cut in pair.inputs:
                if cut.tensor in layer_map.inputs:
                    live[cut.tensor] = side.feed_input(layer_map.inputs[cut.tensor], inputs)
            computed = _run_end_to_end(side, live)
            for position, cut in enumerate(pair.outputs):
                one = evidence[position]
                if computed is None:
                    note = "cannot be computed from the layers before it"
                    rows[position] = rows[position] or comparison(one, Status.SHAPE, "exact", note=note)
                    kept[position] = None
                    continue
                live[cut.tensor] = computed[position]
                last = side.last(position, computed[position], one.reference.shape)
                metrics = _measure(one, units[position], last)
                rows[position] = _end_to_end_row(one, rows[position], metrics, last.shape, index + 1)
                kept[position] = last
            for cut in pair.inputs:
                uses[cut.tensor] -= 1
                if not uses[cut.tensor]:
                    live.pop(cut.tensor, None)
        for one, array in zip(evidence, kept, strict=True):
            keep(one.top, one.reference, array)
        judged = [row for row in rows if row is not None]
        if judged and options.wanted(pair):
            yield worst_of(judged)
        del evidence, units, kept, rows, judged
        store.release(_tops(pair))


def run_candidate(
    layer_map: LayerMap, candidate: CandidateModel, inputs: Mapping[Top, Float32], shapes: Mapping[Top, Shape]
) -> Iterator[tuple[Pair, Top, np.ndarray]]:
    """The candidate by itself, end to end: each pair with its tops, N, C, H, W where they can be viewed so.

    Raises:
        CandidateError: a segment cannot be computed.
    """
    uses = Counter(cut.tensor for pair in layer_map.pairs for cut in pair.inputs)
    live: dict[int, Any] = {}
    for pair in layer_map.pairs:
        side = _Side(candidate, candidate.segment(pair), pair)
        for cut in pair.inputs:
            if cut.tensor in layer_map.inputs:
                live[cut.tensor] = side.feed_input(layer_map.inputs[cut.tensor], inputs)
        computed = side.segment.run([live[cut.tensor] for cut in pair.inputs])
        for position, (cut, tensor) in enumerate(zip(pair.outputs, computed, strict=True)):
            live[cut.tensor] = tensor
            yield pair, cut.top, channels_first(side.last(position, tensor, last_shape(shapes[cut.top])))
        for cut in pair.inputs:
            uses[cut.tensor] -= 1
            if not uses[cut.tensor]:
                live.pop(cut.tensor, None)


@dataclass(frozen=True)
class _Side:
    """The candidate's side of one pair: its segment, and its arrays brought to channels last and back."""

    candidate: CandidateModel
    segment: CandidateSegment
    pair: Pair

    def feed(self, cut: Cut, array_last: Float32) -> np.ndarray:
        return to_candidate(array_last, self.candidate.tensor_rank(cut.tensor), cut.layout)

    def feed_input(self, start: Cut, inputs: Mapping[Top, Float32]) -> np.ndarray:
        """The model's own input, which the pair may read as a top of another order."""
        return self.feed(start, channels_last(inputs[start.top]))

    def feeds(self, bottoms: Mapping[Top, np.ndarray]) -> list[np.ndarray]:
        return [self.feed(cut, bottoms[cut.top]) for cut in self.pair.inputs]

    def last(self, position: int, tensor: Any, reference_last: Shape) -> np.ndarray:
        array = tensor if isinstance(tensor, np.ndarray) else self.candidate.as_array(tensor)
        return from_candidate(array, reference_last, self.pair.outputs[position].layout)


def _tops(pair: Pair) -> tuple[Top, ...]:
    """Every top of the recording that a pair needs."""
    cuts = (*pair.inputs, *pair.outputs)
    return tuple(dict.fromkeys((*pair.bottoms, *(cut.top for cut in cuts))))


def _gather(side: _Side, weights: Weights, store: _Store, options: Options) -> list[Evidence]:
    """What each of the pair's tops is judged by."""
    pair = side.pair
    bottoms = {top: store.get(top) for top in (*pair.bottoms, *(cut.top for cut in pair.inputs))}
    return [
        Evidence(
            pair=pair,
            position=position,
            blobs=weights.blobs,
            bottoms=bottoms,
            reference=store.get(cut.top),
            run_float64=_float64(side, position),
            tolerance=options.tolerance.get(pair.layer.name),
            strict=options.strict,
        )
        for position, cut in enumerate(pair.outputs)
    ]


def _judge_isolated(
    side: _Side, evidence: Sequence[Evidence], units: Sequence[Unit]
) -> Iterator[tuple[LayerComparison, np.ndarray | None]]:
    """Run a segment on the reference's own bottoms and judge what comes out, top by top."""
    try:
        tensors = side.segment.run(side.feeds(evidence[0].bottoms))
    except CandidateError as error:
        note = f"Keras cannot compute it from Caffe's bottoms: {error.message}"
        for one in evidence:
            yield replace(comparison(one, Status.SHAPE, "exact", note=note), candidate_shape=None), None
        return
    for position, (one, unit, tensor) in enumerate(zip(evidence, units, tensors, strict=True)):
        last = side.last(position, tensor, one.reference.shape)
        yield judge(one, unit, last), last


def _rerun(side: _Side, position: int) -> Rerun:
    def run(
        bottoms: Mapping[Top, np.ndarray],
        shape: Shape,
        edits: Mapping[str, Mapping[str, Any]],
        weights: Mapping[str, Mapping[str, np.ndarray]],
        wide: bool,
    ) -> np.ndarray:
        feeds = side.feeds(bottoms)
        if not edits and not weights:
            made = side.segment.run_float64(feeds) if wide else side.segment.run(feeds)
        else:
            made = side.segment.run_changed(feeds, edits, weights, wide=wide)
        return side.last(position, made[position], shape)

    return run


def _run_end_to_end(side: _Side, live: Mapping[int, Any]) -> list[Any] | None:
    if any(cut.tensor not in live for cut in side.pair.inputs):
        return None
    try:
        return side.segment.run([live[cut.tensor] for cut in side.pair.inputs])
    except CandidateError:
        return None  # its shapes do not fit any more; the isolated run says which layer is to blame


def _end_to_end_row(
    evidence: Evidence, row: LayerComparison | None, metrics: Metrics | None, shape: Shape, depth: int
) -> LayerComparison:
    if row is not None:
        return replace(row, end_to_end=metrics)
    if metrics is None:
        return comparison(evidence, Status.SHAPE, "exact", candidate_shape=caffe_shape(shape))
    return comparison(evidence, judge_end_to_end(metrics, depth), "estimate", end_to_end=metrics)


def _measure(evidence: Evidence, unit: Unit, candidate: np.ndarray) -> Metrics | None:
    if candidate.shape != evidence.reference.shape:
        return None
    return measure(evidence.reference, np.ascontiguousarray(candidate), unit, limit=limits.MAX_UNITS).metrics


def _float64(side: _Side, position: int) -> RunFloat64:
    def run(bottoms: Mapping[Top, np.ndarray], reference_last: Shape) -> np.ndarray:
        return side.last(position, side.segment.run_float64(side.feeds(bottoms))[position], reference_last)

    return run
