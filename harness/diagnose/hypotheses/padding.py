"""What is put around a picture before windows slide over it: how much, on which side, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.keras_windows import (
    KerasWindow,
    added,
    borders_of,
    caffe_borders,
    caffe_window,
    read_keras_window,
    text_of,
    times,
)
from harness.diagnose.setting import Mistake, in_bottoms
from harness.diagnose.windows import Borders, framed, same_borders, size_behind, with_borders
from harness.layers.pools import MAX, pooled_size
from harness.layers.window import Window, square

MODES = ("reflect", "edge", "symmetric", "wrap")
"""Modes of `numpy.pad`; "edge" is TensorFlow's and Keras' name as well, where they have it."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the borders that the Keras layers make against Caffe's pad; then try the ones that people make by mistake."""
    window = caffe_window(clues)
    if window is None:
        yield from _out_of_place(clues)
        return
    theirs = read_keras_window(clues, window)
    if theirs is not None:
        yield from _stated(clues, window, theirs)
    elif clues.trial is not None and not (clues.main is not None and "floor" in clues.main.config):
        yield from _tried(clues.as_tried, window)


def padding_is_right(clues: Clues, window: Window, theirs: KerasWindow) -> bool:
    """True if the windows would lie as Caffe's, were they of the same kernel, stride and dilation."""
    sizes = clues.bottoms[0][2:]
    return _lies(sizes, window, added(theirs.before, theirs.own(sizes, window))) == _lies(
        sizes, window, caffe_borders(clues, window)
    )


def _stated(clues: Clues, window: Window, theirs: KerasWindow) -> Iterator[Suspicion]:
    sizes, layer, pooling = clues.bottoms[0][2:], clues.pair.layer, clues.pair.layer.type == "Pooling"
    ours, actual = caffe_borders(clues, window), added(theirs.before, theirs.own(sizes))
    said = f"{layer.name} reads {times(clues.bottoms[0][1:])}: pad {times(window.pad)} in the prototxt, "
    said += f"padding={theirs.padding!r}"
    said += f" behind a {theirs.padder.class_name} of {text_of(theirs.before)}" if theirs.padder else " in Keras"
    mistake = with_borders(theirs.before, theirs.own(sizes), mode=_mode(theirs))
    place = theirs.padder or theirs.node
    if not padding_is_right(clues, window, theirs):
        code = _code(clues, window, actual)
        if theirs.padding == "same" and code == "padding.amount":
            code = "padding.same"
        yield Suspicion(
            code,
            _summary(clues, code, actual, ours),
            said,
            _fix(clues, window, theirs),
            place.name,
            stated=True,
            mistake=mistake,
        )
    elif _lies(sizes, window, actual) == _lies(sizes, window, ours) and _holds_other(clues, window, theirs):
        held = "zeros" if theirs.value == "constant" else f"numbers of the picture (mode={theirs.value!r})"
        nothing = "nothing: the largest is looked for inside the picture" if pooling else "zeros"
        yield Suspicion(
            "padding.value",
            f"Keras pads with {held}, Caffe with {nothing}",
            said,
            _fix(clues, window, theirs),
            place.name,
            stated=True,
            mistake=mistake,
        )


def _holds_other(clues: Clues, window: Window, theirs: KerasWindow) -> bool:
    """True if what lies around the picture is not what Caffe has there."""
    if not any(any(border) for border in theirs.before):
        return False
    spec = clues.pair.layer.parameters.pooling_param
    return theirs.value != "constant" or (clues.pair.layer.type == "Pooling" and spec.pool == MAX)


def _tried(clues: Clues, window: Window) -> Iterator[Suspicion]:
    """What the configuration does not say, the numbers may."""
    layer, sizes = clues.pair.layer, clues.bottoms[0][2:]
    pooling = layer.type == "Pooling"
    largest = pooling and layer.parameters.pooling_param.pool == MAX
    ours = caffe_borders(clues, window)
    out = _candidate_size(clues, len(sizes))
    if out is None:
        return
    nothing: Borders = ((0, 0),) * len(sizes)
    evidence = f"{layer.name}: pad {times(window.pad)} in the prototxt"
    fix = _plain_fix(clues, window)
    if size_behind(sizes, window, ours) == out and any(window.pad):
        if largest:
            yield Suspicion(
                "padding.value",
                "Keras takes zeros around the picture for a part of it; Caffe looks for the largest inside",
                f"{evidence}; with zeros around its bottom its definition gives what Keras gives",
                "pad with −inf, or with what no number is smaller than",
                clues.place,
                mistake=with_borders(ours, value=0.0),
            )
        for mode in () if pooling else MODES:
            yield Suspicion(
                "padding.value",
                f'Keras pads by "{mode}", Caffe with zeros',
                f"{evidence}; with borders by {mode} its definition gives what Keras gives",
                f"{fix}, with zeros",
                clues.place,
                mistake=with_borders(ours, mode=mode),
            )
    for borders in _guesses(clues.bottoms[0][2:], window, ours, out):
        code = _code(clues, window, borders)
        if borders == same_borders(sizes, window) and borders != nothing and code == "padding.amount":
            code = "padding.same"
        for inside in (True, False) if pooling and borders != nothing else (False,):
            yield Suspicion(
                code,
                _summary(clues, code, borders, ours) + ("" if not pooling or inside else ", with zeros that count"),
                f"{evidence}; with {text_of(borders)} around its bottom its definition gives what Keras gives",
                fix,
                clues.place,
                mistake=with_borders(nothing, borders) if inside else with_borders(borders),
            )


def _guesses(sizes: Sequence[int], window: Window, ours: Borders, out: Sequence[int]) -> Iterator[Borders]:
    """Borders that give the size that Keras gives: the same kind on each axis, then another on one axis only."""
    axes = range(len(sizes))
    kinds = [list(_kinds(window, axis, sizes, ours, out)) for axis in axes]
    fits = [
        [one if one is not None and _fits(window, axis, sizes, one, out) else None for one in kinds[axis]]
        for axis in axes
    ]
    found: list[Borders] = []
    for kind in zip(*fits, strict=True):
        found.append(tuple(one for one in kind if one is not None))
    for axis in axes:
        rest = [ours[other] for other in axes]
        if all(_fits(window, other, sizes, rest[other], out) for other in axes if other != axis):
            found += [tuple(one if other == axis else rest[other] for other in axes) for one in fits[axis] if one]
    lies = {_lies(sizes, window, ours)}
    for borders in found:
        if len(borders) == len(sizes) and _lies(sizes, window, borders) not in lies:
            lies.add(_lies(sizes, window, borders))
            yield borders


def _kinds(
    window: Window, axis: int, sizes: Sequence[int], ours: Borders, out: Sequence[int]
) -> Iterator[tuple[int, int] | None]:
    """What is put before and behind, as people do it; the same number of them for each axis."""
    pad, extent, stride = window.pad[axis], window.extent[axis], window.stride[axis]
    before, behind = same_borders(sizes, window)[axis]
    need = max(0, (out[axis] - 1) * stride + extent - sizes[axis])
    yield 0, 0
    yield before, behind
    yield behind, before
    yield pad, pad
    yield need // 2, need - need // 2
    yield (need + 1) // 2, (need + 1) // 2
    yield need - need // 2, need // 2
    yield pad, max(0, need - pad)
    yield max(0, need - pad), pad
    yield 0, need
    yield need, 0
    yield pad + 1, max(0, need - pad - 1)
    yield (pad - 1, max(0, need - pad + 1)) if pad else None
    yield extent // 2, extent // 2
    yield ours[axis]


def _fits(window: Window, axis: int, sizes: Sequence[int], borders: tuple[int, int], out: Sequence[int]) -> bool:
    inner = sizes[axis] + sum(borders) - window.extent[axis]
    return inner >= 0 and inner // window.stride[axis] + 1 == out[axis]


def _candidate_size(clues: Clues, axes: int) -> tuple[int, ...] | None:
    """The size of what Keras gives; None where it gives no picture."""
    candidate = clues.trial.candidate if clues.trial is not None else None
    return None if candidate is None or candidate.ndim != axes + 2 else candidate.shape[2:]


def _lies(sizes: Sequence[int], window: Window, borders: Borders) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the first window begins, and how many there are: of what is behind the last one nothing is seen."""
    return tuple(before for before, _ in borders), size_behind(sizes, window, borders)


def _code(clues: Clues, window: Window, theirs: Borders) -> str:
    """A pool whose windows begin where Caffe's do, and are as many as with the other way to round, rounds the other way."""
    layer, sizes = clues.pair.layer, clues.bottoms[0][2:]
    if layer.type == "Pooling" and tuple(before for before, _ in theirs) == window.pad:
        floor = bool(layer.parameters.pooling_param.round_mode)
        down, up = (pooled_size(window, clues.bottoms[0], floor=one) for one in (True, False))
        if size_behind(sizes, window, theirs) == (up if floor else down) and up != down:
            return "pooling.rounding"
    return "padding.amount"


def _summary(clues: Clues, code: str, theirs: Borders, ours: Borders) -> str:
    if code != "pooling.rounding":
        return f"Keras pads {text_of(theirs)}; Caffe pads {text_of(ours)}"
    if clues.pair.layer.parameters.pooling_param.round_mode:
        return "Keras rounds the size up where Caffe rounds it down, as round_mode says"
    return "Keras rounds the size down where Caffe rounds it up: the last window hangs over the edge"


def _mode(theirs: KerasWindow) -> str:
    return theirs.value if theirs.value in MODES else "constant"


def _plain_fix(clues: Clues, window: Window) -> str:
    """The padding as Keras' layers write it."""
    axes = len(window.kernel)
    if clues.pair.layer.type == "Pooling":
        return _pool_fix(clues, window)
    return f"ZeroPadding{axes}D({square(window.pad)}) before it" if any(window.pad) else 'padding="valid"'


def _fix(clues: Clues, window: Window, theirs: KerasWindow) -> str:
    axes, pad = len(window.kernel), any(window.pad)
    if clues.pair.layer.type == "Pooling":
        fix = _pool_fix(clues, window)
        return f"no {theirs.padder.class_name} before it, {fix}" if theirs.padder is not None else fix
    if theirs.padder is not None:
        call = f"ZeroPadding{axes}D({square(window.pad)})" if pad else f"no {theirs.padder.class_name}"
        return f"{call} before it" + (', padding="valid"' if theirs.padding != "valid" else "")
    if pad and max(window.stride) == 1 and all(2 * p == e - 1 for p, e in zip(window.pad, window.extent, strict=True)):
        return 'padding="same"'
    if pad:
        return f'ZeroPadding{axes}D({square(window.pad)}) before it, padding="valid"'
    return f'padding="{theirs.padding}" → padding="valid"'


def _pool_fix(clues: Clues, window: Window) -> str:
    """A pool of Keras' own where one lays its windows and counts as Caffe does, else the harness' pool."""
    sizes, spec, ours = clues.bottoms[0][2:], clues.pair.layer.parameters.pooling_param, caffe_borders(clues, window)
    nothing: Borders = ((0, 0),) * len(sizes)
    if _lies(sizes, window, nothing) == _lies(sizes, window, ours):
        return 'padding="valid"'
    same = _lies(sizes, window, same_borders(sizes, window)) == _lies(sizes, window, ours)
    if same and (spec.pool == MAX or not any(window.pad)):
        return 'padding="same"'
    kind = "Max" if spec.pool == MAX else "Average"
    values = f"{square(window.kernel)}, strides={square(window.stride)}, padding={square(window.pad)}"
    return f"harness.keras_layers.{kind}Pooling({values}{', floor=True' if spec.round_mode else ''})"


def _out_of_place(clues: Clues) -> Iterator[Suspicion]:
    """A padding layer in front of a layer that has no window: it belongs to a neighbour."""
    axes = len(clues.bottoms[0]) - 2 if clues.bottoms else 0
    if clues.pair.layer.type in ("Deconvolution", "Crop", "Interp") or axes < 1:
        return
    for node in clues.nodes:
        borders = borders_of(node, axes)
        if borders is not None and any(any(border) for border in borders) and node is not clues.main:
            yield Suspicion(
                "padding.amount",
                f"Keras pads {text_of(borders)} in front of {clues.place}, Caffe nothing",
                f"{clues.pair.layer.name} is a {clues.pair.layer.type}, which has no pad in the prototxt; "
                f"{node.name} is a {node.class_name}",
                f"no {node.class_name} there: put it right before the layer that pads in Caffe",
                node.name,
                stated=True,
                mistake=_in_front(borders),
            )


def _in_front(borders: Borders) -> Mistake:
    return in_bottoms(lambda bottoms: [framed(bottoms[0], borders), *bottoms[1:]])
