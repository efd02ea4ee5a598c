"""Output channels in another order, whatever puts them there: seen by what comes out, as where groups are joined wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.learned import KERNELS
from harness.diagnose.likeness import describe_permutation
from harness.diagnose.setting import in_result
from harness.layers import layer_type
from harness.layers.base import Exact, Index, rows_of

CLOSE = 1e-5
"""Of the largest number: how near two channels are that are the same one."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """The order in which Keras' channels are Caffe's."""
    layer, trial = clues.pair.layer, clues.trial
    if trial is None or not isinstance(layer_type(layer), KERNELS):
        return
    theirs, ours = trial.candidate, trial.reference
    if theirs is None or ours is None or theirs.shape != ours.shape or ours.ndim < 2:
        return
    order = _order(rows_of(theirs), rows_of(ours))
    if order is None:
        return

    def moved(exact: Exact, sites: Index) -> Exact:
        return replace(exact, value=exact.value[:, order], scale=exact.scale[:, order])

    spec = layer.parameters.convolution_param
    grouped = layer.type != "InnerProduct" and int(spec.group) > 1
    yield Suspicion(
        "groups" if grouped else "weights.permuted",
        f"Keras gives Caffe's output channels {describe_permutation(order)}",
        f"each of the {len(order)} channels that Keras gives for {layer.name} is one of Caffe's, "
        f"{np.count_nonzero(order != np.arange(len(order)))} at another place",
        "join the groups in their order" if grouped else "put the output channels into Caffe's order",
        clues.place,
        mistake=in_result(moved),
    )


def _order(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray | None:
    """Which of our channels each of theirs is, both sites × channels; None if some are none, or all stand where they are."""
    weights = np.random.default_rng(0).normal(size=len(ours))
    order = np.empty(ours.shape[1], int)
    order[np.argsort(weights @ theirs, kind="stable")] = np.argsort(weights @ ours, kind="stable")
    if not np.abs(theirs - ours[:, order]).max(initial=0.0) <= CLOSE * np.abs(ours).max(initial=0.0):
        return None
    return None if np.array_equal(order, np.arange(len(order))) else order
