"""A softmax over another axis or several of them, or over numbers that a reshape has mixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from harness.data import KerasNode, Layer
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import is_opaque
from harness.diagnose.setting import (
    Mistake,
    Setting,
    all_of,
    fused_behind,
    in_bottoms,
    in_parameters,
    in_result,
    with_fields,
    with_result,
)
from harness.layers.base import Exact, Index, from_rows, rows_of
from harness.layers.softmax import Softmax

_AXES = ("N", "C", "H", "W")

Axes = tuple[int, ...]
"""Of Caffe's, in ascending order, over whose numbers together a softmax runs."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the axis of a softmax against Caffe's, and try what a reshape before it may have mixed."""
    main = clues.main
    layer = next((one for one in clues.pair.caffe if one.type == "Softmax"), None)
    if main is None or layer is None:
        return
    rank = len(clues.bottoms[0])
    ours = int(layer.parameters.softmax_param.axis) % rank
    theirs = _axes(clues, main, rank)
    own = layer is clues.pair.layer
    if theirs is not None and theirs != (ours,) and (own or len(theirs) == 1):
        yield _other_axes(clues, main, layer, ours, theirs, stated=True)
    if clues.trial is None or rank != 4 or not own:
        return
    if theirs is None:
        for axes in ((3,), (2,), (1,), (2, 3), (1, 2, 3), (1, 3), (1, 2)):
            if axes != (ours,):
                yield _other_axes(clues, main, layer, ours, axes, stated=False)
    if ours == 1 and any(
        node.class_name in ("Reshape", "Flatten", "Permute") or is_opaque(node) for node in clues.nodes
    ):
        yield from _mixed(clues, main, layer)


def _axes(clues: Clues, main: KerasNode, rank: int) -> Axes | None:
    """The Caffe axes that the Keras layer runs along; None where its tensor has other axes, or it does not say."""
    axes = main.config.get("axis") if main.class_name == "Softmax" else None
    if main.class_name == "Activation" or "activation" in main.config:
        axes = -1
    several = [axes] if isinstance(axes, int) else axes
    if not isinstance(several, Sequence) or not all(isinstance(axis, int) for axis in several):
        return None
    if not main.output_shapes or len(main.output_shapes[0]) != rank or not clues.held:
        return None
    order = clues.held[0].order
    return tuple(sorted(order[axis % rank] for axis in several)) if len(order) == rank else None


def _other_axes(clues: Clues, main: KerasNode, layer: Layer, ours: int, theirs: Axes, *, stated: bool) -> Suspicion:
    axis = clues.held[0].axis(ours) if len(clues.held[0].order) == len(clues.bottoms[0]) else -1
    shown = (
        f"{main.name} runs along {_named_as(main.config.get('axis', -1))} of its own"
        if stated
        else "so Keras' numbers say"
    )
    last = axis == len(clues.bottoms[0]) - 1
    along = f"axis {theirs[0]} ({_named(theirs[0])})"
    if len(theirs) > 1:
        along = f"axes {', '.join(f'{one} ({_named(one)})' for one in theirs)} together"
    return Suspicion(
        "softmax.axis",
        f"Keras' softmax runs along Caffe's {along}, Caffe's along axis {ours} ({_named(ours)})",
        f"{layer.name}: axis {ours} in the prototxt; {shown}",
        f"axis={-1 if last else axis}",
        main.name,
        stated=stated,
        mistake=_along(layer, theirs[0]) if len(theirs) == 1 else _over(theirs),
    )


def _named_as(axes: int | Sequence[int]) -> str:
    """As a Keras layer's configuration has it."""
    return f"axis {axes}" if isinstance(axes, int) else f"axes {', '.join(map(str, axes))}"


def _named(axis: int) -> str:
    return _AXES[axis] if axis < len(_AXES) else str(axis)


def _along(layer: Layer, axis: int) -> Mistake:
    changed = with_fields(layer, "softmax_param", axis=axis)

    def make(setting: Setting) -> Setting:
        if setting.layer.name == layer.name:
            return in_parameters("softmax_param", axis=axis)(setting)
        return fused_behind(changed, instead_of=layer.name)(setting)

    return make


def _over(axes: Axes) -> Mistake:
    """All numbers of several axes together, as Caffe's definition has it of one that holds them all."""

    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        x = np.moveaxis(setting.bottoms[0].astype(np.float64), axes, range(-len(axes), 0))
        flat = x.reshape(*x.shape[: -len(axes)], math.prod(x.shape[-len(axes) :]))
        layer = with_fields(setting.layer, "softmax_param", axis=flat.ndim - 1)
        tops = Softmax().compute(layer, (), [flat])
        scales = Softmax().scale(layer, (), [flat], tops)
        value, scale = (np.moveaxis(one.reshape(x.shape), range(-len(axes), 0), axes) for one in (tops[0], scales[0]))
        return value, scale

    return with_result(compute)


_Turn = Callable[[np.ndarray], np.ndarray]


def _mixed(clues: Clues, main: KerasNode, layer: Layer) -> Iterator[Suspicion]:
    """Rows, columns and channels read in another order than they lie in, for the softmax or from there on."""
    shape = clues.trial.setting.bottoms[0].shape if clues.trial is not None else clues.bottoms[0]
    count, channels, height, width = shape

    def as_if_first(x: np.ndarray) -> np.ndarray:
        return np.moveaxis(x, 1, -1).reshape(shape)

    def as_if_last(x: np.ndarray) -> np.ndarray:
        return np.moveaxis(x.reshape(count, height, width, channels), -1, 1)

    def columns_first(x: np.ndarray) -> np.ndarray:
        y: np.ndarray = x.swapaxes(2, 3).reshape(shape)
        return y

    turns: tuple[tuple[str, _Turn, _Turn], ...] = (
        ("reads rows, columns, channels as if channels came first", as_if_first, as_if_last),
        ("reads channels, rows, columns as if channels came last", as_if_last, as_if_first),
        (
            "exchanges rows and columns",
            columns_first,
            lambda x: x.reshape(count, channels, width, height).swapaxes(2, 3),
        ),
    )
    fix = f"Reshape(({height * width}, {channels})) before it, channels last"
    for (said, turn, back), over in product(turns, (None, (2, 3))):
        for undone in (True, False):
            behind = " and puts them back after it" if undone else ""
            runs = " and runs along what it then takes for rows and columns" if over else ""
            before = all_of(in_bottoms(_first(turn)), *([_over(over)] if over else []))
            yield Suspicion(
                "softmax.reshape",
                f"the flattening before Keras' softmax {said}{behind}{runs}",
                f"{layer.name} reads {channels}×{height}×{width}; Keras: {', '.join(clues.pair.keras)}",
                fix,
                main.name,
                mistake=all_of(before, in_result(_turned(back, shape))) if undone else before,
            )


def _first(turn: _Turn) -> Callable[[tuple[np.ndarray, ...]], list[np.ndarray]]:
    return lambda bottoms: [turn(bottoms[0])]


def _turned(turn: _Turn, shape: tuple[int, ...]) -> Callable[[Exact, Index], Exact]:
    """A whole top's rows with their numbers moved."""

    def step(exact: Exact, sites: Index) -> Exact:
        value, scale = (rows_of(turn(from_rows(one, shape))) for one in (exact.value, exact.scale))
        return replace(exact, value=value, scale=scale)

    return step
