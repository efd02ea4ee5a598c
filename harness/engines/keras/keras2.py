"""Models of Keras 2: loaded by tf_keras, rebuilt in Keras 3 layer by layer, and proven equal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from harness.data import Shape
from harness.engines.keras.calls import Call, run_calls
from harness.engines.keras.candidate import Candidate, wrap_model
from harness.engines.keras.functions import deep_graphs, first_line
from harness.engines.keras.keras2_layers import as_keras_3, refuse_unknown
from harness.engines.keras.proof import FREE, seeded_inputs
from harness.engines.keras.saved import Archive
from harness.engines.keras.segment import same
from harness.errors import CandidateError, EngineMissingError
from harness.extras import import_keras, import_tf_keras

LIMIT = 1e-5
"""Largest difference over the largest value, for each layer by itself and, times their number, for the whole model."""


def load(archive: Archive, input_shape: Shape | None, error: Exception | None = None) -> Candidate:
    """A candidate from a file or SavedModel of Keras 2.

    Args:
        error: why Keras 3 could not load it.

    Raises:
        EngineMissingError: tf_keras is not installed.
        CandidateError: a layer that is not a stock one, or the rebuilt model is not equal to the file's.
    """
    try:
        tf_keras = import_tf_keras()
    except EngineMissingError as missing:
        why = f": {first_line(error)}" if error is not None else ""
        raise EngineMissingError(
            f"is a {archive.kind}, which Keras 3 cannot load{why}; tf_keras would, but cannot be imported",
            file=archive.path,
            fix=missing.fix,
        ) from missing
    refuse_unknown(archive.config, archive.path)
    old = _load_old(tf_keras, archive)
    pairs: list[tuple[Any, Any]] = []
    with deep_graphs():
        new = _rebuilt(old, archive, pairs)
    _fill(pairs, archive)
    origin = f"{archive.kind}, loaded by tf_keras {tf_keras.__version__}, rebuilt in Keras {import_keras().__version__}"
    candidate = wrap_model(new, str(archive.path), input_shape, origin)
    _prove(candidate, old, pairs, input_shape)
    return candidate


def _load_old(tf_keras: Any, archive: Archive) -> Any:
    """The model as tf_keras reads it; of a SavedModel its JSON and its checkpoint, so that its graph is not run."""
    try:
        if not archive.path.is_dir():
            return tf_keras.models.load_model(archive.path, compile=False, safe_mode=True)
        model = tf_keras.models.model_from_json(json.dumps(archive.config))
        status = model.load_weights(archive.path / "variables" / "variables")
        status.expect_partial().assert_existing_objects_matched()
    except Exception as error:
        raise CandidateError(
            f"tf_keras cannot load this {archive.kind}: {first_line(error)}", file=archive.path
        ) from error
    return model


def _rebuilt(old: Any, archive: Archive, pairs: list[tuple[Any, Any]]) -> Any:
    """The same model of Keras 3's layers; `pairs` takes each new layer with its old one."""
    keras, tf_keras = import_keras(), import_tf_keras()
    graph = old.get_config()
    made: dict[str, Any] = {}
    for described in graph["layers"]:
        name = described["config"].get("name", described.get("name"))
        if described["class_name"] == "InputLayer":
            continue
        layer = old.get_layer(name)
        if isinstance(layer, tf_keras.Model):
            made[name] = _rebuilt(layer, archive, pairs)
        else:
            made[name] = as_keras_3(layer, archive.path)
            pairs.append((made[name], layer))
    try:
        if isinstance(old, tf_keras.Sequential):
            if not old.inputs:
                raise CandidateError(
                    "does not know its input's shape", file=archive.path, fix="save it after it was built"
                )
            start = [keras.Input(batch_shape=tuple(old.inputs[0].shape), dtype=old.inputs[0].dtype.name)]
            return keras.Sequential(
                [*start, *(made[layer.name] for layer in old.layers if layer.name in made)], name=old.name
            )
        return _Graph(graph, made).model()
    except CandidateError:
        raise
    except Exception as error:
        raise CandidateError(f"cannot be rebuilt in Keras 3: {first_line(error)}", file=archive.path) from error


class _Graph:
    """A functional model's calls, made again from the configuration that Keras 2 gives of it.

    There a call is a list of `[layer, call, tensor, arguments]`, one for each tensor that is read; a nested model's first
    call within the outer one is its call 1.
    """

    def __init__(self, graph: Mapping[str, Any], made: Mapping[str, Any]) -> None:
        keras = import_keras()
        self.keras, self.graph, self.made = keras, graph, made
        self.names = {str(described["name"]) for described in graph["layers"]}
        self.tensors: dict[tuple[str, int], list[Any]] = {}
        self.waiting: list[tuple[str, int, Any]] = []
        for described in graph["layers"]:
            name = described["name"]
            if described["class_name"] == "InputLayer":
                config = described["config"]
                shape = config.get("batch_input_shape", config.get("batch_shape"))
                self.tensors[name, 0] = [keras.Input(batch_shape=tuple(shape), dtype=config["dtype"], name=name)]
                continue
            first = 1 if isinstance(made[name], keras.Model) else 0
            self.waiting += [(name, first + index, call) for index, call in enumerate(described["inbound_nodes"])]

    def model(self) -> Any:
        """The model. Raises ValueError for a graph that does not hang together."""
        while self.waiting:
            ready = [one for one in self.waiting if all(key in self.tensors for key in self._read_by(one[2]))]
            if not ready:
                raise ValueError(f"nothing makes what {self.waiting[0][0]} reads")
            for name, index, call in ready:
                self.tensors[name, index] = self.keras.tree.flatten(self._call(self.made[name], call))
            done = {(name, index) for name, index, _ in ready}
            self.waiting = [one for one in self.waiting if (one[0], one[1]) not in done]
        inputs = [self._tensor(one) for one in _triples(self.graph["input_layers"])]
        outputs = [self._tensor(one) for one in _triples(self.graph["output_layers"])]
        return self.keras.Model(_bare(inputs), _bare(outputs), name=self.graph["name"])

    def _call(self, layer: Any, call: Any) -> Any:
        read = call if isinstance(call[0], (list, tuple)) else [call]
        tensors = [self._tensor(one) for one in read]
        by_keyword = {
            key: self._tensor(value) if self._is_tensor(value) else value
            for key, value in dict(read[0][3] if len(read[0]) > 3 else {}).items()
        }
        return layer(tensors[0] if len(tensors) == 1 else tensors, **by_keyword)

    def _read_by(self, call: Any) -> Iterator[tuple[str, int]]:
        for one in call if isinstance(call[0], (list, tuple)) else [call]:
            yield str(one[0]), int(one[1])
            for value in (one[3] if len(one) > 3 else {}).values():
                if self._is_tensor(value):
                    yield str(value[0]), int(value[1])

    def _is_tensor(self, value: Any) -> bool:
        return isinstance(value, (list, tuple)) and len(value) in (3, 4) and value[0] in self.names

    def _tensor(self, one: Sequence[Any]) -> Any:
        return self.tensors[str(one[0]), int(one[1])][int(one[2])]


def _bare(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _triples(structure: Any) -> list[Sequence[Any]]:
    """`[layer, call, tensor]` in order, out of one of them, a list or a mapping of them."""
    if isinstance(structure, Mapping):
        return [one for key in sorted(structure) for one in _triples(structure[key])]
    if structure and isinstance(structure[0], str):
        return [structure]
    return [one for part in structure for one in _triples(part)]


def _fill(pairs: Sequence[tuple[Any, Any]], archive: Archive) -> None:
    for new, old in pairs:
        arrays, variables = old.get_weights(), list(new.weights)
        ours, theirs = [tuple(one.shape) for one in variables], [one.shape for one in arrays]
        if ours != theirs:
            raise CandidateError(
                f"Keras 3's {type(new).__name__} keeps weights of {ours}, the file has {theirs}",
                file=archive.path,
                layer=str(old.name),
                fix="build the model in a Python file and give FILE.py:FUNCTION with --keras-weights",
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)


def _prove(candidate: Candidate, old: Any, pairs: Sequence[tuple[Any, Any]], input_shape: Shape | None) -> None:
    """Run both models, layer by layer on the same inputs and as a whole, on numbers from a seed.

    Raises:
        CandidateError: they differ by more than float32 rounds, or cannot be run.
    """
    olds = {id(new): theirs for new, theirs in pairs}
    symbols = [candidate.tensor(number) for number in candidate.graph.inputs]
    problem: Exception | None = None
    for free in FREE:
        arrays = seeded_inputs(symbols, input_shape, free)
        try:
            expected = _arrays(old(arrays if len(arrays) > 1 else arrays[0], training=False))
        except Exception as error:
            problem = error
            continue
        feeds = dict(zip(candidate.graph.inputs, map(import_keras().ops.convert_to_tensor, arrays), strict=True))
        run_calls(
            candidate.calls, feeds, candidate.graph.outputs, lambda call: _both(call, olds[id(call.layer)], candidate)
        )
        made = run_calls(candidate.calls, feeds, candidate.graph.outputs)
        found = [np.asarray(made[number]) for number in candidate.graph.outputs]
        share = LIMIT * len(candidate.calls)
        if len(found) != len(expected) or not all(same(a, b, share) for a, b in zip(expected, found, strict=True)):
            raise CandidateError(
                f"rebuilt in Keras 3 the model differs from what tf_keras computes: {_difference(expected, found)}",
                file=candidate.source,
            )
        return
    raise CandidateError(
        f"tf_keras cannot run it: {first_line(problem or ValueError('no input'))}", file=candidate.source
    ) from problem


def _both(call: Call, old: Any, candidate: Candidate) -> Callable[..., Any]:
    """Call the old layer and the new one on the same tensors; go on with the old one's output."""

    def run(*args: Any, **kwargs: Any) -> Any:
        theirs, ours = old(*args, **kwargs), call.layer(*args, **kwargs)
        expected, found = _arrays(theirs), _arrays(ours)
        if not all(same(a, b, LIMIT) for a, b in zip(expected, found, strict=True)):
            raise CandidateError(
                f"Keras 3's {type(call.layer).__name__} is another one than Keras 2's: {_difference(expected, found)}",
                file=candidate.source,
                layer=call.name,
                fix="build the model in a Python file and give FILE.py:FUNCTION with --keras-weights",
            )
        return theirs

    return run


def _difference(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> str:
    for a, b in zip(expected, found, strict=False):
        if a.shape != b.shape:
            return f"shape {b.shape} for {a.shape}"
    largest = max(float(np.nanmax(np.abs(a - b), initial=0.0)) for a, b in zip(expected, found, strict=False))
    return f"the largest difference is {largest:.2g}"


def _arrays(tensors: Any) -> list[np.ndarray]:
    return [np.asarray(one) for one in import_keras().tree.flatten(tensors)]
