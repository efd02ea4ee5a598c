"""What a saved model says of itself, read without running anything in it.

Keras files hold the model as JSON and may hold code with it: a Lambda layer's function is marshalled byte code, which Keras 2
runs from `.h5` files and SavedModels even in its safe mode. So the JSON is searched before any Keras sees the file.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CandidateError
from harness.extras import import_h5py, import_tf_keras

PLAIN = (
    "is a SavedModel of functions only: TensorFlow can call it, but its layers and their weights cannot be told apart"
)
SAVE_AGAIN = "where the model was made, save it with model.save('model.keras') (or .h5) and give that file"


@dataclass(frozen=True)
class Archive:
    """A saved model's own words."""

    path: Path
    config: Mapping[str, Any]  # class_name and config
    keras: str | None  # the version that wrote it

    @property
    def of_keras_2(self) -> bool:
        """True if it was written by Keras 2 or before."""
        return self.keras is None or self.keras.partition(".")[0] in ("0", "1", "2")

    @property
    def misread(self) -> bool:
        """True for a model of Keras 2 that Keras 3 loads without a word as another function: its hard_sigmoid is another."""
        return '"hard_sigmoid"' in json.dumps(self.config)

    @property
    def kind(self) -> str:
        """`Keras 2.0.8 file`, for the report."""
        return f"Keras {self.keras or '2'} {'SavedModel' if self.path.is_dir() else 'file'}"


def archive_of(path: Path) -> Archive:
    """Read a `.keras` or `.h5` file's JSON, or a SavedModel's.

    Raises:
        CandidateError: it is damaged, holds weights only, or is a SavedModel without Keras' metadata.
    """
    if path.is_dir():
        return _saved_model(path)
    try:
        return _zip(path) if zipfile.is_zipfile(path) else _hdf5(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        said = str(error).splitlines() or [type(error).__name__]
        raise CandidateError(f"Keras cannot load it: {said[0]}", file=path) from error


def refuse_unsafe(archive: Archive) -> None:
    """Raises CandidateError if the model holds code of its own."""
    for layer in _layers_with_code(archive.config):
        raise CandidateError(
            "is a Lambda: the file holds its function as byte code, which is never run",
            file=archive.path,
            layer=layer,
            fix="build the model in a Python file and give FILE.py:FUNCTION with --keras-weights",
        )


def _zip(path: Path) -> Archive:
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in archive.namelist() else {}
    return Archive(path, config, metadata.get("keras_version"))


def _hdf5(path: Path) -> Archive:
    with import_h5py().File(path, "r") as file:
        text = file.attrs.get("model_config")
        if text is None:
            weights_only = "layer_names" in file.attrs or {"layers", "vars", "_layer_checkpoint_dependencies"} & set(
                file
            )
            raise CandidateError(
                "holds weights only, not the model" if weights_only else "holds no Keras model",
                file=path,
                fix="give the function that builds the model with --keras FILE.py:FUNCTION, "
                f"and this file with --keras-weights {path.name}"
                if weights_only
                else None,
            )
        return Archive(path, json.loads(_text(text) or ""), _text(file.attrs.get("keras_version")))


def _saved_model(path: Path) -> Archive:
    """The root layer's JSON in a SavedModel of Keras 2, which keeps it beside the graph, or in it (before TensorFlow 2.5)."""
    if not (path / "saved_model.pb").is_file():
        raise CandidateError(
            "is a folder without saved_model.pb", file=path, fix="give a file, or a SavedModel's folder"
        )
    nodes = _metadata(path)
    root = next((json.loads(text) for name, text in nodes if name.startswith("_tf_keras_") and text), None)
    if root is None:
        raise CandidateError(PLAIN, file=path, fix=SAVE_AGAIN)
    config = root.get("model_config") or {"class_name": root["class_name"], "config": root.get("config")}
    if not (config.get("config") or {}).get("layers"):
        raise CandidateError(
            f"is a SavedModel of a model that is written as a class ({root['class_name']}), whose layers it does not list",
            file=path,
            fix="give the Python function that builds it with --keras FILE.py:FUNCTION, and its weights with --keras-weights",
        )
    return Archive(path, config, root.get("keras_version"))


def _metadata(path: Path) -> list[tuple[str, str]]:
    """Identifier and JSON of a SavedModel's objects, the root first."""
    import_tf_keras()
    from tensorflow.core.protobuf import saved_model_pb2
    from tf_keras.protobuf import saved_metadata_pb2

    try:
        if (path / "keras_metadata.pb").is_file():
            metadata = saved_metadata_pb2.SavedMetadata()
            metadata.ParseFromString((path / "keras_metadata.pb").read_bytes())
            return [(node.identifier, node.metadata) for node in metadata.nodes if node.node_path == "root"]
        saved = saved_model_pb2.SavedModel()
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
        objects = [node for meta in saved.meta_graphs[:1] for node in meta.object_graph_def.nodes[:1]]
        return [
            (node.user_object.identifier, node.user_object.metadata)
            for node in objects
            if node.WhichOneof("kind") == "user_object"
        ]
    except Exception as error:
        raise CandidateError(f"is not a SavedModel that can be read: {error}", file=path) from error


def _layers_with_code(config: Any, layer: str = "") -> Iterator[str]:
    """The names of Lambdas and of layers with a marshalled function in them, however deep."""
    if isinstance(config, Mapping):
        own = config.get("config")
        name = config.get("name") or (own.get("name") if isinstance(own, Mapping) else None)
        layer = str(name) if "class_name" in config and name else layer
        kinds = {value for key, value in config.items() if key.endswith("_type") and isinstance(value, str)}
        if config.get("class_name") == "__lambda__" or "lambda" in kinds:
            yield layer
            return
        for value in config.values():
            yield from _layers_with_code(value, layer)
    elif isinstance(config, list):
        for value in config:
            yield from _layers_with_code(value, layer)


def _text(value: Any) -> str | None:
    return value.decode("utf-8") if isinstance(value, bytes) else None if value is None else str(value)
