"""ReLU."""

from __future__ import annotations

from support import loops
from support.table import Entry, lacking, plain

KERAS_HAS = (
    plain("ReLU", "plain", (2, 3, 4, 5)),
    plain("ReLU", "of a vector", (2, 7)),
    plain("ReLU", "slope", (1, 3, 4, 5), "relu_param { negative_slope: 0.1 }"),
    plain("ReLU", "slope above one", (1, 3, 4, 5), "relu_param { negative_slope: 1.5 }"),
)

KERAS_LACKS = (plain("ReLU", "slope below zero", (1, 3, 4, 5), "relu_param { negative_slope: -0.3 }"),)

ENTRIES = (*KERAS_HAS, *lacking(KERAS_LACKS))


def tops_of(entry: Entry, blobs, bottoms):
    """The plain loops."""
    return [loops.relu(bottoms[0], float(entry.net["layer"].parameters.relu_param.negative_slope))]
