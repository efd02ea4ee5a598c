"""A model's calls, recorded once on inputs without numbers; no weight is copied.

A functional model is walked with `keras.models.clone_model`, which hands each call to a function of ours; a Sequential's
layers are called one after the other. What is written as a class, a model or a layer made of layers, is called on
symbolic inputs, which gives a functional model of the same layers. Models inside of models are taken apart in the same way,
while the outer graph goes on with the inner model as one operation.

How Keras decides on `training`: what a call says; else what the call around it says; else the default of the signature.
A functional model that is told puts it in the place of what its layers were told
(keras/src/models/functional.py, `operation_fn`; keras/src/layers/layer.py, `_resolve_and_populate_arg`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from harness.data import KerasGraph, Shape
from harness.engines.keras.calls import Call, Slot, makers, needed_for
from harness.engines.keras.functions import deep_graphs, first_line
from harness.engines.keras.names import as_node, with_names
from harness.errors import CandidateError
from harness.extras import import_keras


@dataclass(frozen=True)
class Trace:
    """A model taken apart."""

    graph: KerasGraph
    tensors: tuple[Any, ...]  # symbolic, by number
    calls: tuple[Call, ...]  # in topological order
    opened: bool  # whether something that is written as a class was taken apart, which has to be proven


def trace(model: Any, source: str, input_shape: Shape | None = None) -> Trace:
    """Record the calls of a model's layers.

    Args:
        input_shape: height, width, channels, for a model written as a class that was not built yet.

    Raises:
        CandidateError: it is written as a class and cannot be called on symbolic inputs; what to give is in the message.
    """
    recorder = _Recorder()
    with deep_graphs():
        if is_graph(model):
            inputs = [_input_like(one) for one in model.inputs]
            names = tuple(str(one.name) for one in model.inputs)
        else:
            inputs = class_inputs(model, source, input_shape)
            names = tuple(str(one.name) for one in inputs)
            recorder.opened = True
        for one in inputs:
            recorder.number(one)
        args = as_arguments(model, inputs)
        try:
            if not model.built:
                model(*args)
            outputs = recorder.inside(model, args, {}, _Place())
        except Exception as error:
            if is_graph(model):
                raise
            raise _cannot_be_called(model, source, error) from error
    return recorder.finish(inputs, outputs, names)


def is_graph(model: Any) -> bool:
    """True for a Sequential or functional model; what a subclass of one does in a `call` of its own is not its graph."""
    return _is_functional(model) or _is_sequential(model)


def as_arguments(model: Any, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """A model's flat inputs as the arguments of a call of it."""
    if isinstance(model, _functional()):
        return (import_keras().tree.pack_sequence_as(model.input, list(inputs)),)
    if len(inputs) == 1 or sum(needed for _, needed in _tensor_parameters(model)) > 1:
        return tuple(inputs)
    return (list(inputs),)


def class_inputs(model: Any, source: str, input_shape: Shape | None) -> list[Any]:
    """Symbolic inputs for a model that is written as a class.

    Raises:
        CandidateError: nothing says of which shape.
    """
    keras = import_keras()
    if isinstance(model, (_functional(), keras.Sequential)):
        return [_input_like(one) for one in model.inputs]
    known = model.get_build_config() if model.built else None
    built: Any = (known or {}).get("input_shape", (known or {}).get("shapes_dict"))
    if built is None and input_shape is None:
        raise CandidateError(
            f"{source} gives a model of a class ({type(model).__name__}) that was not called yet, so that its input's shape "
            "is not known",
            fix="let the function call it once, model(keras.Input((HEIGHT, WIDTH, CHANNELS))), before it returns it",
        )
    single = built is None or _is_shape(built)
    if single and (others := [name for name, needed in _tensor_parameters(model)[1:] if needed]):
        raise CandidateError(
            f"{source} gives a model of a class ({type(model).__name__}) whose call() reads {', '.join(others)} beside its "
            "first argument, and Keras keeps the first one's shape only",
            fix="let call() take its inputs as one list",
        )
    if input_shape is not None and single and (built is None or _fits(built, input_shape)):
        built = (None, *input_shape)
    if single:
        return [keras.Input(batch_shape=tuple(built), dtype="float32")]
    named = built.items() if isinstance(built, Mapping) else ((None, shape) for shape in built)
    return [
        keras.Input(batch_shape=tuple(shape), dtype="float32", name=name and str(name).removesuffix("_shape"))
        for name, shape in named
    ]


@dataclass(frozen=True)
class _Place:
    """Where a call stands: the models around it, and what they say about `training`."""

    path: tuple[str, ...] = ()
    training: bool | None = None
    overrides: bool = False  # a functional model's word goes before that of its layers' calls


class _Recorder:
    def __init__(self) -> None:
        self.tree = import_keras().tree
        self.numbers: dict[int, int] = {}
        self.tensors: list[Any] = []
        self.kept: list[Any] = []  # tensors known by their address must not be let go
        self.calls: list[Call] = []
        self.opened = False

    def number(self, tensor: Any) -> int:
        if id(tensor) not in self.numbers:
            self.numbers[id(tensor)] = len(self.tensors)
            self.tensors.append(tensor)
        return self.numbers[id(tensor)]

    def alias(self, tensor: Any, number: int) -> None:
        self.numbers[id(tensor)] = number
        self.kept.append(tensor)

    def call(self, place: _Place, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a layer on symbolic tensors and record it, or what is inside of it."""
        keras = import_keras()
        told = "training" in kwargs and not place.overrides
        if place.training is not None and not told and isinstance(layer, keras.layers.Layer):
            kwargs["training"] = place.training
        outputs = layer(*args, **kwargs)
        if type(layer).__name__ == "ConvertToTensor" and _is_symbolic(args[0]) and args[0].dtype == outputs.dtype:
            self.alias(outputs, self.number(args[0]))  # with them a functional model begins, if a call() calls it
            return outputs
        if not (_is_model(layer) or _is_block(layer)) or not self._take_apart(place, layer, args, kwargs, outputs):
            self._record(place, layer, args, kwargs, outputs)
        return outputs

    def inside(self, layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], place: _Place) -> list[Any]:
        """Record the calls inside of a model or a block, whose inputs are numbered; its output tensors, flat."""
        keras = import_keras()
        if _is_sequential(layer):
            (x,) = args
            inner = replace(place, training=kwargs.get("training", place.training), overrides=True)
            for one in layer.layers:
                x = self.call(inner, one, x)
            return list(self.tree.flatten(x))
        if _is_functional(layer):
            inner = replace(place, training=kwargs.get("training", place.training), overrides=True)
            return self._walk(layer, self._as_declared(layer, args[0]), inner)
        signature = inspect.signature(layer.call).parameters
        default = signature["training"].default if "training" in signature else None
        training = kwargs.get("training", default if isinstance(default, bool) else None)
        handed = {name: value for name, value in kwargs.items() if name != "training"}
        if training is not None and "training" in signature:
            handed["training"] = training
        made = layer.call(*args, **handed)
        inputs = [one for one in self.tree.flatten((args, handed)) if _is_symbolic(one)]
        return self._walk(keras.Model(inputs, made), inputs, replace(place, training=training, overrides=False))

    def finish(self, inputs: Sequence[Any], outputs: Sequence[Any], names: tuple[str, ...]) -> Trace:
        """Put the calls in order, give them names, and number the tensors anew: inputs, then as they are made."""
        first, last = [self.number(one) for one in inputs], [self.number(one) for one in outputs]
        calls, _ = needed_for(makers(self.calls), first, last)
        order = dict.fromkeys([*first, *(number for call in calls for number in call.outputs)])
        new = {number: index for index, number in enumerate(order)}

        def renumbered(value: Any) -> Any:
            return Slot(new[value.number]) if isinstance(value, Slot) else value

        renamed = with_names(
            [
                replace(
                    call,
                    arguments=self.tree.map_structure(renumbered, call.arguments),
                    inputs=tuple(new[number] for number in call.inputs),
                    outputs=tuple(new[number] for number in call.outputs),
                )
                for call in calls
            ]
        )
        tensors = tuple(self.tensors[number] for number in order)
        nodes = tuple(as_node(call, [tensors[number] for number in call.outputs]) for call in renamed)
        shapes = tuple(tuple(one.shape) for one in inputs)
        graph = KerasGraph(nodes, tuple(new[one] for one in first), tuple(new[one] for one in last), names, shapes)
        return Trace(graph, tensors, tuple(renamed), self.opened)

    def _record(self, place: _Place, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
        inputs: list[int] = []

        def slot(value: Any) -> Any:
            if not _is_symbolic(value):
                return value
            inputs.append(self.number(value))
            return Slot(inputs[-1])

        arguments = self.tree.map_structure(slot, (args, kwargs))
        outputs = tuple(self.number(one) for one in self.tree.flatten(made))
        self.calls.append(Call(layer, arguments, tuple(inputs), outputs, place.path))

    def _take_apart(
        self, place: _Place, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> bool:
        """Record what is inside of a nested model or block; False if it can only be recorded as a whole."""
        calls, opened = len(self.calls), self.opened
        if is_graph(layer) and not args and "inputs" in kwargs:
            args, kwargs = (kwargs["inputs"],), {name: value for name, value in kwargs.items() if name != "inputs"}
        inner: dict[int, Any] = {}

        def fresh(value: Any) -> Any:
            if not _is_symbolic(value):
                return value
            if id(value) not in inner:
                inner[id(value)] = _input_like(value)
                self.alias(inner[id(value)], self.number(value))
            return inner[id(value)]

        inner_args, inner_kwargs = self.tree.map_structure(fresh, (args, kwargs))
        inner_place = replace(place, path=(*place.path, str(layer.name)))
        try:
            if is_graph(layer) and (len(args) != 1 or any(map(_is_symbolic, self.tree.flatten(kwargs)))):
                return False
            made = self.inside(layer, inner_args, inner_kwargs, inner_place)
            flat = self.tree.flatten(outputs)
            if len(made) != len(flat) or not (is_graph(layer) or self._covers(layer, self.calls[calls:])):
                raise ValueError("is more than its layers' calls")
        except Exception:
            if is_graph(layer):
                raise
            del self.calls[calls:]
            self.opened = opened
            return False
        self.opened = self.opened or not is_graph(layer)
        for outer, one in zip(flat, made, strict=True):
            self.alias(outer, self.number(one))
        return True

    def _covers(self, layer: Any, calls: Sequence[Call]) -> bool:
        """True if every weight of a block is one of a call's inside of it."""
        found = {id(variable) for call in calls for variable in call.variables()}
        return all(id(variable) in found for variable in layer.weights)

    def _walk(self, graph: Any, inputs: Sequence[Any], place: _Place) -> list[Any]:
        """Walk through a functional model, given flat; its output tensors, flat."""
        keras = import_keras()
        if type(graph) is not _functional() or isinstance(graph.input, Mapping):
            # A subclass's constructor may want something else, and a mapping insists on its inputs' names.
            graph = keras.Model(list(graph.inputs), list(graph.outputs))
        copy = keras.models.clone_model(
            graph,
            input_tensors=self.tree.pack_sequence_as(graph.input, list(inputs)),
            clone_function=lambda layer: layer,
            call_function=lambda layer, *args, **kwargs: self.call(place, layer, *args, **kwargs),
        )
        self.kept.append(copy)
        return list(copy.outputs)

    def _as_declared(self, model: Any, given: Any) -> list[Any]:
        """A functional model's inputs, flat, in the order and of the type that it declares, as Keras hands them over."""
        declared = model.input
        if isinstance(given, Mapping) and not isinstance(declared, Mapping):
            given = [given[one.name] for one in self.tree.flatten(declared)]
        flat = []
        for one, wanted in zip(self.tree.flatten(given), model.inputs, strict=True):
            if len(one.shape) != len(wanted.shape):
                raise CandidateError(
                    f"nested model is given {len(one.shape)} axes where it declares {len(wanted.shape)}",
                    layer=str(model.name),
                    fix="give it what it declares: insert a Reshape",
                )
            if one.dtype != wanted.dtype:
                one = self._cast(one, wanted.dtype)
            flat.append(one)
        return flat

    def _cast(self, tensor: Any, dtype: str) -> Any:
        made = import_keras().ops.cast(tensor, dtype)
        operation = import_keras().Model(tensor, made).operations[-1]
        self._record(_Place(), operation, (tensor,), {}, made)
        fresh = _input_like(made)
        self.alias(fresh, self.number(made))
        return fresh


@cache
def _functional() -> Any:
    keras = import_keras()
    tensor = keras.Input((1,))
    return type(keras.Model(tensor, tensor))


def _is_functional(model: Any) -> bool:
    return isinstance(model, _functional()) and type(model).call is _functional().call


def _is_sequential(model: Any) -> bool:
    sequential = import_keras().Sequential
    return isinstance(model, sequential) and type(model).call is sequential.call


def _is_model(layer: Any) -> bool:
    return isinstance(layer, import_keras().Model)


def _is_block(layer: Any) -> bool:
    """A layer of the user's own that is made of layers."""
    keras = import_keras()
    if not isinstance(layer, keras.layers.Layer) or layer.compute_dtype != layer.variable_dtype:
        return False
    if type(layer).call.__module__.partition(".")[0] in ("keras", "harness"):
        return False
    return any(isinstance(one, keras.layers.Layer) for one in keras.tree.flatten(list(vars(layer).values())))


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, import_keras().KerasTensor)


def _input_like(tensor: Any) -> Any:
    return import_keras().Input(batch_shape=tensor.shape, dtype=tensor.dtype)


def _is_shape(built: Any) -> bool:
    return isinstance(built, Sequence) and all(size is None or isinstance(size, int) for size in built)


def _fits(built: Sequence[int | None], shape: Shape) -> bool:
    return len(built) == len(shape) + 1 and all(a is None or a == b for a, b in zip(built[1:], shape, strict=True))


def _tensor_parameters(model: Any) -> list[tuple[str, bool]]:
    """The arguments of `call` that can take tensors, and whether each must be given."""
    signature = inspect.signature(model.call).parameters
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        (name, parameter.default is parameter.empty)
        for name, parameter in signature.items()
        if parameter.kind in positional and name not in ("training", "mask")
    ]


def _cannot_be_called(model: Any, source: str, error: Exception) -> CandidateError:
    """Why a model written as a class cannot be recorded, and what to do about it."""
    said = f"{type(error).__name__} {error}"
    if "KerasTensor" in said or "symbolic" in said.lower():
        fix = (
            "inside of call(), use keras.ops in place of TensorFlow's or NumPy's functions, and let nothing depend on a "
            "tensor's values"
        )
    else:
        fix = "its layers' calls are recorded with symbolic inputs: call() has to work on keras.Input(shape)"
    return CandidateError(
        f"{source} gives a model of a class ({type(model).__name__}) whose call() cannot be recorded: {first_line(error)}",
        fix=fix,
    )
