"""ReLU."""

from __future__ import annotations

import math

from support import loops
from support.neurons import EVERYTHING, laid_out
from support.table import Entry, plain

NEGATIVE = "relu_param { negative_slope: -0.3 }"
ANY = (laid_out(*EVERYTHING),)
FINITE = (laid_out(*(x for x in EVERYTHING if x != -math.inf)),)
"""Without a slope Caffe's ReLU gives NaN for −∞, and nobody else's does (tests/layers/test_neurons.py)."""

ENTRIES = (
    plain("ReLU", "plain", (2, 3, 4, 5)),
    plain("ReLU", "of a vector", (2, 7)),
    plain("ReLU", "slope", (1, 3, 4, 5), "relu_param { negative_slope: 0.1 }"),
    plain("ReLU", "slope above one", (1, 3, 4, 5), "relu_param { negative_slope: 1.5 }"),
    plain("ReLU", "slope below zero", (1, 3, 4, 5), NEGATIVE),
    plain("ReLU", "slope below zero, of a vector", (2, 7), "relu_param { negative_slope: -1.7 }"),
    plain("ReLU", "plain, of every kind of number", (1, 3, 4, 5), draws=FINITE),
    plain("ReLU", "slope, of every kind of number", (1, 3, 4, 5), "relu_param { negative_slope: 0.1 }", draws=ANY),
    plain("ReLU", "slope below zero, of every kind of number", (1, 3, 4, 5), NEGATIVE, draws=ANY),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    return [loops.relu(bottoms[0], float(entry.net["layer"].parameters.relu_param.negative_slope))]
