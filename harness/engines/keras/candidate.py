"""A Keras model as the comparison sees it: its calls as plain data, and pieces of it to run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.data import KerasGraph, Pair, Shape
from harness.engines.keras.calls import Call, makers, needed_for
from harness.engines.keras.functions import deep_graphs, first_line
from harness.engines.keras.proof import prove_trace
from harness.engines.keras.segment import Segment
from harness.engines.keras.trace import Trace, class_inputs, is_graph, trace
from harness.errors import CandidateError, HarnessError
from harness.extras import import_keras


def version() -> str:
    """`3.15.1 (tensorflow 2.21.0)`."""
    keras = import_keras()
    import tensorflow

    return f"{keras.__version__} (tensorflow {tensorflow.__version__})"


def wrap_model(model: Any, source: str, input_shape: Shape | None = None, origin: str = "") -> Candidate:
    """A live Keras model as a candidate.

    Args:
        input_shape: height, width, channels, for a model that was not built yet.
        origin: what the report is to say of where it comes from.

    Raises:
        CandidateError: it is not a Keras model, or it is not built and nothing says of which shape its input is.
    """
    keras = import_keras()
    if not isinstance(model, keras.Model):
        kept = type(model).__module__.partition(".")[0]
        fix = "build it with Keras 3 (import keras), or save it and give the file" if kept == "tf_keras" else None
        raise CandidateError(f"{source} gives a {type(model).__name__}, not a keras.Model", fix=fix)
    if isinstance(model, keras.Sequential) and not model.built and input_shape is not None:
        try:
            with deep_graphs():
                model.build((None, *input_shape))
        except Exception as error:
            raise CandidateError(f"{source} gives a model that cannot be built: {first_line(error)}") from error
    if isinstance(model, keras.Sequential) and not (model.built and model.inputs):
        raise CandidateError(
            f"{source} gives a model that does not know its input yet", fix="begin it with keras.Input(shape)"
        )
    if not is_graph(model) and not isinstance(model, keras.Sequential):
        _refuse_empty_class(model, source)
        class_inputs(model, source, input_shape)
    return Candidate(model, source, input_shape, origin)


def _refuse_empty_class(model: Any, source: str) -> None:
    if type(model).call is import_keras().Model.call:
        raise CandidateError(
            f"{source} gives a model of a class ({type(model).__name__}) without a call(), which computes nothing",
            fix="write its call(self, inputs), or build it as keras.Model(inputs, outputs)",
        )


@dataclass(frozen=True)
class NamedLayer:
    """A layer under its node's name, for whoever fills weights by name."""

    name: str
    weights: tuple[Any, ...]


@dataclass(frozen=True)
class Candidate:
    """A Keras model and its graph. Tracing it copies no weights; it is done once, when first needed."""

    model: Any
    source: str
    input_shape: Shape | None = None
    origin: str = ""
    misfit: HarnessError | None = None  # why it cannot be built as it is, so that its height and width were left open

    @cached_property
    def _trace(self) -> Trace:
        traced = trace(self.model, self.source, self.input_shape)
        if traced.opened:
            prove_trace(traced, self.model, self.source, self.input_shape)
        return traced

    @cached_property
    def _calls(self) -> dict[str, Call]:
        return {call.name: call for call in self._trace.calls}

    @cached_property
    def _makers(self) -> dict[int, Call]:
        return makers(self._trace.calls)

    @property
    def version(self) -> str:
        """Keras' version and TensorFlow's, and what kind of file the model was."""
        return f"{version()}; {self.origin}" if self.origin else version()

    @property
    def graph(self) -> KerasGraph:
        """The model as plain data."""
        return self._trace.graph

    @property
    def is_opened(self) -> bool:
        """True if code of the user's was run to record its calls, which are then held against the model itself."""
        return self._trace.opened

    @property
    def calls(self) -> tuple[Call, ...]:
        """The graph's nodes with the live layers that they are calls of, in the same order."""
        return self._trace.calls

    @property
    def layers(self) -> list[NamedLayer]:
        """Every layer that is called, nested ones included, once, by its node's name, with its live weights."""
        seen: set[int] = set()
        found = []
        for call in self._trace.calls:
            if id(call.layer) not in seen:
                seen.add(id(call.layer))
                found.append(NamedLayer(call.name, tuple(call.variables())))
        return found

    def layer(self, name: str) -> Any:
        """The live Keras layer (or `keras.ops` operation) of a node. Raises KeyError."""
        return self._calls[name].layer

    def weights_of(self, name: str) -> dict[str, np.ndarray]:
        """A node's weights by the variables' names, copied. Raises KeyError.

        Where two have the same name, as in a layer made of layers, the inner layer's name goes before it.
        """
        variables = self._calls[name].variables()
        plain = [str(one.name) for one in variables]
        names = [
            own if plain.count(own) == 1 else "/".join(str(one.path).split("/")[-2:])
            for own, one in zip(plain, variables, strict=True)
        ]
        return {own: np.array(one) for own, one in zip(names, variables, strict=True)}

    def tensor_rank(self, number: int) -> int:
        """How many axes a tensor of the graph has."""
        return len(self.tensor(number).shape)

    def tensor(self, number: int) -> Any:
        """A tensor of the graph, symbolic: its shape and type."""
        return self._trace.tensors[number]

    def segment(self, pair: Pair) -> Segment:
        """The part of the model that computes one pair, sharing its layers and weights.

        Raises:
            CandidateError: it cannot be computed from the pair's inputs alone.
        """
        inputs = tuple(cut.tensor for cut in pair.inputs)
        wanted = tuple(cut.tensor for cut in pair.outputs)
        name = pair.layer.name if pair.caffe else None
        calls, lacking = needed_for(self._makers, inputs, wanted)
        if lacking:
            raise CandidateError("reads more of the Keras model than what it is fed", layer=name)
        types = tuple(str(self.tensor(number).dtype) for number in inputs)
        return Segment(tuple(calls), inputs, wanted, types, name)

    def source_of(self, layer: str) -> str | None:
        """Where a Keras layer is written: `keras_model.py:41`, found by its name; None where it cannot be told."""
        file = Path(self.source)
        if file.suffix != ".py" or not file.is_file():
            return None
        plain = str(self._calls[layer].layer.name) if layer in self._calls else layer
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if f'"{plain}"' in line or f"'{plain}'" in line:
                return f"{file.name}:{number}"
        return None

    def as_array(self, tensor: Any) -> np.ndarray:
        """A tensor's numbers without copying them; they must not outlive it."""
        return np.asarray(memoryview(tensor)) if tensor.shape.rank else np.asarray(tensor)
