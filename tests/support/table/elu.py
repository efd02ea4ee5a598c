"""ELU."""

from __future__ import annotations

import math

from support.neurons import EVERYTHING, each, laid_out, spread
from support.table import Entry, plain

ENTRIES = (
    plain("ELU", "plain", (2, 3, 4, 5)),
    plain("ELU", "of a vector", (2, 7)),
    plain("ELU", "near zero", (1, 3, 5, 7), draws=(spread(1e-3),)),
    plain("ELU", "alpha 0.1", (1, 3, 4, 5), "elu_param { alpha: 0.1 }"),
    plain("ELU", "alpha 3", (1, 3, 4, 5), "elu_param { alpha: 3 }"),
    plain("ELU", "alpha below zero", (1, 3, 4, 5), "elu_param { alpha: -0.7 }"),
    plain("ELU", "alpha zero", (1, 3, 4, 5), "elu_param { alpha: 0 }"),
    plain("ELU", "of every kind of number", (1, 3, 4, 5), draws=(laid_out(*EVERYTHING),)),
    plain("ELU", "of every kind, alpha 2", (1, 3, 4, 5), "elu_param { alpha: 2 }", draws=(laid_out(*EVERYTHING),)),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    alpha = float(entry.net["layer"].parameters.elu_param.alpha)
    return [each(lambda x: x if x > 0 or x != x else alpha * math.expm1(x), bottoms[0])]
