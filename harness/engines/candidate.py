"""The candidate of a case: the user's model or our own conversion, with the weights that belong in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.cache import file_sha256, folder, locked
from harness.convert.build import build_model
from harness.convert.plan import plan
from harness.convert.weights import load_weights, write_weights
from harness.data import Case, Network, Shape, Top, Weights
from harness.engines.keras import Candidate, call_function, is_saved_model, open_model, wrap_model
from harness.engines.keras.functions import deep_graphs
from harness.engines.keras.weight_files import load_weight_file
from harness.errors import CandidateError
from harness.extras import import_keras
from harness.layers.base import Float32, keras_name
from harness.layout import channels_first, last_shape

CONVERSION = 1
"""Raised when the layout of converted weights changes, so that cached files are not taken for new ones."""


def open_candidate(
    case: Case,
    network: Network,
    weights: Weights,
    shapes: Mapping[Top, Shape],
    unfinished: frozenset[str] = frozenset(),
) -> Candidate:
    """Build the case's Keras model and see to its weights.

    Args:
        unfinished: Caffe layers that the port need not have yet.

    Raises:
        CandidateError: the model cannot be built; Caffe's shapes at that layer are in the message.
        WeightsError: converted weights, or those of a file, do not fit it.
    """
    import_keras()
    if case.keras == "auto":
        with deep_graphs():
            candidate = wrap_model(build_model(plan(network)), "auto (converted by the harness)")
    else:
        shape = next((last_shape(size)[1:] for size in network.inputs.values() if len(size) == 4), None)
        try:
            candidate = open_model(case.keras, case.folder, shape)
        except CandidateError as error:
            raise _with_caffe_shapes(error, network, shapes) from error
    kind = weights_of(case)
    if kind == "own":
        return candidate
    if kind == "converted":
        load_weights(candidate, _converted(network, weights), case.names, unfinished)
        return replace(candidate)  # traced anew, should its call() have kept a weight's value
    return load_weight_file(candidate, case.folder / kind)


def run_preprocess(what: str, folder: Path, image: Path, shape: Shape) -> Float32:
    """What the port's own `file.py:function` makes of a picture, as N, C, H, W.

    Args:
        shape: what Caffe was fed; a height and width are handed to a function that takes `size`.

    Raises:
        CandidateError: it fails, or gives something that is no picture.
    """
    made = np.asarray(call_function(what, folder, "load_input", str(image), size=shape[2:]), np.float32)
    if made.ndim == 3:
        made = made[None]
    if made.ndim != 4:
        raise CandidateError(
            f"{what} gives an array of shape {made.shape}, not H, W, C", file=folder / what.partition(":")[0]
        )
    return np.ascontiguousarray(channels_first(made))


def weights_of(case: Case) -> str:
    """`own`, `converted` or a file. A saved model's weights are its own, and under test, unless the case says otherwise."""
    saved = is_saved_model(case.folder / case.keras.partition(":")[0])
    return case.keras_weights or ("own" if saved else "converted")


def _converted(network: Network, weights: Weights) -> str:
    """The HDF5 file of these weights for this net, made once and kept."""
    assert network.path is not None
    sizes = [f"{top}{shape}" for top, shape in network.inputs.items()]
    key = hashlib.sha256(f"{CONVERSION}/{weights.sha256}/{file_sha256(network.path)}/{sizes}".encode()).hexdigest()[:20]
    path = folder("converted") / f"{key}.h5"
    with locked(f"converted/{path.name}"):
        if not path.exists():
            write_weights(network, weights, path)
    return str(path)


def _with_caffe_shapes(error: CandidateError, network: Network, shapes: Mapping[Top, Shape]) -> CandidateError:
    """A model that cannot be built is often a size gone wrong: say what Caffe has at the layer that the error names."""
    named = [layer for layer in network.layers if layer.bottoms and keras_name(layer.name) == error.layer]
    if not named:
        return error
    layer = named[0]
    reads = ", ".join("×".join(map(str, shapes[bottom][1:])) for bottom in layer.bottoms)
    makes = "×".join(map(str, shapes[layer.tops[0]][1:]))
    return CandidateError(
        error.message,
        file=error.file,
        line=error.line,
        layer=layer.name,
        fix=f"there Caffe makes {makes} of {reads} (channels×height×width): look for a size lost before this layer",
    )
