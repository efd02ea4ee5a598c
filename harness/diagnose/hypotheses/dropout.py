"""Dropout that is still at work, or that has scaled once more than it should."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import is_opaque, number
from harness.diagnose.setting import Mistake, in_bottoms, in_result
from harness.layers.base import Exact, Index
from harness.layers.folding import canonical_tops


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Look for a dropout that is called for training, for chance, and for the share that dropout keeps."""
    called = [node for node in clues.nodes if node.arguments.get("training") is True and _rate(node)]
    for node in called:
        yield _active(node, f"{node.name} is called with training=True, rate {_rate(node):g}", stated=True)
    if clues.trial is None:
        return
    chance = not called and any(is_opaque(node) or _rate(node) for node in clues.nodes)
    apart = _between_runs(clues) if chance else 0.0
    if apart:
        rated = [node for node in clues.nodes if _rate(node)]
        for node in rated or [one for one in clues.nodes if is_opaque(one)][:1]:
            evidence = f"two runs on the same input differ by {apart:.2g}"
            yield _active(node, evidence, stated=True)
    else:
        for node in [one for one in clues.nodes if is_opaque(one) or _is_beside(clues, one)][:1]:
            yield from _scaled(clues, node)


def _active(node: KerasNode, evidence: str, *, stated: bool) -> Suspicion:
    return Suspicion(
        "dropout.active",
        f"{node.name} drops numbers by chance, Caffe's dropout does nothing at inference",
        evidence,
        "training=False",
        node.name,
        stated=stated,
        edits={node.name: {"rate": 0.0}} if _rate(node) else {},
    )


def _rate(node: KerasNode) -> float:
    return number(node.config.get("rate")) or 0.0


def _between_runs(clues: Clues) -> float:
    """The largest difference between two runs of the same layers on the same input, zero if there is none."""
    trial = clues.trial
    assert trial is not None
    once, again = (trial.run_again() for _ in range(2))
    if once is None or again is None or once.shape != again.shape:
        return 0.0
    with np.errstate(invalid="ignore"):
        apart = np.abs(once - again)
    return float(np.nanmax(apart, initial=0.0))


def _is_beside(clues: Clues, node: KerasNode) -> bool:
    """True for a Rescaling that stands beside the layer itself."""
    return node.class_name == "Rescaling" and node is not clues.main


def _scaled(clues: Clues, node: KerasNode) -> Iterator[Suspicion]:
    """A factor of the share that Caffe's dropout keeps, before the layer or behind it."""
    same = canonical_tops(clues.network)
    ends = {same[top] for layer in clues.pair.caffe for top in layer.tops}
    for layer in clues.network.layers:
        if layer.type != "Dropout":
            continue
        keep = 1.0 - float(layer.parameters.dropout_param.dropout_ratio)
        read = [same[layer.tops[0]] == bottom for bottom in clues.pair.bottoms]
        behind = same[layer.tops[0]] in ends
        if not 0 < keep < 1 or not (any(read) or behind):
            continue
        for factor, said in ((keep, f"by {keep:g}"), (1 / keep, f"by 1 / {keep:g}")):
            yield Suspicion(
                "dropout.scale",
                f"Keras multiplies {said}, the share that {layer.name} keeps in training, Caffe not at inference",
                f"{layer.name}: dropout_ratio {1 - keep:g} in the prototxt; Keras' numbers say so",
                f"no product {said}",
                node.name,
                mistake=_behind(factor) if behind else _before(factor, read),
            )


def _before(factor: float, read: list[bool]) -> Mistake:
    def change(bottoms: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        return [one.astype(np.float64) * factor if ours else one for one, ours in zip(bottoms, read, strict=True)]

    return in_bottoms(change)


def _behind(factor: float) -> Mistake:
    def step(exact: Exact, sites: Index) -> Exact:
        return replace(exact, value=exact.value * factor, scale=exact.scale * factor, terms=exact.terms + 1)

    return in_result(step)
