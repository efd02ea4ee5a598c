"""A piece of a model as a file of its own, which people without the model's source can load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.engines.keras.functions import MODULE, first_line
from harness.engines.keras.saved import archive_of
from harness.engines.keras.segment import Segment, same
from harness.errors import CandidateError
from harness.extras import import_keras

AT_HAND = ("keras", "builtins", "harness")
"""Packages that whoever loads the file has."""


def save_segment(segment: Segment, inputs: Sequence[np.ndarray], names: Sequence[str], path: Path) -> bool:
    """Save a segment as a `.keras` file; True if layers of `harness.keras_layers` are in it.

    Args:
        inputs: what it is to take, float32, in Keras' layout.
        names: of its inputs.

    Raises:
        CandidateError: it is more than Keras' own layers (a Lambda, a class of the user's), or computes something else once
            it is saved and loaded. No file is left.
    """
    try:
        return _save(segment, inputs, names, path)
    except CandidateError:
        path.unlink(missing_ok=True)
        raise


def _save(segment: Segment, inputs: Sequence[np.ndarray], names: Sequence[str], path: Path) -> bool:
    keras = import_keras()
    model = segment.as_model(inputs, names)
    try:
        model.save(path)
    except Exception as error:
        raise CandidateError(f"Keras cannot save it: {first_line(error)}", layer=segment.layer) from error
    packages = set(_packages(archive_of(path).config))
    foreign = sorted(packages.difference(AT_HAND))
    if foreign:
        owners = ", ".join(f"{name.removeprefix(MODULE)}.py" if MODULE in name else name for name in foreign)
        raise CandidateError(f"a class or function of {owners} is in it", layer=segment.layer)
    try:
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
        made = keras.tree.flatten(loaded(list(inputs) if len(inputs) > 1 else inputs[0]))
    except Exception as error:
        raise CandidateError(f"Keras cannot load it again: {first_line(error)}", layer=segment.layer) from error
    if not all(same(np.asarray(a), np.asarray(b)) for a, b in zip(made, segment.run(inputs), strict=True)):
        raise CandidateError(
            "loaded again it computes something else: it depends on chance, or on what a layer keeps elsewhere",
            layer=segment.layer,
        )
    return "harness" in packages


def _packages(config: Any) -> Iterator[str]:
    """The packages of all classes and functions that a saved model names."""
    if isinstance(config, Mapping):
        module, registered = config.get("module"), config.get("registered_name")
        if module:
            yield str(module).partition(".")[0]
        elif registered:  # "mine>Layer", of a class that no module is known of
            yield str(registered).partition(">")[0]
        for value in config.values():
            yield from _packages(value)
    elif isinstance(config, list):
        for value in config:
            yield from _packages(value)
