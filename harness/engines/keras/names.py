"""A call's name, and the call as plain data."""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.data import KerasNode
from harness.engines.keras.calls import Call, Slot
from harness.extras import import_keras


def with_names(calls: Sequence[Call]) -> list[Call]:
    """The calls, each with a name of its own.

    A layer's own name; `outer/inner` for a layer inside of a nested model whose name is used elsewhere too;
    `name#2` for a layer's second call.
    """
    owners: dict[str, set[int]] = defaultdict(set)
    for call in calls:
        owners[str(call.layer.name)].add(id(call.layer))
    given: dict[int, str] = {}
    taken: set[str] = set()
    times: Counter[int] = Counter()
    named = []
    for call in calls:
        layer = id(call.layer)
        if layer not in given:
            plain = str(call.layer.name)
            name = plain if len(owners[plain]) == 1 else "/".join((*call.path, plain))
            given[layer] = _unlike(name, taken)
            taken.add(given[layer])
        times[layer] += 1
        name = given[layer] if times[layer] == 1 else _unlike(f"{given[layer]}#{times[layer]}", taken)
        taken.add(name)
        named.append(replace(call, name=name))
    return named


def as_node(call: Call, outputs: Sequence[Any]) -> KerasNode:
    """A call as plain data."""
    keras = import_keras()
    return KerasNode(
        name=call.name,
        class_name=type(call.layer).__name__,
        config=config_of(call.layer),
        inputs=call.inputs,
        outputs=call.outputs,
        output_shapes=tuple(tuple(tensor.shape) for tensor in outputs),
        dtype=str(getattr(call.layer, "compute_dtype", "float32")),
        layer=str(call.layer.name),
        path=call.path,
        operation=not isinstance(call.layer, keras.layers.Layer),
        arguments=_constants(call),
    )


def config_of(layer: Any) -> Mapping[str, Any]:
    """A layer's configuration; empty for a custom layer without one, which is still compared, by its name."""
    try:
        config: Mapping[str, Any] = layer.get_config()
    except Exception:  # the user's own method, or an operation whose arguments cannot be written down
        config = {}
    return config


def _constants(call: Call) -> dict[str, Any]:
    """What a call is given beside tensors, by the name of the argument; weights and nested structures are left out."""
    positional, by_keyword = call.arguments
    try:
        given = dict(inspect.signature(call.layer.call).bind_partial(*positional).arguments)
    except (TypeError, ValueError):
        given = {str(index): value for index, value in enumerate(positional)}
    plain = (bool, int, float, str, tuple, list, slice)
    flat = import_keras().tree.flatten
    return {
        name: value
        for name, value in {**given, **by_keyword}.items()
        if isinstance(value, plain) and not any(isinstance(one, Slot) for one in flat(value))
    }


def _unlike(name: str, taken: set[str]) -> str:
    tries = (name if count == 1 else f"{name}@{count}" for count in range(1, len(taken) + 3))
    return next(one for one in tries if one not in taken)
