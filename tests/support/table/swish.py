"""Swish."""

from __future__ import annotations

import math

from support.neurons import EVERYTHING, each, laid_out, spread
from support.table import Entry, plain

ANY = (laid_out(*EVERYTHING),)

ENTRIES = (
    plain("Swish", "plain", (2, 3, 4, 5)),
    plain("Swish", "of a vector", (2, 7)),
    plain("Swish", "far out", (1, 3, 5, 7), draws=(spread(12),)),
    plain("Swish", "beta 0.3", (1, 3, 4, 5), "swish_param { beta: 0.3 }", draws=(spread(12),)),
    plain("Swish", "beta 1.702", (1, 3, 4, 5), "swish_param { beta: 1.702 }", draws=(spread(5),)),
    plain("Swish", "beta below zero", (1, 3, 4, 5), "swish_param { beta: -2 }", draws=(spread(5),)),
    plain("Swish", "beta zero", (1, 3, 4, 5), "swish_param { beta: 0 }"),
    plain("Swish", "of every kind of number", (1, 3, 4, 5), draws=ANY),
    plain("Swish", "of every kind, beta 4", (1, 3, 4, 5), "swish_param { beta: 4 }", draws=ANY),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    beta = entry.net["layer"].parameters.swish_param.beta
    return [each(lambda x: x * (0.5 * math.tanh(0.5 * beta * x) + 0.5), bottoms[0])]
