"""Fewer digits than float32 has: a layer of a mixed policy, or numbers cast inside of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import is_opaque
from harness.diagnose.setting import Mistake, Setting, all_of, in_bottoms, in_result
from harness.layers import layer_type
from harness.layers.base import Exact, Index, U


class _Type(NamedTuple):
    name: str
    unit: float  # its unit roundoff
    cast: Callable[[np.ndarray], np.ndarray]


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """What the layers are declared to compute in; else what their numbers, and their rounding, look like."""
    low = [node for node in clues.nodes if node.dtype in _TYPES]
    if low:
        yield _declared(clues, low)
    elif clues.trial is not None:
        opaque = [node for node in clues.nodes if is_opaque(node)]
        if opaque:
            yield from _cast(clues, opaque[0])


def _declared(clues: Clues, low: list[KerasNode]) -> Suspicion:
    metrics = clues.row.isolated if clues.row is not None else None
    shown = f"; the error is {metrics.max_abs:.1e}, more than float32's rounding" if metrics is not None else ""
    names = ", ".join(f"{node.name} in {node.dtype}" for node in low)
    return Suspicion(
        "precision",
        f"Keras computes it in {low[0].dtype}, Caffe in float32",
        f"{names}{shown}",
        'dtype="float32"',
        low[0].name,
        stated=True,
        edits={node.name: {"dtype": "float32"} for node in low},
        weights={main.name: _unrounded(clues, main)} if (main := clues.main) in low and main is not None else {},
    )


def _unrounded(clues: Clues, main: KerasNode) -> dict[str, np.ndarray]:
    """Caffe's numbers in the place of variables that hold the same numbers with fewer digits."""
    kept: dict[str, np.ndarray] = {}
    held = clues.variables(main.name)
    for layer in clues.pair.caffe:
        blobs = clues.weights.of(layer.name)
        ours = layer_type(layer).keras_weights(layer, blobs, clues.held, main.class_name) if blobs else {}
        for name, array in ours.items():
            kind = _TYPES.get(str(held[name].dtype)) if name in held else None
            if kind is not None and np.array_equal(kind.cast(array), held[name].astype(np.float32)):
                kept[name] = array
    return kept


def _cast(clues: Clues, node: KerasNode) -> Iterator[Suspicion]:
    """Casts that no configuration tells of: of what is read, of what is learned, of all that is computed."""
    trial = clues.trial
    assert trial is not None
    candidate, reference, before = trial.candidate, trial.reference, trial.before
    for kind in _TYPES.values():
        if before is None or before.rms > 4 * kind.unit:  # more than its rounding makes
            continue
        bottoms, blobs = _in_all_bottoms(kind), _in_all_blobs(kind)
        for said, mistake in (
            ("what it reads", bottoms),
            ("what it has learned", blobs),
            ("what it reads and what it has learned", all_of(bottoms, blobs)),
        ):
            yield _suspicion(
                clues, node, kind, f"casts {said} to", mistake, "what it gives fits that, to the last digit"
            )
        if candidate is None or reference is None or candidate.shape != reference.shape:
            continue
        if _fits(candidate, kind) and not _fits(reference, kind):
            shown = f"all that it gives are numbers of {kind.name}, which Caffe's are not"
            yield _suspicion(clues, node, kind, "computes in", in_result(_coarser(kind)), shown)


def _suspicion(clues: Clues, node: KerasNode, kind: _Type, what: str, mistake: Mistake, shown: str) -> Suspicion:
    return Suspicion(
        "precision",
        f"{node.name} {what} {kind.name}, Caffe computes in float32",
        f"{node.name} ({node.class_name}): {shown}",
        f"no cast to {kind.name}",
        node.name,
        mistake=mistake,
    )


def _fits(array: np.ndarray, kind: _Type) -> bool:
    """True if a type of fewer digits can hold all of the numbers."""
    return bool((kind.cast(array) == array).all())


def _coarser(kind: _Type) -> Callable[[Exact, Index], Exact]:
    """The definition's rows with the rounding errors of another type."""

    def step(exact: Exact, sites: Index) -> Exact:
        size = np.fmax(exact.scale, np.abs(exact.value))
        return replace(exact, scale=size * (kind.unit / U), floor=exact.floor + 2.0**-24)

    return step


def _in_all_bottoms(kind: _Type) -> Mistake:
    return in_bottoms(lambda bottoms: [kind.cast(one) for one in bottoms])


def _in_all_blobs(kind: _Type) -> Mistake:
    def make(setting: Setting) -> Setting:
        cast = {name: tuple(kind.cast(blob) for blob in blobs) for name, blobs in setting.blobs.items()}
        return replace(setting, blobs=cast)

    return make


def _float16(array: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(np.float32)


def _bfloat16(array: np.ndarray) -> np.ndarray:
    """The upper half of a float32, rounded to nearest, to even where it lies between two."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    values: np.ndarray = rounded.view(np.float32)
    return values


_TYPES = {
    "float16": _Type("float16", 2.0**-11, _float16),
    "bfloat16": _Type("bfloat16", 2.0**-8, _bfloat16),
}
