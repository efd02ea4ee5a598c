"""Where one picture lies in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.layers.window import spatial

PROBES = 64
"""Sites that are compared for each place."""

PLACES = 20_000
"""Places up to which all are tried."""


def placed(part: np.ndarray, whole: np.ndarray, margin: Sequence[int] | None = None) -> tuple[int, ...] | None:
    """Where a part begins in the whole on each spatial axis: the place at which they differ least.

    Args:
        part, whole: N, C and the same number of spatial axes.
        margin: how far before the whole it may begin; beyond its edges all is taken for its border's.

    Returns:
        None if it fits nowhere, or there are too many places to try.
    """
    axes = whole.ndim - 2
    margin = tuple(margin or (0,) * axes)
    if part.ndim != whole.ndim or part.shape[:2] != whole.shape[:2]:
        return None
    if any(margin):
        whole = np.pad(whole, ((0, 0), (0, 0), *((one, one) for one in margin)), mode="edge")
    counts = [large - small + 1 for large, small in zip(whole.shape[2:], part.shape[2:], strict=True)]
    if min(counts) < 1 or int(np.prod(counts)) > PLACES:
        return None
    rng = np.random.default_rng(0)
    total = np.zeros(counts)
    for site in rng.integers(0, part.shape[2:], size=(PROBES, axes)):
        seen = whole[spatial(slice(s, s + n) for s, n in zip(site, counts, strict=True))]
        value = part[spatial(slice(s, s + 1) for s in site)]
        total += np.abs(seen - value).sum(axis=(0, 1))
    best = np.unravel_index(int(np.argmin(total)), total.shape)
    return tuple(int(one) - before for one, before in zip(best, margin, strict=True))
