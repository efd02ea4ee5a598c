"""What a traced model is made of: the calls of its layers, in order, with numbers in place of tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.extras import import_keras


@dataclass(frozen=True)
class Slot:
    """Stands for a tensor among a call's arguments."""

    number: int


@dataclass(frozen=True)
class Call:
    """One call of one layer (or `keras.ops` operation): what it is given and what it makes."""

    layer: Any
    arguments: Any  # (positional, by keyword), as they were given, tensors as slots
    inputs: tuple[int, ...]  # the slots, in the order of the arguments
    outputs: tuple[int, ...]
    path: tuple[str, ...] = ()  # the nested models that it stands in, from the outside
    name: str = ""  # unique in the model

    def variables(self) -> list[Any]:
        """The layer's weights, and weights of others that it is handed as they are."""
        keras = import_keras()
        handed = [one for one in keras.tree.flatten(self.arguments) if isinstance(one, keras.Variable)]
        return [*getattr(self.layer, "weights", ()), *handed]


def run_calls(
    calls: Sequence[Call],
    feeds: Mapping[int, Any],
    wanted: Collection[int],
    layer_of: Callable[[Call], Any] = lambda call: call.layer,
    constant: Callable[[Any], Any] = lambda value: value,
) -> dict[int, Any]:
    """The tensors of these numbers. What has been read for the last time is let go.

    Args:
        feeds: tensors that the calls read and do not make, by number.
        layer_of: what is called in the place of a call's layer.
        constant: applied to what a call is given beside tensors.
    """
    keras = import_keras()
    live = dict(feeds)
    uses = Counter(number for call in calls for number in set(call.inputs))
    for call in calls:
        positional, by_keyword = _filled(call.arguments, live, constant)
        with _as_before(layer_of(call), by_keyword) as layer:
            made = keras.tree.flatten(layer(*positional, **by_keyword))
        del positional, by_keyword
        for number in set(call.inputs):
            uses[number] -= 1
            if not uses[number] and number not in wanted:
                del live[number]
        live |= {
            number: tensor
            for number, tensor in zip(call.outputs, made, strict=True)
            if uses[number] or number in wanted
        }
        del made
    return {number: live[number] for number in wanted}


def _filled(arguments: Any, live: Mapping[int, Any], constant: Callable[[Any], Any]) -> Any:
    def fill(value: Any) -> Any:
        return live[value.number] if isinstance(value, Slot) else constant(value)

    return import_keras().tree.map_structure(fill, arguments)


@contextmanager
def _as_before(layer: Any, by_keyword: Mapping[str, Any]) -> Iterator[Any]:
    """A layer that is called with `training=True` learns (a BatchNormalization its averages); it must not stay so."""
    learns = list(getattr(layer, "non_trainable_weights", ())) if by_keyword.get("training") is True else []
    before = [np.array(one) for one in learns]
    try:
        yield layer
    finally:
        for variable, value in zip(learns, before, strict=True):
            variable.assign(value)


def makers(calls: Sequence[Call]) -> dict[int, Call]:
    """Each tensor's call."""
    return {number: call for call in calls for number in call.outputs}


def needed_for(
    maker: Mapping[int, Call], inputs: Collection[int], outputs: Sequence[int]
) -> tuple[list[Call], set[int]]:
    """The calls that make `outputs` of `inputs`, depth first, and the tensors that neither are given nor made."""
    ordered: dict[int, Call] = {}
    lacking: set[int] = set()
    for output in outputs:
        stack = [(output, False)]
        while stack:
            number, read = stack.pop()
            if number in inputs:
                continue
            call = maker.get(number)
            if call is None:
                lacking.add(number)
            elif id(call) not in ordered:
                if read:
                    ordered[id(call)] = call
                else:
                    stack += [(number, True), *((one, False) for one in reversed(call.inputs))]
    return list(ordered.values()), lacking
