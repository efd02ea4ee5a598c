"""The port's own preprocessing, judged as the first row: order, mean and scale of what it feeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.compare import limits
from harness.compare.measure import measure
from harness.data import Layer, LayerComparison, Status, Top
from harness.layers.base import Float32, U, Unit
from harness.layout import channels_last

PIXEL = 256.0
"""The largest number that a picture's preprocessing starts from; its rounding is what may differ."""


def judge_input(layer: Layer, top: Top, fed: Float32, own: Float32, by: str) -> LayerComparison:
    """Hold what the port feeds against what Caffe was fed.

    Args:
        fed, own: Caffe's input and the port's, N, C, H, W.
        by: the port's function, for the report.
    """
    row = LayerComparison(
        layer=layer.name,
        type=layer.type,
        top=top.blob,
        keras=(by,),
        caffe=(layer.name,),
        status=Status.SHAPE,
        judged_by="rounding",
        reference_shape=fed.shape,
        candidate_shape=own.shape,
        reason="preprocess in the case",
    )
    if fed.shape != own.shape:
        return row
    reference, candidate = channels_last(fed), channels_last(own)
    # A pixel less its mean, times the scale: two roundings, of numbers no larger than a pixel's range.
    unit = Unit(dense=np.float32(U) * (np.abs(reference).reshape(-1, reference.shape[-1]) + np.float32(PIXEL)))
    metrics = measure(reference, candidate, unit, limit=limits.MAX_UNITS).metrics
    status = Status.MATCH
    if metrics.nonfinite:
        status = Status.NONFINITE
    elif metrics.max_units is not None and metrics.max_units > limits.MAX_UNITS:
        status = Status.DIVERGES
    return replace(row, status=status, isolated=metrics, end_to_end=metrics)
