"""Weights from a file beside the function that builds the model; all of them or none."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.convert.weights import load_weights
from harness.engines.keras.candidate import Candidate
from harness.engines.keras.functions import first_line
from harness.errors import WeightsError
from harness.extras import import_h5py, import_keras

ASIDE = ("optimizer", "metrics", "compile_metrics")
"""Parts of a weights file that are for training."""


def load_weight_file(candidate: Candidate, path: Path) -> Candidate:
    """Fill a candidate's model from `.weights.h5`, `.keras`, the older `.h5` with or without the model in it, or our own.

    Returns:
        The candidate to go on with.

    Raises:
        WeightsError: the file cannot be read, a layer of it finds no layer, a layer of the model gets no weights, or a
            shape does not fit.
    """
    if not path.exists():
        raise WeightsError("no such file", file=path)
    _ = candidate.graph  # a model written as a class has its weights only now
    old = None if zipfile.is_zipfile(path) else _old_layers(path)
    if old is not None:
        _fill_old(candidate, old, path)
    elif _is_ours(path):
        load_weights(candidate, path)
    else:
        _fill_new(candidate, path)
    return Candidate(candidate.model, candidate.source, candidate.input_shape, candidate.origin)


def _is_ours(path: Path) -> bool:
    """True for what `harness convert --weights` writes: a group for each layer, an array for each variable."""
    if zipfile.is_zipfile(path):
        return False
    h5py = import_h5py()
    with h5py.File(path, "r") as file:
        groups = list(file.values())
        return bool(groups) and all(
            isinstance(one, h5py.Group) and len(one) and all(isinstance(array, h5py.Dataset) for array in one.values())
            for one in groups
        )


# ------------------------------------------------------------------------------------------------- Keras 3's files


def _fill_new(candidate: Candidate, path: Path) -> None:
    model = candidate.model
    if not (path.name.endswith(".weights.h5") or path.suffix == ".keras"):
        raise WeightsError(
            "holds no weights of Keras", file=path, fix="give MODEL.weights.h5, MODEL.keras, or an .h5 that Keras wrote"
        )
    try:
        model.load_weights(path)
    except Exception as error:
        raise WeightsError(f"Keras cannot load these weights: {_sentence(error)}", file=path) from error
    with _stored(path) as stored:
        theirs = _groups(stored)
    if sum(map(len, theirs.values())) != len(model.weights):
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder) / "own.weights.h5"
            model.save_weights(own)
            with _stored(own) as stored:
                ours = set(_groups(stored))
        left = [group.name or group.path for group in theirs if group.path not in {one.path for one in ours}]
        if left:
            raise WeightsError(
                f"holds weights of {', '.join(map(repr, left))}, for which the model has no layer",
                file=path,
                layer=left[0],
                fix="is it the model that the file was saved from?",
            )
    _check_names(candidate, path)


@dataclass(frozen=True)
class _Group:
    path: str  # layers/conv2d_1
    name: str | None  # the layer's, where the file has it (Keras 3.9 and later)


def _groups(stored: Any) -> dict[_Group, list[str]]:
    """A file's groups that hold arrays, with the arrays' paths."""
    h5py = import_h5py()
    found: dict[_Group, list[str]] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and path.partition("/")[0] not in ASIDE and "seed_generator" not in path:
            folder = path.rpartition("/")[0]
            name = item.parent.attrs.get("name")
            group = _Group(folder.removesuffix("/vars"), None if name is None else str(name))
            found.setdefault(group, []).append(path)

    stored.visititems(visit)
    return found


def _check_names(candidate: Candidate, path: Path) -> None:
    """Keras goes by class and order. Where the file has the same names as the model, it must come to the same."""
    with _stored(path) as stored:
        groups = {group.name: paths for group, paths in _groups(stored).items() if group.name}
        layers = {str(call.layer.name): call.variables() for call in candidate.calls}
        weighted = {name for name, variables in layers.items() if variables}
        if set(groups) != weighted:
            return
        for name, paths in groups.items():
            for array, variable in zip((stored[one][()] for one in paths), layers[name], strict=False):
                if array.shape != tuple(variable.shape) or not np.array_equal(
                    array, np.asarray(variable), equal_nan=True
                ):
                    raise WeightsError(
                        "Keras goes by the order of a model's layers, and put other weights into this one than the file has "
                        "under its name",
                        file=path,
                        layer=name,
                        fix="build the layers in the order in which the saved model was built",
                    )


class _stored:
    """The HDF5 file of a weights file, also inside of a `.keras` archive."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        h5py = import_h5py()
        self.archive = zipfile.ZipFile(self.path) if zipfile.is_zipfile(self.path) else None
        self.file = h5py.File(self.archive.open("model.weights.h5") if self.archive else self.path, "r")
        return self.file

    def __exit__(self, *error: object) -> None:
        self.file.close()
        if self.archive:
            self.archive.close()


# ---------------------------------------------------------------------------------------------- Keras 2's layout


@dataclass(frozen=True)
class _OldLayer:
    name: str
    weights: tuple[tuple[str, np.ndarray], ...]  # `conv2d_1/kernel:0`, array

    def tails(self) -> list[str]:
        """`kernel`, `bias`."""
        return [name.rpartition("/")[2].partition(":")[0] for name, _ in self.weights]


def _old_layers(path: Path) -> list[_OldLayer] | None:
    """The layers of the older layout that have weights; None if the file is of another.

    Raises:
        WeightsError: it is not an HDF5 file, or its kernels are flipped.
    """
    try:
        file = import_h5py().File(path, "r")
    except OSError as error:
        raise WeightsError(f"is not an HDF5 file that can be read: {error}", file=path) from error
    with file:
        group = file.get("model_weights", file)
        if not any(key.startswith("layer_names") for key in group.attrs):
            return None
        backend = _texts([group.attrs.get("backend", file.attrs.get("backend", ""))])[0]
        if backend == "theano":
            raise WeightsError(
                "was saved with the Theano backend, which flips its kernels",
                file=path,
                fix="load it into the model with Keras 2 on TensorFlow and save it again",
            )
        layers = []
        for name in _attribute(group, "layer_names"):
            names = _attribute(group[name], "weight_names")
            layers.append(_OldLayer(name, tuple((one, np.asarray(group[name][one])) for one in names)))
        return [layer for layer in layers if layer.weights]


def _fill_old(candidate: Candidate, old: Sequence[_OldLayer], path: Path) -> None:
    model = candidate.model
    layers = [layer for layer in model.layers if layer.weights]
    for stored, layer in _matched(old, layers, path):
        _assign(stored, layer, path)


def _matched(old: Sequence[_OldLayer], layers: Sequence[Any], path: Path) -> list[tuple[_OldLayer, Any]]:
    """Each of the file's layers with the model's: by name; by order, as Keras does, where Keras made up the names.

    Raises:
        WeightsError: a layer on one side finds none on the other.
    """
    ours = {str(layer.name): layer for layer in layers}
    theirs = {layer.name: layer for layer in old}
    if set(ours) == set(theirs):
        return [(stored, ours[stored.name]) for stored in old]
    spare, lacking = [name for name in theirs if name not in ours], [name for name in ours if name not in theirs]
    if len(old) == len(layers) and all(map(_made_up, [*spare, *lacking])):
        pairs = list(zip(old, layers, strict=True))
        if all(stored.name == layer.name or _made_up(stored.name) for stored, layer in pairs):
            return pairs
    if spare:
        raise WeightsError(
            f"holds weights of {', '.join(map(repr, spare))}, for which the model has no layer"
            + (f"; nothing is there for the model's {', '.join(map(repr, lacking))}" if lacking else ""),
            file=path,
            layer=spare[0],
            fix="give the model's layers the names that they have in the file",
        )
    raise WeightsError(
        f"holds no weights for the model's {', '.join(map(repr, lacking or sorted(ours)))}",
        file=path,
        layer=(lacking or sorted(ours))[0],
        fix="is it the model that the file was saved from?",
    )


def _assign(stored: _OldLayer, layer: Any, path: Path) -> None:
    """In the order of Keras 2, what learns first; by the variables' names where they tell more."""
    variables = [*layer.trainable_weights, *layer.non_trainable_weights]
    names, tails = [str(one.name) for one in variables], stored.tails()
    arrays = [array for _, array in stored.weights]
    if sorted(names) == sorted(tails):
        if len(set(names)) == len(names):
            arrays = [arrays[tails.index(name)] for name in names]
        elif names != tails:
            raise WeightsError(
                "its weights stand in another order than the model's; was some of it frozen when it was saved?",
                file=path,
                layer=stored.name,
                fix="set the same layers to trainable = False in the function that builds the model",
            )
    ours, theirs = [tuple(one.shape) for one in variables], [array.shape for array in arrays]
    if ours != theirs:
        raise WeightsError(
            f"its weights are {_shapes(theirs)} in the file and {_shapes(ours)} in the model's {layer.name!r}",
            file=path,
            layer=stored.name,
            fix="compare filters, kernel_size and use_bias with the model that the file was saved from",
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _made_up(name: str) -> bool:
    """True for a name that Keras gives by itself: `conv2d_3`."""
    return re.sub(r"_\d+$", "", name) in _own_names()


def _own_names() -> set[str]:
    keras = import_keras()
    classes = [name for name in dir(keras.layers) if name[:1].isupper()]
    return {_snake(name) for name in (*classes, "Model", "Functional", "Sequential")}


def _snake(name: str) -> str:
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _attribute(group: Any, name: str) -> list[str]:
    """A list of names; Keras writes a long one in pieces: `layer_names0`, `layer_names1` …"""
    if name in group.attrs:
        return _texts(group.attrs[name])
    pieces: list[str] = []
    while f"{name}{len(pieces)}" in group.attrs:
        pieces.append(f"{name}{len(pieces)}")
    return [text for piece in pieces for text in _texts(group.attrs[piece])]


def _texts(values: Any) -> list[str]:
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) or "a number" for shape in shapes) or "none"


def _sentence(error: Exception) -> str:
    """Keras begins with how many objects failed; which and why stands further down."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[1] if len(lines) > 1 and lines[0].startswith("A total of") else first_line(error)
