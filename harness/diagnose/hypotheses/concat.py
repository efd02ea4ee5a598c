"""Bottoms joined in another order, one of them twice perhaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import in_bottoms
from harness.layers.concat import concat_axis


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """What the Keras layer is given, in which order; else whose numbers follow each other in what it gives."""
    layer, bottoms = clues.pair.layer, clues.pair.bottoms
    if layer.type != "Concat" or len(bottoms) < 2:
        return
    order = _given(clues)
    stated = order is not None
    order = order if stated else _seen(clues)
    if order is None or order == list(range(len(bottoms))):
        return
    theirs = ", ".join(bottoms[place].blob for place in order)
    ours = ", ".join(top.blob for top in bottoms)
    chosen = tuple(order)
    yield Suspicion(
        "concat.order",
        f"Keras joins {theirs}, Caffe {ours}",
        f"{layer.name}: bottoms {ours} in the prototxt; {clues.place} {'reads' if stated else 'gives'} {theirs}",
        f"join {ours} in this order",
        clues.place,
        stated=stated,
        mistake=in_bottoms(lambda arrays: [arrays[place] for place in chosen]),
    )


def _given(clues: Clues) -> list[int] | None:
    """Which bottom each of the Keras layer's inputs holds; None where one of them is none of the bottoms."""
    main = clues.main
    if main is None or main.class_name != "Concatenate":
        return None
    tops = {cut.tensor: cut.top for cut in clues.pair.inputs}
    read = [tops.get(tensor) for tensor in main.inputs]
    known = list(clues.pair.bottoms)
    return [known.index(top) for top in read if top is not None] if all(top in known for top in read) else None


def _seen(clues: Clues) -> list[int] | None:
    """Whose numbers stand one after the other along the axis of what Keras gives; None if not all are a bottom's."""
    trial = clues.trial
    if trial is None or trial.candidate is None:
        return None
    bottoms = trial.setting.bottoms
    axis = concat_axis(clues.pair.layer, bottoms[0].ndim)
    joined = np.moveaxis(trial.candidate, axis, 0)
    return _blocks(joined, [np.moveaxis(bottom, axis, 0) for bottom in bottoms])


def _blocks(joined: np.ndarray, bottoms: Sequence[np.ndarray]) -> list[int] | None:
    order: list[int] = []
    start = 0
    while start < len(joined):
        left = sorted(range(len(bottoms)), key=order.count)  # those that stand nowhere yet, first
        found = (at for at in left if np.array_equal(joined[start : start + len(bottoms[at])], bottoms[at]))
        place = next(found, None)
        if place is None:
            return None
        order.append(place)
        start += len(bottoms[place])
    return order
