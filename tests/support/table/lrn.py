"""LRN."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from support.table import Entry


@dataclass(frozen=True)
class Response(Entry):
    """An entry with its numbers side by side."""

    size: int = 5
    alpha: float = 1.0
    beta: float = 0.75
    k: float = 1.0
    within: bool = False


def lrn(id: str, shape, size: int = 5, alpha: float = 1.0, beta: float = 0.75, k: float = 1.0, **more) -> Response:
    """An entry."""
    text = f"local_size: {size} alpha: {alpha} beta: {beta} k: {k}"
    text += " norm_region: WITHIN_CHANNEL" if more.get("within") else ""
    options = {"size": size, "alpha": alpha, "beta": beta, "k": k, **more}
    return Response(f"lrn {id}", "LRN", (shape,), f"lrn_param {{ {text} }}", **options)


def loud(rng: np.random.Generator, shape) -> np.ndarray:
    """A channel of huge numbers before quiet ones: Caffe carries its rounding error along."""
    x = rng.normal(size=shape)
    x[:, 1] *= 1e3
    return x


ENTRIES = (
    lrn("across 5", (2, 7, 3, 4)),
    lrn("across 3, as in AlexNet", (1, 9, 4, 3), 3, 1e-4, draws=(lambda rng, shape: 40 * rng.normal(size=shape),)),
    lrn("across 5, k 2", (2, 6, 3, 4), k=2.0),
    lrn("across 7, beta 0.5", (1, 12, 3, 2), 7, 0.3, 0.5),
    lrn("across, beta 0.6, k 1.1", (1, 6, 3, 4), 3, 0.1, 0.6, 1.1),
    lrn("across more than there are", (1, 3, 4, 5), 9),
    lrn("across 1", (1, 3, 4, 5), 1),
    lrn("across many", (1, 131, 3, 2), 5),
    lrn("across many, all positive", (1, 260, 2, 3), 5, 1e-2, draws=(lambda rng, s: rng.uniform(0, 60, size=s),)),
    lrn("across, one loud channel", (1, 12, 3, 4), 3, draws=(loud,)),
    lrn("within 3", (2, 3, 5, 6), 3, within=True),
    lrn("within 5", (1, 3, 6, 7), 5, 0.7, within=True),
    lrn("within 3, k does not count", (1, 3, 5, 4), 3, 0.5, 0.6, 7.0, within=True),
    lrn("within more than there is", (1, 2, 3, 2), 7, within=True),
    lrn("within 1", (1, 2, 3, 4), 1, within=True),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other."""
    assert isinstance(entry, Response)
    x = bottoms[0].astype(np.float64)
    reach, top = entry.size // 2, np.zeros(x.shape)
    alpha, beta, k = (float(np.float32(value)) for value in (entry.alpha, entry.beta, entry.k))
    for n, c, row, column in np.ndindex(x.shape):
        if entry.within:
            near = x[n, c, max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
            k, over = 1.0, entry.size**2
        else:
            near, over = x[n, max(0, c - reach) : c + reach + 1, row, column], entry.size
        squares = math.fsum(one * one for one in near.reshape(-1))
        top[n, c, row, column] = x[n, c, row, column] / (k + alpha / over * squares) ** beta
    return [top]
