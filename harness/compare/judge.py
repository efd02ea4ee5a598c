"""The verdict on one layer: shape, finiteness, then numbers, each stage only where the one before holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.compare import limits
from harness.compare.adjudicate import RunFloat64, adjudicate, multiplications
from harness.compare.measure import FEW, measure
from harness.data import LayerComparison, Metrics, Pair, Shape, Status, Tolerance, Top
from harness.errors import CandidateError
from harness.layers import layer_type
from harness.layers.base import Blobs, Float32, Unit
from harness.layout import caffe_shape, channel_count, channels_first


@dataclass(frozen=True)
class Evidence:
    """What one layer is judged by; arrays are channels last."""

    pair: Pair
    blobs: Mapping[str, Blobs]
    bottoms: Mapping[Top, Float32]  # the reference's
    reference: Float32
    run_float64: RunFloat64
    tolerance: Tolerance | None = None
    strict: bool = False
    position: int = 0  # which of the pair's outputs

    @property
    def top_position(self) -> int:
        """Which of the Caffe layer's tops that is; the first, where a fused layer's is meant."""
        tops = self.pair.layer.tops
        return tops.index(self.top) if self.top in tops else 0

    @property
    def top(self) -> Top:
        """The top that is judged."""
        return self.pair.outputs[self.position].top


def rounding_unit(evidence: Evidence) -> Unit:
    """The unit behind the pair's last layer: that of the first, carried through those fused behind it."""
    first, *fused = evidence.pair.caffe
    bottoms = [channels_first(evidence.bottoms[top]) for top in evidence.pair.bottoms]
    top = channels_first(evidence.reference)
    unit = layer_type(first).unit(first, evidence.blobs.get(first.name, ()), bottoms, top, evidence.top_position)
    for layer in fused:
        unit = layer_type(layer).follow_unit(layer, evidence.blobs.get(layer.name, ()), unit, top)
    return unit


def judge(evidence: Evidence, unit: Unit, candidate: np.ndarray) -> LayerComparison:
    """Judge one layer by itself: the candidate was fed the reference's own bottoms.

    Args:
        candidate: what the segment made of them, channels last; its shape may be wrong.
    """
    if candidate.shape != evidence.reference.shape:
        return comparison(evidence, Status.SHAPE, "exact", candidate_shape=caffe_shape(candidate.shape))
    found = measure(evidence.reference, np.ascontiguousarray(candidate), unit, limit=limits.MAX_UNITS)
    metrics = found.metrics
    if evidence.tolerance is not None and not metrics.nonfinite:
        beyond = _beyond(evidence.reference, candidate, evidence.tolerance)
        metrics = replace(metrics, mismatched=beyond)
        return comparison(evidence, Status.DIVERGES if beyond else Status.MATCH, "user", isolated=metrics)
    if not (metrics.nonfinite or evidence.strict or is_suspect(metrics) or _is_quickly_settled(evidence, metrics)):
        idle = not any(array.any() for array in evidence.bottoms.values())
        note = "all that it reads is zero here: only its bias was tried" if idle else None
        if not evidence.reference.size:
            note = "no items came out here: there was nothing to compare"
        how = "exact" if metrics.max_units is None else "rounding"
        return comparison(evidence, Status.MATCH, how, isolated=metrics, note=note)
    if evidence.pair.precision != "float32" and not metrics.nonfinite:
        # Its function is not looked at: the rounding of fewer digits hides what is wrong with it, and is wrong itself.
        return comparison(evidence, Status.DIVERGES, "rounding", isolated=metrics)
    try:
        verdict = adjudicate(
            evidence.pair,
            evidence.blobs,
            evidence.bottoms,
            evidence.reference,
            candidate,
            found.worst_site,
            evidence.run_float64,
            position=evidence.top_position,
        )
    except CandidateError as error:
        why = f"beyond what the first stage lets pass, and the second cannot judge it: {error.message}"
        status, how = (Status.NONFINITE, "exact") if metrics.nonfinite else (Status.DIVERGES, "rounding")
        return comparison(evidence, status, how, isolated=metrics, note=why)
    right = verdict.agrees and verdict.reference_sound
    if metrics.nonfinite and (verdict.sampled is not None or not right):
        # A sample says nothing of the places where one side alone is no number.
        return comparison(evidence, Status.NONFINITE, "exact", isolated=metrics)
    note = None
    if not verdict.reference_sound:
        note = (
            f"the reference itself is {verdict.reference_units:.3g} times as far from Caffe's definition as rounding "
            "explains: the reference or the harness' definition is wrong, not the Keras layer"
        )
    return comparison(
        evidence,
        Status.MATCH if right else Status.DIVERGES,
        "float64",
        isolated=metrics,
        float64=verdict,
        sampled=verdict.sampled,
        note=note,
    )


_SEVERITY = (Status.MATCH, Status.DIVERGES, Status.NONFINITE, Status.SHAPE)


def worst_of(rows: Sequence[LayerComparison]) -> LayerComparison:
    """One row for a layer of several tops: that of the top that is worst off, which says so."""
    if len(rows) == 1:
        return rows[0]

    def badness(row: LayerComparison) -> tuple[int, float, float]:
        found = row.isolated or row.end_to_end
        units = found.max_units or 0.0 if found is not None else 0.0
        return _SEVERITY.index(row.status), units, found.max_abs if found is not None else 0.0

    worst = max(rows, key=badness)
    others = f"the worst of its {len(rows)} tops, {', '.join(row.top for row in rows)}"
    return replace(worst, note=f"{worst.note}; {others}" if worst.note else others) if worst.status.fails else worst


def is_suspect(metrics: Metrics) -> bool:
    """True if the first stage cannot let the layer pass."""
    if metrics.max_units is None:
        return metrics.mismatched > 0
    if metrics.max_units == 0:
        return False
    figures = (
        (metrics.max_units, limits.MAX_UNITS),
        (metrics.rms_units, limits.RMS_UNITS),
        (metrics.channel_rms_units, limits.CHANNEL_RMS_UNITS),
        (metrics.systematic_units, limits.SYSTEMATIC_UNITS),
        (metrics.relative_rms, limits.RELATIVE),
    )
    # "not ≤", so that NaN is a suspect too; what cannot be told from a handful of numbers, float64 tells
    return not all(found is not None and found <= limit for found, limit in figures)


def _is_quickly_settled(evidence: Evidence, metrics: Metrics) -> bool:
    """True where one wrong channel would be one wrong number among a thousand, and float64 costs next to nothing."""
    if not metrics.max_units or metrics.total >= FEW * channel_count(evidence.reference.shape):
        return False
    return multiplications(evidence.pair, evidence.bottoms, evidence.reference.shape) <= limits.QUICK


def comparison(
    evidence: Evidence, status: Status, judged_by: str, *, candidate_shape: Shape | None = None, **more: object
) -> LayerComparison:
    """A row of the report for this pair."""
    pair = evidence.pair
    reference_shape = caffe_shape(evidence.reference.shape)
    return LayerComparison(
        layer=pair.layer.name,
        type=pair.layer.type,
        top=evidence.top.blob,
        keras=pair.keras,
        caffe=tuple(layer.name for layer in pair.caffe),
        status=status,
        judged_by=judged_by,
        reference_shape=reference_shape,
        candidate_shape=candidate_shape or reference_shape,
        reason=pair.reason,
        **more,  # type: ignore[arg-type]
    )


def judge_end_to_end(metrics: Metrics, depth: int) -> Status:
    """An estimate for want of an isolated run: rounding errors of the layers before have come along.

    Args:
        depth: how many layers were computed, this one included.
    """
    if metrics.nonfinite:
        return Status.NONFINITE
    return Status.DIVERGES if metrics.max_rel > limits.ACCUMULATED_REL * depth else Status.MATCH


def differs_end_to_end(metrics: Metrics | None) -> bool:
    """True if an end-to-end difference is more than a layer of this kind shows by its own rounding."""
    if metrics is None:
        return True
    if metrics.nonfinite:
        return True
    if metrics.max_units is None:
        return metrics.mismatched > 0
    return metrics.max_units > limits.MAX_UNITS


def agrees_as_before(row: LayerComparison | None, before: Sequence[LayerComparison]) -> bool:
    """True if a layer gives end to end what it gives in Caffe, as nearly as the layers before it do.

    What those show beyond rounding is a fault of their own, behind which nothing can be told to agree.
    """
    if row is None or row.end_to_end is None:
        return False
    so_far = max((one.end_to_end.max_rel for one in before if one.end_to_end is not None), default=0.0)
    rounding = min(so_far, limits.ACCUMULATED_REL * len(before))
    return row.end_to_end.max_rel <= limits.GROWTH * max(rounding, limits.LEAST_REL)


def _beyond(reference: Float32, candidate: np.ndarray, tolerance: Tolerance) -> int:
    """How many elements a tolerance set by hand does not cover."""
    close = np.isclose(candidate, reference, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    return int(close.size - np.count_nonzero(close))
