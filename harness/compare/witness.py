"""A third voice: what another engine computes from the same input, end to end, held against both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from harness.compare.judge import judge_end_to_end
from harness.compare.measure import measure
from harness.data import LayerComparison, Recording, Status, Top, Witness
from harness.layers.base import Float32, Unit
from harness.layout import channels_last
from harness.recording import load_top


def hear(
    recording: Recording, top: Top, reference: Float32, candidate: np.ndarray | None, depth: int
) -> Witness | None:
    """With whom the witness agrees on a top; None if it has not computed it.

    Args:
        reference, candidate: channels last; the candidate's is None if it could not be computed.
        depth: how many layers were computed, this one included: rounding errors of the layers before have come along.
    """
    if not any((one.layer, one.top) == (top.layer, top.blob) for one in recording.tops):
        return None
    said = np.ascontiguousarray(channels_last(load_top(recording, top.layer, top.blob)))
    with_reference, max_abs = _agrees(said, reference, depth)
    with_candidate = candidate is not None and _agrees(said, candidate, depth)[0]
    sides = {(True, True): "both", (True, False): "reference", (False, True): "candidate"}
    return Witness(recording.version, sides.get((with_reference, with_candidate), "neither"), max_abs)


def _agrees(said: Float32, other: np.ndarray, depth: int) -> tuple[bool, float | None]:
    if said.shape != other.shape:
        return False, None
    metrics = measure(other, said, Unit(), limit=0.0).metrics
    return judge_end_to_end(metrics, depth) is Status.MATCH, metrics.max_abs


def summary(rows: Iterable[LayerComparison]) -> str | None:
    """One sentence over all layers; None if the witness was not asked or had nothing to say."""
    heard = [row.witness for row in rows if row.witness is not None]
    if not heard:
        return None
    counts = Counter(one.agrees_with for one in heard)
    said = [f"{words} in {counts[side]}" for side, words in _SIDES.items() if counts[side]]
    return f"{heard[0].engine}, which is not Caffe, was asked about {len(heard)} layers: it agrees {', '.join(said)}"


_SIDES = {
    "both": "with both sides",
    "reference": "with Caffe alone",
    "candidate": "with Keras alone",
    "neither": "with neither",
}
