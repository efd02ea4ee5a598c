"""Clip."""

from __future__ import annotations

import math

from support.neurons import EVERYTHING, each, laid_out
from support.table import Entry, plain

SIX = "clip_param { min: 0 max: 6 }"
NUMBERS = tuple(x for x in EVERYTHING if not math.isnan(x))
"""Caffe clips NaN to min, Keras' ReLU leaves it as it is."""

ENTRIES = (
    plain("Clip", "0 to 6", (2, 3, 4, 5), SIX, draws=(lambda rng, shape: 5 * rng.normal(size=shape),)),
    plain("Clip", "0 to 0.1", (1, 3, 4, 5), "clip_param { min: 0 max: 0.1 }"),
    plain("Clip", "-0.3 to 0.7", (1, 3, 4, 5), "clip_param { min: -0.3 max: 0.7 }"),
    plain("Clip", "of a vector", (2, 7), "clip_param { min: -1 max: 1 }"),
    plain("Clip", "above zero", (1, 3, 4, 5), "clip_param { min: 0.2 max: 0.9 }"),
    plain("Clip", "min above max", (1, 3, 4, 5), "clip_param { min: 0.5 max: 0.1 }"),
    plain("Clip", "open below", (1, 3, 4, 5), "clip_param { min: -inf max: 0.4 }"),
    plain("Clip", "open above", (1, 3, 4, 5), "clip_param { min: -0.1 max: inf }"),
    plain("Clip", "without parameters", (1, 3, 4, 5)),
    plain("Clip", "0 to 6 of every number", (1, 3, 4, 5), SIX, draws=(laid_out(*NUMBERS),)),
    plain(
        "Clip",
        "-1 to 2 of every kind of number",
        (1, 3, 4, 5),
        "clip_param { min: -1 max: 2 }",
        draws=(laid_out(*EVERYTHING),),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    spec = entry.net["layer"].parameters.clip_param

    def clip(x: float) -> float:
        x = spec.max if spec.max < x else x
        return x if spec.min < x else spec.min

    return [each(clip, bottoms[0])]
