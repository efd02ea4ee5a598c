"""Numbers that a layer learns for each channel, held against Caffe's: those of a normalization, a Scale, a PReLU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

import numpy as np

from harness.data import Layer
from harness.diagnose import likeness
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.learned import KERNELS
from harness.diagnose.reading import is_opaque
from harness.layers import layer_type
from harness.layers.base import Blobs

Variables = Mapping[str, np.ndarray]

MOST = 4
"""Variables by channel that a layer may have: a normalization with its factors and summands."""

INITIAL_SLOPE = 0.25
"""Of a PReLU that was never loaded: Caffe's filler, and that of most ports. Source: BVLC Caffe 1.0, prelu_layer.cpp."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """One suspicion for all variables that differ in the same way."""
    node = clues.main
    if node is None or not clues.learned or isinstance(layer_type(clues.pair.layer), KERNELS):
        return
    held = clues.variables(node.name)
    right = {
        name: blob
        for layer in clues.pair.caffe
        for name, blob in _as_variables(clues, layer, clues.weights.of(layer.name)).items()
    }
    ours = {name: blob for name, blob in right.items() if name in held and held[name].shape == blob.shape}
    guessed = not ours and is_opaque(node)
    if guessed:
        ours = _by_likeness(held, right)
    theirs = {name: held[name] for name in ours}
    wrong = [name for name in ours if not np.array_equal(theirs[name], ours[name])]
    said = _said(clues, theirs, ours, wrong) if wrong else None
    if said is None:
        return
    code, summary, evidence = said
    yield Suspicion(
        code,
        summary,
        evidence,
        f"{node.name}: {', '.join(wrong)} from the caffemodel",
        node.name,
        stated=not guessed,
        weights={node.name: {name: ours[name] for name in wrong}},
    )


def _by_likeness(held: Variables, right: Variables) -> dict[str, np.ndarray]:
    """Caffe's numbers by the names that a layer of the user's own has: each variable's are those whose values are nearest."""
    if len(held) != len(right) or len(held) > MOST or len({one.size for one in (*held.values(), *right.values())}) > 1:
        return {}

    def apart(order: tuple[np.ndarray, ...]) -> float:
        return sum(
            float(np.abs(np.sort(one, axis=None) - np.sort(other, axis=None)).sum())
            for one, other in zip(held.values(), order, strict=True)
        )

    nearest = min(permutations(right.values()), key=apart)
    return {name: blob.reshape(one.shape) for (name, one), blob in zip(held.items(), nearest, strict=True)}


def _as_variables(clues: Clues, layer: Layer, blobs: Blobs) -> dict[str, np.ndarray]:
    if clues.main is None or not blobs:
        return {}
    made = layer_type(layer).keras_weights(layer, blobs, clues.held, clues.main.class_name)
    return {name: np.asarray(one) for name, one in made.items()}


def _said(clues: Clues, theirs: Variables, ours: Variables, wrong: list[str]) -> tuple[str, str, str] | None:
    """Code, summary and evidence; None for what only the meaning of the variables explains, as statistics not divided."""
    names = " and ".join(wrong)
    counts = ", ".join(
        f"{np.count_nonzero(theirs[name] != ours[name])} of {ours[name].size} numbers of {name} differ"
        for name in wrong
    )
    initial = (0, 1, INITIAL_SLOPE) if clues.pair.layer.type == "PReLU" else (0, 1)
    if all(np.isin(one, initial).all() and np.ptp(one) == 0 for one in theirs.values()):
        return "weights.not_loaded", f"Keras' {names} still {_have(wrong)} initial numbers", counts
    for layer in clues.network.layers:
        if any(
            layer.type == own.type and layer.name != own.name and _fits(clues, layer, own) for own in clues.pair.caffe
        ):
            other = _as_variables(clues, layer, clues.weights.of(layer.name))
            if other and all(name in theirs and np.array_equal(theirs[name], one) for name, one in other.items()):
                return "weights.of_other_layer", f"Keras' {names} {_are(wrong)} {layer.name}'s", counts
    order = _permutation(theirs, ours, wrong)
    if order is not None:
        moved = likeness.describe_permutation(order)
        return "weights.permuted", f"Keras' {names} {_are(wrong)} Caffe's with the channels {moved}", counts
    by = [likeness.factor(theirs[name], ours[name]) for name in wrong]
    if by[0] is not None and by == by[:1] * len(by) and wrong != ["moving_mean", "moving_variance"]:
        return "weights.scaled", f"Keras' {names} {_are(wrong)} Caffe's times {by[0]:.6g}", counts
    for name, factor in zip(wrong, by, strict=True):
        exchanged = any(np.array_equal(theirs[name], one) for one in ours.values())
        if exchanged or factor is not None or np.ptp(theirs[name]) == 0:
            return None
    largest = max(float(np.abs(theirs[name] - ours[name]).max()) for name in wrong)
    return "weights.value", f"Keras' {names} {_differ(wrong)} from Caffe's by up to {largest:.2g}", counts


def _fits(clues: Clues, layer: Layer, own: Layer) -> bool:
    """True if two layers have as many numbers in each of their blobs."""
    sizes, own_sizes = ([blob.size for blob in clues.weights.of(one.name)] for one in (layer, own))
    return sizes == own_sizes


def _permutation(theirs: Variables, ours: Variables, names: list[str]) -> np.ndarray | None:
    """The one in which all these variables are; None if there is none."""
    if len({ours[name].size for name in names}) > 1:
        return None
    one, other = (np.stack([held[name].reshape(-1) for name in names], axis=1) for held in (theirs, ours))
    return likeness.permutation(one, other, 0)


def _have(names: list[str]) -> str:
    return "has its" if len(names) == 1 else "have their"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _differ(names: list[str]) -> str:
    return "differs" if len(names) == 1 else "differ"
