"""Another operation than Caffe's between several bottoms, or other coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import EXACT, differ, is_opaque, rounded
from harness.diagnose.setting import Mistake, all_of, in_bottoms, in_parameters
from harness.layers.eltwise import MAX, PROD, SUM

_NAMES = {PROD: "PROD", SUM: "SUM", MAX: "MAX"}

_CLASSES = {PROD: "Multiply", SUM: "Add", MAX: "Maximum"}


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the class of a merging layer, or what it gives, against Caffe's operation and coefficients."""
    main, layer = clues.main, clues.pair.layer
    if main is None or layer.type != "Eltwise":
        return
    theirs = _of_class(main.class_name, len(layer.bottoms))
    if theirs is not None:
        said = list(_stated(clues, main, *theirs))
        yield from said
        if not said and clues.trial is not None:
            yield from _fitted(clues, main)  # as where a difference is taken the other way round
    elif clues.trial is not None and is_opaque(main):
        yield from _tried(clues, main)


def _stated(
    clues: Clues, main: KerasNode, operation: str, mistake: Mistake, coefficients: list[float]
) -> Iterator[Suspicion]:
    ours, own = _NAMES[int(clues.pair.layer.parameters.eltwise_param.operation)], _coefficients(clues)
    if ours == "SUM" and coefficients and any(differ(c, 1.0) for c in own):
        if any(differ(c, t) for c, t in zip(own, coefficients, strict=True)):
            yield _of_coefficients(clues, main, coefficients, f"{main.class_name} in {main.name}", stated=True)
        return
    if operation != ours:
        yield _of_operation(clues, main, main.class_name, mistake, f"{main.name} is {main.class_name}", stated=True)


def _tried(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    ours = int(clues.pair.layer.parameters.eltwise_param.operation)
    own = _coefficients(clues)
    yield from _fitted(clues, main)
    if ours == SUM and any(differ(c, 1.0) for c in own):
        ones = [1.0] * len(own)
        yield _of_coefficients(clues, main, ones, f"what {main.name} gives fits a plain sum", stated=False)
    for operation in (SUM, PROD, MAX):
        if operation != ours:
            name = _CLASSES[operation]
            said = f"what {main.name} gives fits {name}"
            yield _of_operation(clues, main, name, _by(operation), said, stated=False)
    if ours != SUM or not any(differ(c, 1.0) for c in own):
        for name in ("Average", "Subtract", "Minimum"):
            of_class = _of_class(name, len(own))
            if of_class is not None:
                yield _of_operation(clues, main, name, of_class[1], f"what {main.name} gives fits {name}", stated=False)


def _fitted(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    """A sum with other coefficients, worked out from what Keras gives."""
    ours, own = int(clues.pair.layer.parameters.eltwise_param.operation), _coefficients(clues)
    found = _by_least_squares(clues)
    if found is None or (ours == SUM and not any(differ(c, f) for c, f in zip(own, found, strict=True))):
        return
    text = "what Keras gives is the sum with coefficients " + _text(found)
    if ours == SUM:
        yield _of_coefficients(clues, main, found, text, stated=False)
    else:
        yield _of_operation(clues, main, "a sum", _summed(found), text, stated=False)


def _of_operation(
    clues: Clues, main: KerasNode, theirs: str, mistake: Mistake, said: str, *, stated: bool
) -> Suspicion:
    ours = int(clues.pair.layer.parameters.eltwise_param.operation)
    return Suspicion(
        "eltwise.operation",
        f"Keras takes {theirs}, Caffe {_NAMES[ours]}",
        f"{clues.pair.layer.name}: operation: {_NAMES[ours]} in the prototxt; {said}",
        f"{_CLASSES[ours]}()",
        main.name,
        stated=stated,
        mistake=mistake,
    )


def _of_coefficients(clues: Clues, main: KerasNode, theirs: Sequence[float], said: str, *, stated: bool) -> Suspicion:
    own = _coefficients(clues)
    written = " + ".join(f"{c:g} * x{index}" for index, c in enumerate(own, start=1))
    return Suspicion(
        "eltwise.coefficient",
        f"Keras sums with coefficients {_text(theirs)}, Caffe with {_text(own)}",
        f"{clues.pair.layer.name}: coeff {_text(own)} in the prototxt; {said}",
        written.replace("+ -", "- "),
        main.name,
        stated=stated,
        mistake=_summed(theirs),
    )


def _of_class(class_name: str, count: int) -> tuple[str, Mistake, list[float]] | None:
    """What a Keras class computes, as an operation, as a mistake, and as coefficients of a sum; None for others."""
    ones = [1.0] * count
    if class_name == "Add":
        return "SUM", _summed(ones), ones
    if class_name == "Average":
        shares = [1.0 / count] * count
        return "mean", _summed(shares), shares
    if class_name == "Subtract" and count == 2:
        return "difference", _summed([1.0, -1.0]), [1.0, -1.0]
    if class_name == "Multiply":
        return "PROD", _by(PROD), []
    if class_name == "Maximum":
        return "MAX", _by(MAX), []
    if class_name == "Minimum":
        return "smallest", _smallest, []
    return None


def _by(operation: int) -> Mistake:
    return in_parameters("eltwise_param", operation=operation, coeff=None)


def _summed(coefficients: Sequence[float]) -> Mistake:
    return in_parameters("eltwise_param", operation=SUM, coeff=list(coefficients))


def _smallest_of(bottoms: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    return [np.minimum.reduce(bottoms)] * len(bottoms)


_smallest = all_of(in_bottoms(_smallest_of), _by(MAX))
"""The largest of what is the smallest everywhere."""


def _coefficients(clues: Clues) -> list[float]:
    layer = clues.pair.layer
    return [float(one) for one in layer.parameters.eltwise_param.coeff] or [1.0] * len(layer.bottoms)


def _by_least_squares(clues: Clues) -> list[float] | None:
    """Coefficients with which the bottoms' sum is what Keras gives; None if there are none."""
    trial = clues.trial
    assert trial is not None
    candidate, bottoms = trial.candidate, trial.setting.bottoms
    if candidate is None or any(one.shape != candidate.shape for one in bottoms):
        return None
    columns = np.stack([one.reshape(-1).astype(np.float64) for one in bottoms], axis=1)
    given = candidate.reshape(-1).astype(np.float64)
    if not np.isfinite(given).all() or not np.isfinite(columns).all():
        return None
    found, *_ = np.linalg.lstsq(columns, given, rcond=None)
    left = np.abs(columns @ found - given).max(initial=0.0)
    if left > 1e-5 * np.abs(given).max(initial=0.0):
        return None
    return [rounded(float(one), EXACT) for one in found]


def _text(coefficients: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in coefficients)
