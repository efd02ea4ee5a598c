"""What a top is held to in the written test: its rounding unit, and how many of them are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.compare import limits
from harness.compare.judge import is_suspect
from harness.compare.measure import measure
from harness.data import Metrics, Tolerance
from harness.layers.base import TINY, Float32, Unit, from_rows
from harness.layout import channels_last

ROUNDING = """\
# What float32's rounding explains. A rounding unit is the error that it is expected to leave in an element, by the layer
# type's arithmetic and these very numbers (unit*.npy): two right programs that only sum in another order stay within a few.
# A channel's error may be neither large against the channel nor follow its values: rounding does neither."""

EXACT = """\
# Nothing is rounded in this layer, so any error is wrong: the unit is float32's smallest normal number."""

BY_HAND = """\
# A tolerance that was set by hand in the case: one unit is its atol + rtol · |Caffe's value|."""

ACQUITTED = """
# This layer shows more, and arithmetic in float64 has found both sides right: twice what they show is let pass."""

FIRST_STAGE: Mapping[str, float] = {
    "largest": limits.MAX_UNITS,
    "rms": limits.RMS_UNITS,
    "relative": limits.RELATIVE,
    "systematic": limits.SYSTEMATIC_UNITS,
}


@dataclass(frozen=True)
class Expected:
    """What rounding explains in one top."""

    unit: Float32  # N, C, H, W
    limits: Mapping[str, float]
    reason: str  # a comment of the test


def expect(
    reference: Float32, candidate: Float32 | None, unit: Unit, tolerance: Tolerance | None, *, right: bool
) -> Expected:
    """The first stage of the verdict, as figures that plain NumPy can be held to.

    Args:
        reference: Caffe's top, N, C, H, W.
        candidate: what Keras computed, channels last; None where it is of another shape.
        unit: of the top's elements.
        tolerance: set by hand, in place of it.
        right: the layer was found right, if need be by the second stage, which plain NumPy cannot repeat.
    """
    if tolerance is not None:
        by_hand = tolerance.atol + tolerance.rtol * np.abs(reference)
        return Expected(np.maximum(by_hand, np.float32(TINY)).astype(np.float32), {"largest": 1.0}, BY_HAND)
    rows = reference.size // reference.shape[1] if reference.ndim > 1 else reference.size
    channels = reference.shape[1] if reference.ndim > 1 else 1
    dense = from_rows(np.broadcast_to(unit.rows(0, rows), (rows, channels)), reference.shape)
    elements = np.ascontiguousarray(np.where(np.isfinite(dense), dense, np.float32(TINY)), np.float32)
    if unit.dense is None and unit.site is None:
        return Expected(elements, {"largest": 1.0}, EXACT)
    if right and candidate is not None:
        found = measure(channels_last(reference), candidate, unit, limit=limits.MAX_UNITS).metrics
        if is_suspect(found):
            return Expected(elements, _twice(found), ROUNDING + ACQUITTED)
    return Expected(elements, FIRST_STAGE, ROUNDING)


def _twice(found: Metrics) -> dict[str, float]:
    shown = {
        "largest": found.max_units or 0.0,
        "rms": found.rms_units or 0.0,
        "relative": found.relative_rms or 0.0,
        "systematic": found.systematic_units or 0.0,
    }
    return {what: max(most, float(f"{2 * shown[what]:.2g}")) for what, most in FIRST_STAGE.items()}
