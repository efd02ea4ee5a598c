"""PReLU."""

from __future__ import annotations

import numpy as np
from support.neurons import EVERYTHING, laid_out
from support.table import Entry, plain

SHARED = "prelu_param { channel_shared: true }"
ANY = (laid_out(*EVERYTHING),)


def slopes(rng, shapes):
    """Slopes of either sign, small and large."""
    return [rng.normal(size=shape) for shape in shapes]


def entry(id: str, shape, parameters: str = "", **more) -> Entry:
    return plain("PReLU", id, shape, parameters, draw_blobs=slopes, **more)


ENTRIES = (
    entry("for each channel", (2, 3, 4, 5)),
    entry("for each of many channels", (1, 32, 3, 2)),
    entry("of a vector", (3, 7)),
    entry("of a sequence", (2, 3, 5)),
    entry("one channel", (1, 1, 4, 5)),
    entry("channel_shared", (2, 3, 4, 5), SHARED),
    entry("channel_shared, of a vector", (3, 7), SHARED),
    entry("channel_shared, of a sequence", (2, 3, 5), SHARED),
    entry("of every kind of number", (2, 3, 5, 7), draws=ANY),
    entry("channel_shared, of every kind of number", (1, 3, 4, 5), SHARED, draws=ANY),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    x, slope = bottoms[0], np.asarray(blobs[0]).reshape(-1)
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        value = float(x[index])
        own = float(slope[0] if "channel_shared" in entry.parameters else slope[index[1]])
        top[index] = value if value > 0 else own * value
    return [top]
