"""Both sides side by side, layer by layer, in topological order; nothing is kept longer than its last use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from harness.compare import limits
from harness.compare.judge import Evidence, comparison, judge, judge_end_to_end, rounding_unit
from harness.compare.measure import measure
from harness.data import LayerComparison, LayerMap, Metrics, Pair, Recording, Shape, Status, Tolerance, Top, Weights
from harness.errors import CandidateError
from harness.layers.base import Float32, Unit
from harness.layout import caffe_shape, channels_first, channels_last, from_candidate, last_shape, to_candidate
from harness.recording import load_top


class CandidateSegment(Protocol):
    """One pair's share of the candidate."""

    def run(self, inputs: Sequence[Any]) -> Any:
        """A tensor, float32, in the candidate's layout."""

    def run_float64(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The same function in float64."""

    def run_changed(self, inputs: Sequence[Any], edits: Mapping[str, Mapping[str, Any]]) -> Any:
        """What it would compute with its layers' arguments changed."""


class CandidateModel(Protocol):
    """What the comparison asks of a candidate engine."""

    def segment(self, pair: Pair) -> CandidateSegment:
        """The part that computes one pair."""

    def tensor_rank(self, number: int) -> int:
        """How many axes a tensor of the graph has."""

    def data_format(self, pair: Pair) -> str:
        """`channels_last` or `channels_first`."""

    def as_array(self, tensor: Any) -> np.ndarray:
        """A tensor's numbers without copying them."""


Retry = Callable[[Mapping[str, Mapping[str, Any]], tuple[int, int]], Metrics | None]
Explain = Callable[[Evidence, LayerComparison, Retry], LayerComparison]


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
    explain: Explain = lambda evidence, row, retry: row,
    keep: Callable[[Pair, Float32, np.ndarray | None], None] = lambda pair, reference, computed: None,
    on_pair: Callable[[int, Pair], None] = lambda index, pair: None,
) -> Iterator[LayerComparison]:
    """Judge every pair, in the candidate's topological order.

    Args:
        inputs: the candidate's own inputs for the end-to-end run, N, C, H, W.
        explain: called with each layer at fault and a way to try it with its Keras layers changed; gives the row, causes
            and all.
        keep: called with the reference and the candidate of each pair, channels last: end to end if that was asked for
            (None if it could not be computed), else isolated.
        on_pair: called as each pair begins.
    """
    pairs = [pair for pair in layer_map.pairs if options.end_to_end or options.wanted(pair)]
    store = _Store(recording, Counter(top for pair in pairs for top in (*pair.bottoms, pair.top)))
    uses = Counter(number for pair in pairs for number, _ in pair.inputs)
    live: dict[int, Any] = {}
    for index, pair in enumerate(pairs):
        on_pair(index, pair)
        segment = candidate.segment(pair)
        evidence = Evidence(
            pair=pair,
            blobs=weights.blobs,
            bottoms={top: store.get(top) for top in pair.bottoms},
            reference=store.get(pair.top),
            run_float64=_float64(candidate, segment, pair),
            tolerance=options.tolerance.get(pair.layer.name),
            strict=options.strict,
        )
        row, kept, output = None, None, None
        unit = rounding_unit(evidence)
        judged = options.isolated and options.wanted(pair)
        if judged:
            row, kept = _judge_isolated(candidate, segment, evidence, unit)
            if row.status.fails and not row.causes:
                row = explain(evidence, row, _retry(candidate, segment, evidence, unit))
        if options.end_to_end:
            for number, _ in pair.inputs:
                if number in layer_map.inputs:
                    own = channels_last(inputs[layer_map.inputs[number]])
                    live[number] = _feed(candidate, pair, number, own)
            output = _run_end_to_end(segment, pair, live)
            if output is not None:
                live[pair.output] = output
                last = from_candidate(
                    candidate.as_array(output), evidence.reference.shape, data_format=candidate.data_format(pair)
                )
                metrics = _measure(evidence, unit, last)
                row = _end_to_end_row(evidence, row, metrics, last.shape, index + 1)
                kept = last
            else:
                kept = None
            if output is None and row is None:
                row = comparison(evidence, Status.SHAPE, "exact", note="cannot be computed from the layers before it")
            for number, _ in pair.inputs:
                uses[number] -= 1
                if not uses[number]:
                    live.pop(number, None)
        keep(pair, evidence.reference, kept)
        if row is not None and options.wanted(pair):
            yield row
        del evidence, unit, kept, output
        store.release((*pair.bottoms, pair.top))


def run_candidate(
    layer_map: LayerMap, candidate: CandidateModel, inputs: Mapping[Top, Float32], shapes: Mapping[Top, Shape]
) -> Iterator[tuple[Pair, np.ndarray]]:
    """The candidate by itself, end to end: each pair with its top, N, C, H, W where it can be viewed so.

    Raises:
        CandidateError: a segment cannot be computed.
    """
    uses = Counter(number for pair in layer_map.pairs for number, _ in pair.inputs)
    live: dict[int, Any] = {}
    for pair in layer_map.pairs:
        for number, _ in pair.inputs:
            if number in layer_map.inputs:
                live[number] = _feed(candidate, pair, number, channels_last(inputs[layer_map.inputs[number]]))
        output = candidate.segment(pair).run([live[number] for number, _ in pair.inputs])
        live[pair.output] = output
        data_format = candidate.data_format(pair)
        last = from_candidate(candidate.as_array(output), last_shape(shapes[pair.top]), data_format=data_format)
        yield pair, channels_first(last)
        for number, _ in pair.inputs:
            uses[number] -= 1
            if not uses[number]:
                live.pop(number, None)


def _judge_isolated(
    candidate: CandidateModel, segment: CandidateSegment, evidence: Evidence, unit: Unit
) -> tuple[LayerComparison, np.ndarray | None]:
    """Run a segment on the reference's own bottoms and judge what comes out."""
    pair = evidence.pair
    try:
        feeds = [_feed(candidate, pair, number, evidence.bottoms[top]) for number, top in pair.inputs]
        tensor = segment.run(feeds)
    except CandidateError as error:
        note = f"Keras cannot compute it from Caffe's bottoms: {error.message}"
        return replace(comparison(evidence, Status.SHAPE, "exact", note=note), candidate_shape=None), None
    array = candidate.as_array(tensor)
    last = from_candidate(array, evidence.reference.shape, data_format=candidate.data_format(pair))
    return judge(evidence, unit, last), last


def _retry(candidate: CandidateModel, segment: CandidateSegment, evidence: Evidence, unit: Unit) -> Retry:
    """Runs the changed segment on the reference's bottoms, with zeros around them where that is asked for."""

    def retry(edits: Mapping[str, Mapping[str, Any]], pad: tuple[int, int]) -> Metrics | None:
        around = ((0, 0), (pad[0], pad[0]), (pad[1], pad[1]), (0, 0))
        feeds = []
        for number, top in evidence.pair.inputs:
            bottom = evidence.bottoms[top]
            padded = np.pad(bottom, around) if any(pad) and bottom.ndim == 4 else bottom
            feeds.append(_feed(candidate, evidence.pair, number, padded))
        try:
            array = candidate.as_array(segment.run_changed(feeds, edits))
        except CandidateError:
            return None
        data_format = candidate.data_format(evidence.pair)
        return _measure(evidence, unit, from_candidate(array, evidence.reference.shape, data_format=data_format))

    return retry


def _run_end_to_end(segment: CandidateSegment, pair: Pair, live: Mapping[int, Any]) -> Any | None:
    if any(number not in live for number, _ in pair.inputs):
        return None
    try:
        return segment.run([live[number] for number, _ in pair.inputs])
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


def _feed(candidate: CandidateModel, pair: Pair, number: int, array_last: Float32) -> np.ndarray:
    return to_candidate(array_last, candidate.tensor_rank(number), data_format=candidate.data_format(pair))


def _float64(
    candidate: CandidateModel, segment: CandidateSegment, pair: Pair
) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    def run(bottoms: Sequence[np.ndarray]) -> np.ndarray:
        feeds = [
            to_candidate(bottom, candidate.tensor_rank(number), data_format=candidate.data_format(pair))
            for bottom, (number, _) in zip(bottoms, pair.inputs, strict=True)
        ]
        top = segment.run_float64(feeds)
        channels_first = candidate.data_format(pair) == "channels_first"
        return channels_last(top) if channels_first and top.ndim == 4 else top

    return run
