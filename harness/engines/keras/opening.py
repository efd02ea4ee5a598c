"""The model that a case names: a function in a file, or a file or folder that Keras wrote."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from harness.data import Shape
from harness.engines.keras import keras2
from harness.engines.keras.candidate import Candidate, wrap_model
from harness.engines.keras.functions import call_function, deep_graphs, first_line
from harness.engines.keras.saved import archive_of, refuse_unsafe
from harness.errors import CandidateError
from harness.extras import import_keras

KINDS = "FILE.py:FUNCTION, MODEL.keras, MODEL.h5 or the folder of a SavedModel"


def open_model(what: str, folder: Path, input_shape: Shape | None = None) -> Candidate:
    """The model that a case names: `file.py:function`, a `.keras` or `.h5` file, or a SavedModel's folder.

    Args:
        what: a path is taken relative to `folder`.
        input_shape: height, width, channels, handed to a function that takes `input_shape`.

    Raises:
        CandidateError: the file is missing, the function fails, what it returns is not a Keras model, or a file cannot be
            loaded in Keras' safe mode.
    """
    file = (folder / what.partition(":")[0]).resolve()
    if not file.exists():
        raise CandidateError("no such file", file=file, fix=f"give --keras {KINDS}")
    import_keras()
    if importlib.util.find_spec("harness.keras_layers") is not None:
        importlib.import_module("harness.keras_layers")  # registers them, for Keras to find by name
    if file.suffix == ".py":
        model = call_function(what, folder, "get_model", input_shape=input_shape)
        return wrap_model(model, str(file), input_shape)
    return _load(file, input_shape)


def is_saved_model(path: Path) -> bool:
    """True for a model that Keras wrote, with weights of its own."""
    return path.suffix in (".keras", ".h5", ".hdf5") or (path / "saved_model.pb").is_file()


def _load(file: Path, input_shape: Shape | None) -> Candidate:
    keras = import_keras()
    archive = archive_of(file)
    refuse_unsafe(archive)
    if file.is_dir() or (archive.of_keras_2 and archive.misread):
        return keras2.load(archive, input_shape)
    try:
        with deep_graphs():
            model = keras.models.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        if archive.of_keras_2:
            return keras2.load(archive, input_shape, error)
        raise CandidateError(f"Keras cannot load it: {first_line(error)}", file=file) from error
    return wrap_model(model, str(file), input_shape, archive.kind if archive.of_keras_2 else "")
