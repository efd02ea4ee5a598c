"""Another activation than Caffe's, one too many, one too few, or with another slope."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from harness.data import KerasNode, Layer
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.functions import LINEAR, Function, applied, caffe_function, function, in_place_of, keras_function
from harness.diagnose.reading import is_opaque, rounded
from harness.diagnose.setting import Mistake, in_bottoms, in_result, without
from harness.diagnose.trial import Trial
from harness.layers.base import from_rows, rows_of
from harness.layout import channels_first, last_shape

_TRIED = tuple(
    one
    for one in (
        LINEAR,
        function("relu"),
        *(function("leaky_relu", negative_slope=slope) for slope in (0.01, 0.1, 0.2, 0.3)),
        function("relu6"),
        function("elu"),
        function("sigmoid"),
        function("tanh"),
        function("gelu"),
        function("gelu", approximate=True),
        function("silu"),
        function("softplus"),
        function("hard_sigmoid"),
        function("mish"),
        function("selu"),
    )
    if one is not None
)
"""What is tried where no configuration says what Keras applies."""

_ENDS = {"relu": (0.0, np.inf), "relu6": (0.0, 6.0), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "elu": (-1.0, np.inf)}
"""What is tried where Caffe has nothing: functions that keep to a range, where Keras' numbers do and Caffe's do not."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold what the Keras layers apply against Caffe's activation."""
    main = clues.main
    if main is None or any(_is_of_another_kind(layer) for layer in clues.pair.caffe):
        return
    layer = next((one for one in clues.pair.caffe if caffe_function(one) is not None), None)
    ours = caffe_function(layer) if layer is not None else LINEAR
    assert ours is not None
    theirs = keras_function(main)
    if theirs is not None and not _same(theirs, ours):
        yield _suspicion(clues, main, layer, ours, theirs, in_place_of(layer, theirs), stated=True)
    yield from _added_by_others(clues, main)
    unread = is_opaque(main) or layer is not None or not main.config or "activation" in main.config
    if theirs is None and clues.trial is not None and unread:
        for one in (*_slopes(clues, layer), *(_TRIED if layer is not None else _within_range(clues))):
            if not _same(one, ours):
                yield _suspicion(clues, main, layer, ours, one, in_place_of(layer, one), stated=False)


def _is_of_another_kind(layer: Layer) -> bool:
    """True for activations with families of their own: learned slopes, and a softmax along another axis."""
    return layer.type == "PReLU" or (layer.type == "Softmax" and caffe_function(layer) is None)


def _same(one: Function, other: Function) -> bool:
    return str(one) == str(other)


def _suspicion(
    clues: Clues,
    node: KerasNode,
    layer: Layer | None,
    ours: Function,
    theirs: Function,
    mistake: Mistake,
    *,
    stated: bool,
) -> Suspicion:
    alone = layer is not None and layer is clues.pair.layer
    place = clues.pair.layer.name
    if layer is None:
        said = f'Keras applies "{theirs}", Caffe nothing'
        evidence = f"no layer of the prototxt follows {place} that {theirs} could stand for"
        fix = f'no activation="{theirs.name}"' if not theirs.arguments else f"no {theirs.layer} behind it"
    else:
        same = ours.name == theirs.name or {ours.name, theirs.name} <= {"relu", "leaky_relu"}
        said = f'Keras applies "{theirs}", Caffe {f"{ours}" if same else layer.type}'
        if theirs.name == "linear":
            said = f"Keras leaves out {layer.type}"
        evidence = f"{layer.name} is a {layer.type} in the prototxt" + (f", {ours}" if ours.arguments else "")
        evidence += f"; {node.name} is {_shown(node, theirs)}" if stated else ""
        fix = ours.layer if alone else ours.argument
    if not stated:
        evidence += f"; what {node.name} gives was held against {theirs}"
    return Suspicion(_code(layer, ours, theirs), said, evidence, fix, node.name, stated=stated, mistake=mistake)


def _code(layer: Layer | None, ours: Function, theirs: Function) -> str:
    if layer is None:
        return "activation.extra"
    if theirs.name == "linear":
        return "activation.missing"
    leaky = ours.name == "leaky_relu" and (theirs.name == "leaky_relu" or theirs == function("relu"))
    return "activation.slope" if leaky or ours.name == theirs.name == "elu" else "activation.kind"


def _shown(node: KerasNode, theirs: Function) -> str:
    """A Keras layer with what it applies, as its configuration has it."""
    if "activation" in node.config:
        return f"{node.class_name} with {theirs.argument}"
    return f"{node.class_name}, {theirs}"


def _added_by_others(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    """Activations that are layers of their own in the segment, before the main layer or behind it."""
    behind = False
    for node in clues.nodes:
        behind = behind or node is main
        theirs = keras_function(node) if node is not main else None
        if theirs is None or theirs.name == "linear":
            continue
        yield Suspicion(
            "activation.extra",
            f"Keras applies {node.name}, {theirs}, which Caffe does not have",
            f"no layer of the prototxt stands {'behind' if behind else 'before'} {clues.pair.layer.name} that "
            f"{node.name} ({node.class_name}) could be",
            f"no {node.name}",
            node.name,
            stated=True,
            mistake=in_result(applied(theirs)) if behind else in_bottoms(_of_bottoms(theirs)),
        )


def _of_bottoms(theirs: Function) -> Callable[[tuple[np.ndarray, ...]], list[np.ndarray]]:
    """A function of N, C, H, W bottoms, for a segment that reads them through an activation."""

    def change(bottoms: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        return [from_rows(theirs(rows_of(one)), one.shape) for one in bottoms]

    return change


def _within_range(clues: Clues) -> Iterator[Function]:
    trial = clues.trial
    assert trial is not None
    candidate, reference = trial.candidate, trial.reference
    if candidate is None or reference is None:
        return
    for name, (low, high) in _ENDS.items():
        inside = [bool(((one >= low) & (one <= high)).all()) for one in (candidate, reference)]
        if inside == [True, False]:
            yield Function(name)


def _slopes(clues: Clues, layer: Layer | None) -> Iterator[Function]:
    """The leaky slope, or an ELU's alpha, that the lowest number before the activation suggests."""
    trial = clues.trial
    assert trial is not None
    candidate, x = trial.candidate, _before(trial, layer)
    if candidate is None or x is None or x.shape != candidate.shape or not (x < 0).any():
        return
    lowest = np.unravel_index(np.argmin(x), x.shape)
    depth, given = float(x[lowest]), float(candidate[lowest])
    slope, alpha = rounded(given / depth), rounded(given / float(np.expm1(depth)))
    above = x > 0
    same = bool(np.allclose(candidate[above], x[above], rtol=1e-3))
    if slope not in (0, 1) and (same or layer is not None):
        yield Function("leaky_relu", (("negative_slope", slope),))
    if layer is not None and alpha not in (0, 1):
        yield Function("elu", (("alpha", alpha),))


def _before(trial: Trial, layer: Layer | None) -> np.ndarray | None:
    """What Caffe's activation reads, or what there is without one, N, C, H, W."""
    if layer is None:
        return trial.reference
    if layer is trial.pair.layer:
        return trial.setting.bottoms[0]
    setting = without(layer.name)(trial.setting)
    return channels_first(setting.define(setting.sites()).value.reshape(last_shape(setting.shape)))
