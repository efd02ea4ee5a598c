"""Caffe's blobs as Keras' variables, in an HDF5 file: one group per layer, one data set per variable."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.convert.plan import plan
from harness.data import Layer, Network, Shape, Weights
from harness.errors import WeightsError
from harness.extras import import_h5py
from harness.layers import layer_type
from harness.layers.base import keras_name
from harness.layers.shapes import blob_shapes, infer_shapes
from harness.layout import in_one_piece

FORMAT = "harness-weights/1"


def check_weights(network: Network, weights: Weights) -> None:
    """Make sure that every layer that learns has its blobs, in Caffe's shapes.

    Raises:
        WeightsError: a layer has none (Caffe would silently keep its filler's), or a blob of another size.
    """
    for name, shapes in blob_shapes(network, infer_shapes(network)).items():
        held = weights.shapes_of(name)
        layer = network[name]
        if not held:
            near = difflib.get_close_matches(name, weights.blobs, 1)
            raise WeightsError(
                f"{weights.path.name} has no weights for it",
                file=network.path,
                line=layer.line,
                layer=name,
                fix=f"it has some for {near[0]!r}: rename the layer"
                if near
                else "is it the caffemodel of this prototxt?",
            )
        _check_blobs(name, held, shapes, network)


def _check_blobs(name: str, got: tuple[Shape, ...], expected: tuple[Shape, ...], network: Network) -> None:
    fits = len(got) == len(expected) and all(_squeezed(a) == _squeezed(b) for a, b in zip(got, expected, strict=True))
    if not fits:
        raise WeightsError(
            f"its weights are {_list(got)}, the prototxt asks for {_list(expected)}",
            file=network.path,
            line=network[name].line,
            layer=name,
            fix="is it the caffemodel of this prototxt?",
        )


def keras_weights(network: Network, weights: Weights) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """The blobs in Keras' layouts, a layer of the converted net at a time: its name, and its arrays by variable."""
    planned = plan(network)
    classes = {step.name: step.call.class_name for step in planned.steps if step.name and step.shares is None}
    taken_in: dict[str, list[Layer]] = {}
    for name, into in planned.fused.items():
        taken_in.setdefault(into, []).append(network[name])
    for layer in network.layers:
        keras = keras_name(layer.name)
        if keras not in classes or layer.name in planned.fused:
            continue
        variables: dict[str, np.ndarray] = {}
        for one in (layer, *taken_in.get(keras, ())):
            held = planned.reads.get(one.name, ())
            variables |= layer_type(one).keras_weights(one, weights.of(one.name), held, classes[keras])
        if variables:
            yield keras, variables


def write_weights(network: Network, weights: Weights, path: Path) -> None:
    """Write the HDF5 file, whole or not at all.

    Raises:
        WeightsError: as `check_weights`, or the file cannot be written.
    """
    check_weights(network, weights)
    h5py = import_h5py()
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(unfinished, "w") as file:
            file.attrs["format"] = FORMAT
            file.attrs["caffemodel_sha256"] = weights.sha256
            for layer, variables in keras_weights(network, weights):
                group = file.create_group(layer)
                for variable, array in variables.items():
                    group.create_dataset(variable, data=in_one_piece(array))
        os.replace(unfinished, path)
    except OSError as error:
        raise WeightsError(f"cannot be written: {error}", file=path, fix="is the disk full?") from error
    finally:
        unfinished.unlink(missing_ok=True)


def load_weights(
    model: Any, path: Path | str, names: Mapping[str, str] | None = None, unfinished: Collection[str] = ()
) -> list[str]:
    """Load an HDF5 file into a Keras model, layer by layer, by name.

    Args:
        model: a `keras.Model`.
        names: layer in the file → Keras layer, where they differ.
        unfinished: Caffe layers that the model need not have yet.

    Returns:
        The Keras layers that were filled.

    Raises:
        WeightsError: the file cannot be read, a layer of it is not in the model, a layer of the model that learns is not
            in it, or a shape does not fit.
    """
    names = {keras_name(ours): theirs for ours, theirs in (names or {}).items()}
    may_lack = {keras_name(layer) for layer in unfinished}
    layers = {layer.name: layer for layer in model.layers}
    filled = []
    with _open(path) as file:
        for name in file:
            layer = layers.get(names.get(name, name))
            if layer is None:
                if name in may_lack:
                    continue
                near = difflib.get_close_matches(name, layers, 1)
                hint = f"; the nearest name is {near[0]!r}" if near else ""
                inside = [
                    outer.name for outer in model.layers if name in {one.name for one in getattr(outer, "layers", ())}
                ]
                if inside:
                    hint = f"; there is one inside of the nested model {inside[0]!r}, which is not taken apart yet"
                raise WeightsError(
                    f"the Keras model has no layer {names.get(name, name)!r} to take its weights{hint}",
                    layer=name,
                    fix=f'name the Keras layer {name!r}, or write [names] "{name}" = "…" into the case; '
                    "--until LAYER judges an unfinished port",
                )
            fill_layer(layer, {variable: data[()] for variable, data in file[name].items()}, name)
            filled.append(layer.name)
    empty = [layer.name for layer in model.layers if layer.weights and layer.name not in filled]
    if empty:
        raise WeightsError(
            f"Keras layers {', '.join(map(repr, empty))} have weights, but the Caffe net has none for them",
            layer=empty[0],
            fix='give them the Caffe layers\' names, or write [names] "caffe layer" = "keras layer" into the case',
        )
    return filled


def _open(path: Path | str) -> Any:
    try:
        return import_h5py().File(path, "r")
    except FileNotFoundError:
        raise WeightsError("no such file", file=path, fix="harness convert --weights writes one") from None
    except OSError as error:
        raise WeightsError(f"is not an HDF5 file that can be read: {error}", file=path) from error


NEUTRAL = {"gamma": 1.0, "beta": 0.0}
"""What a normalisation without them has: a Scale that the Caffe net does not have, or that nothing is lost by."""


def fill_layer(layer: Any, arrays: dict[str, np.ndarray], name: str, network: Network | None = None) -> None:
    """Assign a Keras layer's variables by name.

    Args:
        arrays: by variable; emptied on the way, so that a large kernel is not kept longer than it takes to assign it.
        name: the Caffe layer whose weights they are; with its `network`, errors name its line.

    Raises:
        WeightsError: the layer has other variables, or one of another shape.
    """
    address: dict[str, Any] = {"layer": name}
    if network is not None:
        address |= {"file": network.path, "line": network[name].line}
    variables = {variable.name: variable for variable in layer.weights}
    if "moving_variance" in arrays:  # a normalisation scales and shifts by nothing where Caffe's does not
        neutral = {key: value for key, value in NEUTRAL.items() if key in variables and key not in arrays}
        arrays |= {key: np.full(variables[key].shape, value, "f4") for key, value in neutral.items()}
    if set(variables) != set(arrays):
        raise WeightsError(
            f"Caffe has {', '.join(sorted(arrays)) or 'nothing'} for it, the Keras layer takes "
            f"{', '.join(sorted(variables)) or 'none'}",
            fix="is use_bias right, and is it the same kind of layer?",
            **address,
        )
    for key, variable in variables.items():
        array = in_one_piece(arrays.pop(key))  # the blob that it is a view of can go
        if tuple(variable.shape) != array.shape:
            raise WeightsError(
                f"{key} is {_text(array.shape)} in Caffe's weights and {_text(variable.shape)} in the Keras layer",
                fix="the layer sees another size than in Caffe: look for a size lost before it (harness map shows the layers)"
                if len(array.shape) == 2 and variable.shape[1] == array.shape[1]
                else "compare filters, kernel_size and groups with the prototxt",
                **address,
            )
        variable.assign(array)


def _squeezed(shape: Shape) -> Shape:
    """Old caffemodels write every blob with four axes."""
    return tuple(size for size in shape if size != 1)


def _list(shapes: tuple[Shape, ...]) -> str:
    return ", ".join(map(_text, shapes)) or "none"


def _text(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "a number"
