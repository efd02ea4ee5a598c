"""Other arguments than those with which a conversion would make the same Keras layer."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import differ, is_opaque
from harness.errors import HarnessError
from harness.extras import import_keras, import_keras_layers
from harness.layers import layer_type
from harness.layers.base import KerasCall

CODES: Mapping[tuple[str, str], str] = {
    ("LRN", "size"): "lrn.size",
    ("LRN", "alpha"): "lrn.alpha",
    ("LRN", "beta"): "lrn.beta",
    ("LRN", "k"): "lrn.bias",
    ("LRN", "within_channel"): "lrn.region",
    ("MVN", "axis"): "normalize.axis",
    ("MVN", "normalize_variance"): "normalize.variance",
    ("MVN", "epsilon"): "normalize.epsilon",
    ("Normalize", "axis"): "normalize.axis",
    ("Normalize", "across_spatial"): "normalize.axis",
    ("Normalize", "channel_shared"): "normalize.scale",
    ("Normalize", "epsilon"): "normalize.epsilon",
    ("WeightedSum", "coefficients"): "eltwise.coefficient",
    ("BatchStatistics", "epsilon"): "batch_norm.epsilon",
    ("BatchNormalization", "axis"): "batch_norm.axis",
    ("Scale", "axis"): "scale.axis",
    ("Concatenate", "axis"): "concat.axis",
    ("SlopedReLU", "negative_slope"): "activation.slope",
    ("Swish", "beta"): "activation.slope",
}
"""What an argument is about, where it has a code of its own and no family that knows more of it."""

OWN = frozenset({"Exp", "Log", "Clip", "Threshold", "Reduction", "ArgMax", "Tile"})
"""Layers of the harness' own whose arguments have no code: they are reported as `parameter`."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the configuration of the main Keras layer against that of the layer that Caffe's would be converted to."""
    main, layer = clues.main, clues.pair.layer
    if main is None or is_opaque(main):
        return
    try:
        calls = layer_type(layer).keras_calls(layer, clues.held)
    except HarnessError:
        return
    call = next((one for one in calls if one.main and one.class_name == main.class_name), None)
    if call is None:
        return
    rank = len(clues.bottoms[0]) if clues.bottoms else 0
    for name, ours in _arguments(call).items():
        code = CODES.get((call.class_name, name), "parameter" if call.class_name in OWN else None)
        if code is None or name not in main.config or _same(main.config[name], ours, rank if name == "axis" else 0):
            continue
        theirs = main.config[name]
        yield Suspicion(
            code,
            f"Keras has {name}={_text(theirs)}, Caffe's {layer.type} is {name}={_text(ours)}",
            f"{layer.name} in the prototxt asks for {name}={_text(ours)}; {main.name} has {_text(theirs)}",
            f"{name}={_text(ours)}",
            main.name,
            stated=True,
            edits={main.name: {name: ours}},
        )


def _arguments(call: KerasCall) -> dict[str, Any]:
    """What the call gives, and the defaults of what it leaves out."""
    module = import_keras_layers() if call.custom else import_keras().layers
    known = inspect.signature(getattr(module, call.class_name).__init__).parameters.values()
    defaults = {one.name: one.default for one in known if one.default is not inspect.Parameter.empty}
    return {**defaults, **call.arguments}


def _same(theirs: Any, ours: Any, rank: int) -> bool:
    """True if two values mean the same.

    Args:
        rank: of the tensor, for axes, which may be counted from behind; zero for all others.
    """
    if isinstance(theirs, (list, tuple)) or isinstance(ours, (list, tuple)):
        one, other = _as_list(theirs), _as_list(ours)
        return len(one) == len(other) and all(_same(a, b, rank) for a, b in zip(one, other, strict=True))
    if rank and isinstance(theirs, int) and isinstance(ours, int):
        return theirs % rank == ours % rank
    if all(isinstance(one, (int, float)) for one in (theirs, ours)):
        return not differ(float(theirs), float(ours))
    return bool(theirs == ours)


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return f"{value:.7g}" if isinstance(value, float) else repr(value)
