"""The candidate: a Keras model, run segment by segment through Keras' public API.

The graph is cut at the layers that have a counterpart. Each segment runs eagerly; end to end, an activation is freed
at its last use. A model with every layer as an output would take many times as long and keep everything in memory.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.data import KerasGraph, KerasNode, Pair, Shape
from harness.errors import CandidateError
from harness.extras import import_keras

LONGEST = 240
"""Characters of Keras' own words in a message; it prints whole tensors at times."""


SAME = 2e-6
"""Difference, over the largest value, within which two float32 runs of the same layers are the same."""


def version() -> str:
    """`3.15.1 (tensorflow 2.21.0)`."""
    keras = import_keras()
    import tensorflow

    return f"{keras.__version__} (tensorflow {tensorflow.__version__})"


def open_model(what: str, folder: Path, input_shape: Shape | None = None) -> Candidate:
    """The model that a case names: `file.py:function`, or a `.keras` or `.h5` file.

    Args:
        what: a path is taken relative to `folder`.
        input_shape: height, width, channels, handed to a function that takes `input_shape`.

    Raises:
        CandidateError: the file is missing, the function fails, or what it returns is not a Keras model.
    """
    path = what.partition(":")[0]
    file = (folder / path).resolve()
    if not file.exists():
        raise CandidateError("no such file", file=file, fix="give --keras FILE.py:FUNCTION, MODEL.keras or MODEL.h5")
    keras = import_keras()
    if file.suffix == ".py":
        model = call_function(what, folder, "get_model", input_shape=input_shape)
    else:
        try:
            model = keras.models.load_model(file, compile=False, safe_mode=True)
        except Exception as error:
            raise CandidateError(f"Keras cannot load it: {_first_line(error)}", file=file) from error
    return wrap_model(model, str(file))


def wrap_model(model: Any, source: str) -> Candidate:
    """A live Keras model as a candidate.

    Raises:
        CandidateError: it is not a Sequential or functional model, or it is not built.
    """
    keras = import_keras()
    if not isinstance(model, keras.Model):
        raise CandidateError(f"{source} gives a {type(model).__name__}, not a keras.Model")
    if not (isinstance(model, keras.Sequential) or hasattr(model, "operations")):
        raise CandidateError(
            f"{source} gives a subclassed model ({type(model).__name__}), whose graph Keras does not know",
            fix="build it as a Sequential or functional model: keras.Model(inputs, outputs)",
        )
    if not model.built or not model.inputs:
        raise CandidateError(
            f"{source} gives a model that does not know its input yet", fix="begin it with keras.Input(shape)"
        )
    return Candidate(model, source)


@dataclass(frozen=True)
class Candidate:
    """A Keras model and its graph."""

    model: Any
    source: str

    @cached_property
    def _topology(self) -> tuple[KerasGraph, list[Any]]:
        numbers: dict[int, int] = {}
        tensors: list[Any] = []

        def number(tensor: Any) -> int:
            if id(tensor) not in numbers:
                numbers[id(tensor)] = len(tensors)
                tensors.append(tensor)
            return numbers[id(tensor)]

        inputs = tuple(number(tensor) for tensor in self.model.inputs)
        nodes = []
        for operation in _operations(self.model):
            try:
                ins, outs = _flat(operation.input), _flat(operation.output)
            except (AttributeError, ValueError) as error:
                raise CandidateError(
                    "is called more than once, so its activation is not one array",
                    layer=operation.name,
                    file=self.source,
                    fix="use one layer per call, or share the weights by copying them",
                ) from error
            nodes.append(
                KerasNode(
                    name=operation.name,
                    class_name=type(operation).__name__,
                    config=_config(operation),
                    inputs=tuple(number(tensor) for tensor in ins),
                    outputs=tuple(number(tensor) for tensor in outs),
                    output_shapes=tuple(tuple(tensor.shape) for tensor in outs),
                    dtype=str(getattr(operation, "compute_dtype", "float32")),
                )
            )
        outputs = tuple(number(tensor) for tensor in _flat(self.model.outputs))
        self._refuse_second_calls(nodes, inputs, outputs)
        names = tuple(str(tensor.name) for tensor in self.model.inputs)
        shapes = tuple(tuple(tensor.shape) for tensor in self.model.inputs)
        return KerasGraph(tuple(nodes), inputs, outputs, names, shapes), tensors

    def _refuse_second_calls(
        self, nodes: Sequence[KerasNode], inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> None:
        """Keras gives a layer's first output only; a tensor that no node makes is what a further call made."""
        made = {*inputs, *(tensor for node in nodes for tensor in node.outputs)}
        for reader, tensors in [*((node.name, node.inputs) for node in nodes), ("the model's output", outputs)]:
            if not made.issuperset(tensors):
                raise CandidateError(
                    f"{reader} reads what a layer made in a second call; such an activation cannot be told apart",
                    file=self.source,
                    fix="use one layer per call, or share the weights by copying them",
                )

    @property
    def graph(self) -> KerasGraph:
        """The model as plain data."""
        return self._topology[0]

    def tensor_rank(self, number: int) -> int:
        """How many axes a tensor of the graph has."""
        return len(self._topology[1][number].shape)

    def segment(self, pair: Pair) -> Segment:
        """The part of the model that computes one pair, sharing its layers and weights."""
        keras = import_keras()
        tensors = self._topology[1]
        inputs = [tensors[cut.tensor] for cut in pair.inputs]
        model = keras.Model(_bare(inputs), _bare([tensors[cut.tensor] for cut in pair.outputs]))
        return Segment(model, pair)

    def source_of(self, layer: str) -> str | None:
        """Where a Keras layer is written: `keras_model.py:41`, found by its name; None where it cannot be told."""
        file = Path(self.source)
        if file.suffix != ".py" or not file.is_file():
            return None
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if f'"{layer}"' in line or f"'{layer}'" in line:
                return f"{file.name}:{number}"
        return None

    def as_array(self, tensor: Any) -> np.ndarray:
        """A tensor's numbers without copying them; they must not outlive it."""
        return np.asarray(memoryview(tensor)) if tensor.shape.rank else np.asarray(tensor)


@dataclass(frozen=True)
class Segment:
    """One pair's share of the model; a function of its inputs alone."""

    model: Any
    pair: Pair

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """The output tensors for these inputs, float32; arrays or tensors in Keras' layout.

        Raises:
            CandidateError: Keras cannot compute it for inputs of this shape.
        """
        import tensorflow

        feeds = [tensorflow.convert_to_tensor(one, dtype="float32") for one in inputs]
        try:
            return [tensorflow.cast(one, "float32") for one in _flat(self._fitting(feeds)(_bare(feeds)))]
        except Exception as error:
            raise CandidateError(_first_line(error), layer=self.pair.layer.name) from error

    def run_changed(self, inputs: Sequence[Any], edits: Mapping[str, Mapping[str, Any]]) -> list[Any]:
        """What the segment would compute with some of its layers' arguments changed; the model itself stays as it is.

        Raises:
            CandidateError: the changed layers cannot be built, or cannot take these inputs.
        """
        keras = import_keras()
        import tensorflow

        feeds = [tensorflow.convert_to_tensor(one, dtype="float32") for one in inputs]

        def change(layer: Any) -> Any:
            return type(layer).from_config({**layer.get_config(), **edits.get(layer.name, {})})

        try:
            tensors = [keras.Input(batch_shape=tuple(feed.shape), dtype="float32") for feed in feeds]
            changed = keras.models.clone_model(self.model, input_tensors=_bare(tensors), clone_function=change)
            changed.set_weights(self.model.get_weights())
            return [tensorflow.cast(one, "float32") for one in _flat(changed(_bare(feeds)))]
        except Exception as error:
            raise CandidateError(f"cannot be changed: {_first_line(error)}", layer=self.pair.layer.name) from error

    def run_float64(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The same function with float64 weights and arithmetic.

        Raises:
            CandidateError: a layer that cannot be rebuilt in float64 or for this shape, or that is more than its
                configuration and weights say (what a custom layer keeps elsewhere, chance), so that a rebuilt one
                would be another function.
        """
        keras = import_keras()
        self._refuse_hidden_state(inputs)
        feeds = [np.asarray(one, np.float64) for one in inputs]

        def widen(layer: Any) -> Any:
            config = layer.get_config()
            wide = {"dtype": "float64"} if isinstance(layer, keras.layers.Layer) else {}
            return type(layer).from_config({**config, **wide})

        try:
            double = keras.models.clone_model(
                self.model,
                input_tensors=_bare([keras.Input(batch_shape=one.shape, dtype="float64") for one in feeds]),
                clone_function=widen,
            )
            double.set_weights([weight.astype(np.float64) for weight in self.model.get_weights()])
            return [np.asarray(one) for one in _flat(double(_bare(feeds)))]
        except Exception as error:
            raise CandidateError(f"cannot run in float64: {_first_line(error)}", layer=self.pair.layer.name) from error

    def _refuse_hidden_state(self, inputs: Sequence[np.ndarray]) -> None:
        """Rebuilt in float32, the segment must give what it gives as it stands."""
        for one, other in zip(self.run(inputs), self.run_changed(inputs, {}), strict=True):
            live, rebuilt = np.asarray(one), np.asarray(other)
            largest = np.abs(live[np.isfinite(live)]).max(initial=0.0)
            if live.shape == rebuilt.shape and np.allclose(live, rebuilt, rtol=0, atol=SAME * largest, equal_nan=True):
                continue
            raise CandidateError(
                "rebuilt from its layers' configuration and weights it computes something else: it depends on chance, or "
                "on what a layer keeps elsewhere",
                layer=self.pair.layer.name,
            )

    def _fitting(self, feeds: Sequence[Any]) -> Any:
        """The segment for inputs of these shapes; rebuilt from the same layers where the model is of another size."""
        declared = [tuple(tensor.shape) for tensor in self.model.inputs]
        fits = all(str(tensor.dtype) == "float32" for tensor in self.model.inputs) and all(
            len(shape) == len(feed.shape) and all(a is None or a == b for a, b in zip(shape, feed.shape, strict=True))
            for shape, feed in zip(declared, feeds, strict=True)
        )
        if fits:
            return self.model
        keras = import_keras()
        tensors = [keras.Input(batch_shape=tuple(feed.shape), dtype="float32") for feed in feeds]
        return keras.models.clone_model(self.model, input_tensors=_bare(tensors), clone_function=lambda layer: layer)


def _bare(items: Sequence[Any]) -> Any:
    """A single item without its list, which is how Keras tells one input from a list of one."""
    return items[0] if len(items) == 1 else list(items)


def _operations(model: Any) -> Iterator[Any]:
    """The model's operations in topological order, without the input layers."""
    keras = import_keras()
    for operation in model.layers if isinstance(model, keras.Sequential) else model.operations:
        if not isinstance(operation, keras.layers.InputLayer):
            yield operation


def _flat(tensors: Any) -> list[Any]:
    keras = import_keras()
    return list(keras.tree.flatten(tensors))


def _config(operation: Any) -> Mapping[str, Any]:
    try:
        config: Mapping[str, Any] = operation.get_config()
    except (NotImplementedError, AttributeError, TypeError):
        config = {}  # a custom layer without one is still compared, by its name
    return config


def _import_file(file: Path) -> ModuleType:
    """A Python file as a module, its folder importable for what stands beside it."""
    name = f"harness_candidate_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CandidateError("is not a Python file", file=file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CandidateError(f"cannot be imported: {_first_line(error)}", file=file, line=_line(error, file)) from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def call_function(what: str, folder: Path, default: str, *arguments: Any, **offered: Any) -> Any:
    """Call `file.py:function` of the user's.

    Args:
        what: the file is taken relative to `folder`.
        default: the function's name where none is given.
        offered: handed over where the function has a parameter of that name.

    Raises:
        CandidateError: no such file or function, or it fails; with the line, and the Keras layer that was being built.
    """
    path, _, function = what.partition(":")
    file = (folder / path).resolve()
    if not file.is_file():
        raise CandidateError("no such file", file=file)
    module, function = _import_file(file), function or default
    build: Callable[..., Any] | None = getattr(module, function, None)
    if build is None:
        public = [name for name, value in vars(module).items() if inspect.isfunction(value) and name[0] != "_"]
        raise CandidateError(
            f"has no function {function!r}",
            file=file,
            fix=f"it has {', '.join(public) or 'none'}: give FILE.py:FUNCTION",
        )
    keras = import_keras()
    keras.utils.clear_session(free_memory=False)  # unnamed layers are numbered from the start again
    keras.config.disable_traceback_filtering()  # Keras drops its own frames, and with them which layer it was
    parameters = inspect.signature(build).parameters
    try:
        taken = {key: value for key, value in offered.items() if key in parameters and value is not None}
        return build(*arguments, **taken)
    except Exception as error:
        raise CandidateError(
            f"{function}() fails: {_first_line(error)}",
            file=file,
            line=_line(error, file),
            layer=_layer_being_built(error),
        ) from error


def _first_line(error: BaseException) -> str:
    """The sentence of an error that says something; Keras begins some with an empty line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    sentence = lines[0] if lines else type(error).__name__
    return sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}…"


def _layer_being_built(error: BaseException) -> str | None:
    """The name of the Keras layer that the error came out of; Keras' own message often leaves it out."""
    keras = import_keras()
    name = None
    trace = error.__traceback__
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, keras.layers.Layer) and not isinstance(owner, keras.Model):
            name = str(owner.name)
        trace = trace.tb_next
    return name


def _line(error: BaseException, file: Path) -> int | None:
    """The last line of the user's file that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
