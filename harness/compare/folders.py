"""Two recordings against each other, of whichever frameworks; no net is run."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

import numpy as np

from harness.compare import limits
from harness.compare.judge import judge_end_to_end
from harness.compare.measure import measure
from harness.data import LayerComparison, Network, RecordedTop, Recording, Shape, Status, Tolerance, Top, Weights
from harness.errors import RecordingError
from harness.layers import layer_type
from harness.layers.base import Float32, Unit
from harness.layout import caffe_shape, channels_first, last_view
from harness.recording import load_top


def compare_recordings(
    reference: Recording,
    candidate: Recording,
    *,
    network: Network | None = None,
    weights: Weights | None = None,
    tolerance: Tolerance | None = None,
) -> tuple[LayerComparison, ...]:
    """Hold each layer of one recording against the layer of the same name in the other.

    Args:
        network, weights: give rounding units, which need the layer's bottoms and weights.
        tolerance: judges in their place.

    Raises:
        RecordingError: the two have no layer in common.
    """
    rows = []
    canonical = _states(network)
    present = {top.layer for top in candidate.tops}
    if not present & {top.layer for top in reference.tops}:
        raise RecordingError(
            "has no layer in common with the reference",
            file=candidate.folder,
            fix="name its files after Caffe's layers",
        )
    depth = 0
    for top in reference.tops:
        if top.type in ("Input", "Split", "Silence"):
            continue
        if top.layer not in present and _stands_in_another(top, reference, present, network):
            continue
        if top.layer not in present:
            rows.append(_row(top, load_top(reference, top.layer, top.top).shape, None, Status.MISSING))
            continue
        depth += 1
        array = last_view(load_top(reference, top.layer, top.top))
        other = load_top(candidate, top.layer)
        last = _as_reference(other, array.shape)
        if last is None:
            rows.append(_row(top, caffe_shape(array.shape), other.shape, Status.SHAPE))
            continue
        unit = _unit(top, network, weights, reference, canonical, channels_first(array))
        metrics = measure(array, last, unit, limit=limits.MAX_UNITS).metrics
        if tolerance is not None:
            excess = np.abs(last - array) > tolerance.atol + tolerance.rtol * np.abs(array)
            metrics = replace(metrics, max_units=None, rms_units=None, mismatched=int(excess.sum()) + metrics.nonfinite)
            status = Status.DIVERGES if metrics.mismatched else Status.MATCH
        else:
            status = judge_end_to_end(metrics, depth)
        judged = "user" if tolerance is not None else "estimate"
        row = _row(top, caffe_shape(array.shape), caffe_shape(last.shape), status, judged)
        rows.append(replace(row, end_to_end=metrics))
    return tuple(rows)


def _stands_in_another(top: RecordedTop, reference: Recording, present: Set[str], network: Network | None) -> bool:
    """True if a layer that the candidate has no file of is compared all the same, in one that follows it.

    So it is with a dropout, and where Keras fuses an activation: the layer's blob is recorded as the activation left it.
    """
    behind = reference.tops[reference.tops.index(top) + 1 :]
    if top.type == "Dropout" or any(one.top == top.top and one.layer in present for one in behind):
        return True
    if network is None:
        return False
    readers = network.consumers(Top(top.layer, top.top))
    return len(readers) == 1 and readers[0].name in present and bool(layer_type(readers[0]).fuses)


def _as_reference(array: np.ndarray, reference_last: Shape) -> Float32 | None:
    """Channels last: an array in Caffe's layout, else one that is channels last already; None if it is neither."""
    if array.ndim == len(reference_last):
        if caffe_shape(reference_last) == array.shape:
            return last_view(array)
        if reference_last == array.shape:
            return array
    return None


def _states(network: Network | None) -> Mapping[str, tuple[Top, ...]]:
    return {} if network is None else {layer.name: layer.bottoms for layer in network.layers}


def _unit(
    top: RecordedTop,
    network: Network | None,
    weights: Weights | None,
    reference: Recording,
    bottoms: Mapping[str, tuple[Top, ...]],
    array: Float32,
) -> Unit:
    if network is None or weights is None or top.layer not in bottoms:
        return Unit()
    layer = network[top.layer]
    arrays = [load_top(reference, bottom.layer, bottom.blob) for bottom in bottoms[top.layer]]
    return layer_type(layer).unit(layer, weights.of(layer.name), arrays, array)


def _row(
    top: RecordedTop, reference: Shape, candidate: Shape | None, status: Status, judged_by: str = "exact"
) -> LayerComparison:
    return LayerComparison(
        layer=top.layer,
        type=top.type or "unknown",
        top=top.top or top.layer,
        keras=() if status is Status.MISSING else (top.layer,),
        caffe=(top.layer,),
        status=status,
        judged_by=judged_by,
        reference_shape=reference,
        candidate_shape=candidate,
        note="the candidate's folder has no file of this name" if status is Status.MISSING else None,
        reason="same name",
    )
