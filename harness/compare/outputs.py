"""The net's outputs: what a user of the port would notice."""

from __future__ import annotations

import numpy as np

from harness.data import OutputComparison, Top
from harness.layers.base import Float32


def compare_output(top: Top, reference: Float32, computed: np.ndarray | None) -> OutputComparison:
    """Hold an output of the net against the candidate's, end to end.

    Args:
        reference, computed: N, …, C; the candidate's may be of another shape, or missing.
    """
    if computed is None or reference.shape != computed.shape:
        return OutputComparison(top.blob, None, None, False)
    agreement = None
    if reference.ndim > 1 and reference.shape[-1] > 1:
        agreement = float((reference.argmax(axis=-1) == computed.argmax(axis=-1)).mean())
    return OutputComparison(top.blob, float(np.abs(computed - reference).max(initial=0.0)), agreement, False)
