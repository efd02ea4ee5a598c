"""MVN."""

from __future__ import annotations

import math

import numpy as np
from support.table import Entry, plain
from support.table.batch_norm import dead, shifted


def mvn(id: str, shape, parameters: str = "", **more) -> Entry:
    """An entry."""
    return plain("MVN", id, shape, f"mvn_param {{ {parameters} }}", **more)


ENTRIES = (
    mvn("of each channel", (2, 3, 4, 5)),
    mvn("across channels", (2, 3, 4, 5), "across_channels: true"),
    mvn("the mean alone", (2, 3, 4, 5), "normalize_variance: false"),
    mvn("the mean alone, across channels", (2, 3, 4, 5), "normalize_variance: false across_channels: true"),
    mvn("eps 0.1", (2, 3, 4, 5), "eps: 0.1"),
    mvn("far from zero", (2, 3, 4, 5), draws=(shifted,)),
    mvn("of dead channels", (2, 5, 4, 5), "eps: 1e-5", draws=(dead,)),
    mvn("of a vector", (3, 6), "across_channels: true"),
    mvn("of a vector, each channel", (3, 6)),
    mvn("of a sequence", (2, 4, 7)),
    mvn("of a sequence, across channels", (2, 4, 7), "across_channels: true"),
)


def tops_of(entry: Entry, blobs, bottoms):
    """Group by group: an image, or one channel of it."""
    x = bottoms[0].reshape(*bottoms[0].shape, *(1,) * (4 - bottoms[0].ndim))
    eps = 0.1 if "eps: 0.1" in entry.parameters else 1e-5 if "eps: 1e-5" in entry.parameters else 1e-9
    top = np.zeros(x.shape)
    across = "across_channels" in entry.parameters
    for n in range(len(x)):
        for c in [slice(None)] if across else range(x.shape[1]):
            numbers = [float(one) for one in x[n, c].reshape(-1)]
            mean = math.fsum(numbers) / len(numbers)
            deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in numbers) / len(numbers))
            below = 1.0 if "normalize_variance: false" in entry.parameters else deviation + float(np.float32(eps))
            top[n, c] = np.reshape([(one - mean) / below for one in numbers], x[n, c].shape)
    return [top]
