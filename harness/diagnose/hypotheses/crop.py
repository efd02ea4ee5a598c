"""Which piece is cut out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.keras_windows import borders_of, times
from harness.diagnose.placing import placed
from harness.diagnose.setting import Mistake, Setting, with_result
from harness.layers.window import spatial


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold where Keras' piece begins against Caffe's offsets; where it is not stated, find it in the bottom."""
    layer = clues.pair.layer
    if layer.type != "Crop" or len(clues.bottoms) < 2 or not 3 <= len(clues.bottoms[0]) <= 5:
        return
    spec = layer.parameters.crop_param
    first, axes = int(spec.axis) % len(clues.bottoms[0]), len(clues.bottoms[0]) - 2
    if first < 1:
        return
    given = [int(one) for one in spec.offset] or [0]
    each = given * (axes + 2 - first) if len(given) == 1 else given
    ours = tuple(each[axis - first] if axis >= first else 0 for axis in range(2, axes + 2))
    sizes = clues.bottoms[0][2:]
    size = tuple(clues.bottoms[1][axis] if axis >= first else sizes[axis - 2] for axis in range(2, axes + 2))
    cuts = [borders_of(node, axes) for node in clues.nodes]
    if all(cut is not None for cut in cuts):
        known = [cut for cut in cuts if cut is not None]
        begin = tuple(-sum(cut[axis][0] for cut in known) for axis in range(axes))
        theirs = tuple(sizes[axis] + sum(sum(cut[axis]) for cut in known) for axis in range(axes))
        yield from _piece(clues, ours, size, begin, theirs, stated=True)
        return
    made = clues.trial.candidate if clues.trial is not None else None
    if made is None or clues.trial is None:
        return
    found = placed(made, clues.trial.setting.bottoms[0].astype(np.float64))
    if found is not None:
        yield from _piece(clues, ours, size, found, made.shape[2:], stated=False)


def _piece(
    clues: Clues, ours: Sequence[int], size: Sequence[int], begin: Sequence[int], theirs: Sequence[int], *, stated: bool
) -> Iterator[Suspicion]:
    if (tuple(ours), tuple(size)) == (tuple(begin), tuple(theirs)) or min(theirs) < 1 or min(begin) < 0:
        return
    whole = clues.bottoms[0][2:]
    centred = all(start == (full - count) // 2 for start, full, count in zip(begin, whole, theirs, strict=True))
    where = "in the middle" if centred and tuple(begin) != tuple(ours) else f"from {_text(begin)} on"
    sized = "" if tuple(size) == tuple(theirs) else f" {times(theirs)}"
    cut = tuple((start, full - start - count) for start, full, count in zip(ours, whole, size, strict=True))
    layer = clues.pair.layer
    yield Suspicion(
        "crop.offset",
        f"Keras cuts{sized} out {where}, Caffe from offset {_text(ours)} on",
        f"{layer.name}: offset {_text(ours)} in the prototxt, {times(size)} of {times(whole)}; Keras' piece begins at "
        f"{_text(begin)} and is {times(theirs)}",
        f"Cropping{len(whole)}D({cut if len(whole) > 1 else cut[0]})",
        clues.place,
        stated=stated,
        mistake=_cut_out(begin, theirs),
    )


def _cut_out(begin: Sequence[int], size: Sequence[int]) -> Mistake:
    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        kept = tuple(slice(start, start + count) for start, count in zip(begin, size, strict=True))
        value = setting.bottoms[0][spatial(kept)]
        return value, np.zeros(value.shape)

    return with_result(compute)


def _text(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
