"""Threshold."""

from __future__ import annotations

from support.neurons import EVERYTHING, each, laid_out
from support.table import Entry, plain

AT_TENTH = (laid_out(0.1, 0.10000001, 0.09999999, -0.1, 0.2, 0.0, 5.0),)

ENTRIES = (
    plain("Threshold", "zero", (2, 3, 4, 5)),
    plain("Threshold", "of a vector", (2, 7), "threshold_param { threshold: 0.5 }"),
    plain("Threshold", "0.1 itself", (1, 3, 4, 5), "threshold_param { threshold: 0.1 }", draws=AT_TENTH),
    plain("Threshold", "below zero", (1, 3, 4, 5), "threshold_param { threshold: -0.7 }"),
    plain("Threshold", "zero of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
    plain(
        "Threshold",
        "denormal, of every kind of number",
        (1, 3, 4, 5),
        "threshold_param { threshold: 3e-39 }",
        draws=(laid_out(*EVERYTHING),),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    threshold = entry.net["layer"].parameters.threshold_param.threshold
    return [each(lambda x: 1.0 if x > threshold else 0.0, bottoms[0])]
