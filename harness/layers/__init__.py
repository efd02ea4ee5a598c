"""One file per Caffe layer type. A file is found by being here; nothing lists them by hand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from harness.data import Layer
from harness.errors import UnsupportedError
from harness.layers.base import LayerType, module_name

_types: dict[str, LayerType] = {}


def register(*names: str) -> Callable[[type[LayerType]], type[LayerType]]:
    """Make a class known as the description of the Caffe layer types `names`. A second one for a name is refused."""

    def add(cls: type[LayerType]) -> type[LayerType]:
        for name in names:
            if name in _types:
                raise ValueError(f"Caffe layer type {name!r} is described twice: {type(_types[name])} and {cls}")
            described = cls()
            described.__dict__["name"] = name
            _types[name] = described
        return cls

    return add


@cache
def layer_types() -> dict[str, LayerType]:
    """Every described layer type, by Caffe's name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_types.items()))


def layer_type(layer: Layer) -> LayerType:
    """The description of a layer's type.

    Raises:
        UnsupportedError: there is no file for it; the message lists what exists and names the file to add.
    """
    known = layer_types()
    if layer.type not in known:
        raise UnsupportedError(
            f"Caffe layer type {layer.type!r} is not described yet",
            layer=layer.name,
            line=layer.line,
            fix=f"described are {', '.join(known)}; add harness/layers/{module_name(layer.type)}.py",
        )
    return known[layer.type]
