"""The constants of a local response normalisation, worked out from what it reads and gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.diagnose.clues import Clues
from harness.diagnose.reading import EXACT, distinct, rounded
from harness.diagnose.setting import with_fields
from harness.layers.decimals import as_written
from harness.layers.lrn import base_of

SOLVED = 2e-6
"""What may be left of an equation in float32, as a share of its largest number."""

LARGEST_BETA = 2.0
"""Of exponents that anybody would take."""


class Constants(NamedTuple):
    """What an LRN across channels, or within them, is made of; alpha is the share of one square of the window."""

    size: int
    share: float
    beta: float
    k: float


def solved(clues: Clues) -> Constants | None:
    """All constants at once, where with them Keras gives what it gives to the last digits of float32; None if none do.

    For a beta and a window, (x / y)^(1 / beta) = k + share · Σ x² is linear. What is Caffe's own is tried first.
    """
    trial, layer = clues.trial, clues.pair.layer
    assert trial is not None
    candidate, x = trial.candidate, trial.setting.bottoms[0].astype(np.float64)
    if candidate is None or candidate.shape != x.shape or not layer.parameters.lrn_param.alpha:
        return None
    spec = layer.parameters.lrn_param
    own, power = int(spec.local_size), 2 if spec.norm_region == spec.WITHIN_CHANNEL else 1
    with np.errstate(all="ignore"):
        ratio = x / candidate
        usable = np.isfinite(ratio) & (ratio > 0) & (np.abs(x) > np.abs(x).mean())
    tried: list[tuple[float, Constants]] = []
    for beta in distinct([as_written(float(spec.beta)), 0.5, 0.75, 1.0], but=[0.0]):
        for size in (own, 2 * own + 1):
            plain = with_fields(layer, "lrn_param", local_size=size, alpha=float(size**power), k=1.0)
            sums = (base_of(plain, x) - 1.0)[usable]
            raised = ratio[usable] ** (1 / beta)
            columns = np.stack([sums, np.ones_like(sums)], axis=1)
            if sums.size < 2:
                return None
            (share, k), *_ = np.linalg.lstsq(columns, raised, rcond=None)
            left = np.abs(columns @ (share, k) - raised).max() / np.abs(raised).max()
            tried.append((float(left), Constants(size, float(share), beta, rounded(float(k)))))
    least = min(left for left, _ in tried)
    if least > SOLVED:
        return None
    return next(found for left, found in tried if left <= 10 * least)


def fitted(clues: Clues) -> list[tuple[str, float]]:
    """The one constant with which Keras would give what it gives, all else being Caffe's: best first, as name and value.

    Each first as a person would write it, which hides a small mistake, then to the last digits.

    (x / y)^(1 / beta) = k + alpha · mean of x² is linear in alpha and in k; log(x / y) = beta · log(k + …) is so in beta.
    """
    trial, layer = clues.trial, clues.pair.layer
    assert trial is not None
    candidate, x = trial.candidate, trial.setting.bottoms[0].astype(np.float64)
    spec = layer.parameters.lrn_param
    alpha, beta = float(spec.alpha), float(spec.beta)
    within_channel = spec.norm_region == spec.WITHIN_CHANNEL
    k = 1.0 if within_channel else float(spec.k)
    if candidate is None or candidate.shape != x.shape or not alpha or not beta:
        return []
    base = base_of(layer, x)
    with np.errstate(all="ignore"):
        ratio = x / candidate
        usable = np.isfinite(ratio) & (ratio > 0) & (base > 0) & (np.abs(x) > np.abs(x).mean())
    ratio, base = ratio[usable], base[usable]
    squares, raised, logs = (base - k) / alpha, ratio ** (1 / beta), np.log(base)
    if not squares.any() or not logs.any():
        return []
    of_alpha = float(squares @ (raised - k) / (squares @ squares))
    of_beta = float(logs @ np.log(ratio) / (logs @ logs))
    of_k = float((raised - alpha * squares).mean())
    fits = {
        "alpha": (of_alpha, (k + of_alpha * squares) ** beta),
        "beta": (of_beta, base**of_beta),
        "k": (of_k, np.maximum(of_k + alpha * squares, 0) ** beta),
    }
    if within_channel:
        del fits["k"]
    if not 0 < of_beta < LARGEST_BETA:
        del fits["beta"]
    left = {name: float(np.square(fit - ratio).sum()) for name, (_, fit) in fits.items()}
    best = sorted(fits, key=left.__getitem__)
    return [(name, rounded(fits[name][0], within)) for within in (1e-3, EXACT) for name in best]
