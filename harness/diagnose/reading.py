"""Which Keras layers say what they compute, and helpers to look at what the two sides give."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues
from harness.extras import import_keras, import_keras_layers


def is_opaque(node: KerasNode) -> bool:
    """True for a Lambda and for a layer of the user's own: what they compute their configuration does not say.

    A user's class may have the name of one of the harness' own, as LRN or Scale; it then has other arguments.
    """
    if node.operation or node.class_name == "Lambda":
        return True
    if hasattr(import_keras().layers, node.class_name):
        return False
    own = getattr(import_keras_layers(), node.class_name, None)
    return own is None or not _arguments_of(own) <= set(node.config)


def _arguments_of(layer_class: type) -> set[str]:
    parameters = list(inspect.signature(layer_class).parameters.values())
    return {one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD}


def must_be_tried(clues: Clues) -> bool:
    """True where something was run and one of the Keras layers does not say what it computes."""
    return clues.trial is not None and any(is_opaque(node) for node in clues.nodes)


def number(config: object) -> float | None:
    """A number out of a configuration, None if it is none."""
    return float(config) if isinstance(config, (int, float)) and not isinstance(config, bool) else None


def differ(one: float, other: float) -> bool:
    """True if two numbers are not the same float32, give or take its rounding."""
    return not np.isclose(one, other, rtol=1e-6, atol=0.0)


EXACT = 1e-6
"""How far, as a share of it, a number worked out by least squares may be from the one that was written."""


def rounded(value: float, within: float = 1e-3) -> float:
    """An estimate as a person would have written it, in the fewest digits that are within a share of it."""
    short = (float(f"{value:.{digits}g}") for digits in range(1, 7))
    return next((one for one in short if np.isclose(one, value, rtol=within, atol=0.0)), float(f"{value:.7g}"))


def distinct(values: Sequence[float], but: Sequence[float] = ()) -> Iterator[float]:
    """The numbers once each, in their order, without some."""
    seen = list(but)
    for value in values:
        if np.isfinite(value) and all(differ(value, other) for other in seen):
            seen.append(value)
            yield value
