"""The candidate of a case: the user's model or our own conversion, with the weights that belong in it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.convert.build import build_model
from harness.convert.plan import plan
from harness.data import Case, LayerMap, Network, Shape, Top, Weights
from harness.engines.filling import fill_weights
from harness.engines.keras import Candidate, call_function, is_saved_model, open_model, wrap_model
from harness.engines.keras.functions import deep_graphs
from harness.engines.keras.open_sizes import open_sizes
from harness.engines.keras.unfilled import zero_weights
from harness.engines.keras.weight_files import load_weight_file
from harness.errors import CandidateError, HarnessError, MappingError, WeightsError
from harness.extras import import_keras
from harness.layers import layer_type
from harness.layers.base import Float32, keras_name
from harness.layers.shapes import blob_shapes
from harness.layout import Held, channels_first, last_shape
from harness.mapping import map_layers
from harness.mapping.orders import fits
from harness.mapping.propose import propose


def open_candidate(
    case: Case,
    network: Network,
    weights: Weights,
    shapes: Mapping[Top, Shape],
    unfinished: frozenset[str] = frozenset(),
    is_run: Callable[[str], bool] = lambda layer: True,
) -> tuple[Candidate, LayerMap]:
    """Build the case's Keras model, find its layers' counterparts, and see to its weights.

    A model whose layers do not fit together, because a size went wrong early, is built with its sizes left open, so that all
    of its layers can be judged; it says so in `misfit`.

    Args:
        unfinished: Caffe layers that the port need not have yet.
        is_run: of a Caffe layer; if converted weights are not needed for one, its counterpart may begin with zeros.

    Raises:
        CandidateError: the model cannot be built; Caffe's shapes at that layer are in the message.
        MappingError: the two nets cannot be brought together, or take inputs of different sizes.
        WeightsError: converted weights, or those of a file, do not fit it.
    """
    try:
        return _fitted(case, network, weights, shapes, unfinished, is_run)
    except (CandidateError, WeightsError) as error:
        misfit = error
    if not _is_function(case):
        raise misfit
    traceback.clear_frames(misfit.__traceback__)  # lets go of the model that does not fit
    try:
        with open_sizes(_dense_sizes(case, network, shapes)):
            candidate, layer_map = _fitted(case, network, weights, shapes, unfinished, is_run)
    except HarnessError:
        raise misfit from None
    return replace(candidate, misfit=misfit), layer_map


def _fitted(
    case: Case,
    network: Network,
    weights: Weights,
    shapes: Mapping[Top, Shape],
    unfinished: frozenset[str],
    is_run: Callable[[str], bool],
) -> tuple[Candidate, LayerMap]:
    kind = weights_of(case)
    with zero_weights() if kind == "converted" else nullcontext():
        candidate = _build(case, network, shapes)
    if kind == "converted":
        layer_map = map_layers(network, candidate.graph, case.names)
        _check_sizes(case, candidate, layer_map, shapes)
        # What is traced by running the user's code is proved by running all of it.
        filled = (lambda layer: True) if candidate.is_opened else is_run
        fill_weights(candidate, layer_map, network, weights, shapes, unfinished, filled)
        return replace(candidate), layer_map  # traced anew, should its call() have kept a weight's value
    if kind != "own":
        candidate = load_weight_file(candidate, case.folder / kind)
    found = propose(network, candidate.graph, weights, shapes, candidate.weights_of, case.names)
    names = {layer: one.keras for layer, one in found.items()} | dict(case.names)
    reasons = {layer: one.reason for layer, one in found.items()}
    layer_map = map_layers(network, candidate.graph, names, reasons)
    _check_sizes(case, candidate, layer_map, shapes)
    return candidate, layer_map


def _build(case: Case, network: Network, shapes: Mapping[Top, Shape]) -> Candidate:
    import_keras()
    if case.keras == "auto":
        with deep_graphs():
            return wrap_model(build_model(plan(network)), "auto (converted by the harness)")
    shape = next((last_shape(size)[1:] for size in network.inputs.values() if len(size) == 4), None)
    try:
        return open_model(case.keras, case.folder, shape)
    except CandidateError as error:
        raise _with_caffe_shapes(error, network, shapes) from error


def _is_function(case: Case) -> bool:
    return case.keras.partition(":")[0].endswith(".py")


def _dense_sizes(case: Case, network: Network, shapes: Mapping[Top, Shape]) -> dict[str, int]:
    """How many numbers each inner product reads in Caffe, by the name that its Keras layer should have."""
    blobs = blob_shapes(network, shapes)
    return {
        case.names.get(layer.name, keras_name(layer.name)): int(layer_type(layer).fan_in(layer, blobs[layer.name][0]))
        for layer in network.layers
        if layer.type == "InnerProduct"
    }


def _check_sizes(case: Case, candidate: Candidate, layer_map: LayerMap, shapes: Mapping[Top, Shape]) -> None:
    """Two nets of fixed sizes that differ are compared only at a size that was asked for.

    Raises:
        MappingError: both sizes, and what to give.
    """
    declared = dict(zip(candidate.graph.inputs, candidate.graph.input_shapes, strict=True))
    for tensor, cut in layer_map.inputs.items():
        held = Held(shapes[cut.top], cut.order)
        if case.input.size is not None or fits(declared[tensor], held) or len(declared[tensor]) != held.rank:
            continue
        theirs = dict(zip(cut.order, declared[tensor], strict=True))
        sizes = [f"{theirs[2]}x{theirs[3]}", "x".join(map(str, held.shape[2:]))] if held.rank == 4 else []
        raise MappingError(
            f"the Keras model takes {_times(declared[tensor][1:])}, the Caffe net {_times(held.keras_shape[1:])} "
            f"for {cut.top.blob!r}",
            file=candidate.source,
            fix=f"--input-size {sizes[1]} runs both as Caffe's net is, --input-size {sizes[0]} as the Keras model is; "
            "--input ARRAY.npy gives the numbers"
            if sizes
            else "make the model for the size of the prototxt, or change input_param in the prototxt",
        )


def _times(sizes: Sequence[int | None]) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes)


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
