"""Small Keras layers for what Caffe has and Keras has not; one file each, found by being here.

They are serialisable: a model that holds them is saved and loaded like any other, after `import harness.keras_layers`.
Each takes a tensor, or a list of them, in the order in which the net holds it, so that an `axis` is Keras' own.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def _found() -> dict[str, Any]:
    import keras

    classes: dict[str, Any] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, keras.Layer) and value.__module__ == module.__name__:
                classes[name] = value
    return classes


globals().update(_found())
