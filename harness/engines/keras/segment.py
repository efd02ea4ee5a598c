"""A piece of a traced model as a function, as it stands and rebuilt: with arguments changed, or in float64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.engines.keras.calls import Call, run_calls
from harness.engines.keras.functions import first_line
from harness.errors import CandidateError
from harness.extras import import_keras

SAME = 2e-6
"""Difference, over the largest value, within which two float32 runs of the same layers are the same."""

Edits = Mapping[str, Mapping[str, Any]]
"""Node → arguments to change in its layer's configuration."""

NOTHING: Mapping[str, Mapping[str, np.ndarray]] = {}


@dataclass(frozen=True)
class Segment:
    """Calls between some tensors and others; a function of its inputs alone, sharing the model's layers and weights."""

    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    types: tuple[str, ...]  # what the inputs are declared as
    layer: str | None  # the Caffe layer, for messages

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs, float32; arrays or tensors in Keras' layout.

        Raises:
            CandidateError: Keras cannot compute it for inputs of this shape.
        """
        try:
            return self._results(run_calls(self.calls, self._feeds(inputs, "float32"), self.outputs), "float32")
        except Exception as error:
            raise CandidateError(first_line(error), layer=self.layer) from error

    def run_changed(
        self,
        inputs: Sequence[Any],
        edits: Edits,
        weights: Mapping[str, Mapping[str, np.ndarray]] = NOTHING,
        *,
        wide: bool = False,
    ) -> list[Any]:
        """What it would compute with some of its layers' arguments or weights changed; the model itself stays as it is.

        Args:
            weights: node → variables by their names.
            wide: in float64.

        Raises:
            CandidateError: the changed layers cannot be built, or cannot take these inputs.
        """
        try:
            if not wide:
                return self._results(self._run_rebuilt(inputs, "float32", edits, weights), "float32")
            return self._in_float64(inputs, edits, weights)
        except Exception as error:
            raise CandidateError(f"cannot be changed: {first_line(error)}", layer=self.layer) from error

    def run_float64(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The same function with float64 weights and arithmetic, as arrays.

        Raises:
            CandidateError: a layer that cannot be rebuilt in float64 or for this shape, or that is more than its
                configuration and weights say (what a custom layer keeps elsewhere, chance), so that a rebuilt one
                would be another function.
        """
        self._refuse_hidden_state(inputs)
        try:
            return self._in_float64(inputs, {}, {})
        except Exception as error:
            raise CandidateError(f"cannot run in float64: {first_line(error)}", layer=self.layer) from error

    def _in_float64(
        self, inputs: Sequence[np.ndarray], edits: Edits, weights: Mapping[str, Mapping[str, np.ndarray]]
    ) -> list[np.ndarray]:
        with _everything_float64():
            made = self._run_rebuilt([np.asarray(one, np.float64) for one in inputs], "float64", edits, weights)
            return [np.asarray(made[number]) for number in self.outputs]

    def as_model(self, inputs: Sequence[np.ndarray], names: Sequence[str]) -> Any:
        """The segment as a `keras.Model` of its own: copies of its layers, with their weights.

        Args:
            inputs: arrays of the shapes that it is to take.
            names: of its inputs.

        Raises:
            CandidateError: its layers cannot be made anew from their configuration, or not for these shapes.
        """
        keras = import_keras()
        copies = _Copies("float32", {}, {})
        try:
            symbols = {
                number: keras.Input(batch_shape=tuple(feed.shape), dtype=feed.dtype.name, name=name)
                for (number, feed), name in zip(self._feeds(inputs, "float32").items(), names, strict=True)
            }
            made = run_calls(self.calls, symbols, self.outputs, copies.of)
            copies.fill()
            # A list of one would be a model that warns when it is called with an array.
            ends = [list(symbols.values()), [made[number] for number in self.outputs]]
            return keras.Model(*(one if len(one) > 1 else one[0] for one in ends))
        except Exception as error:
            raise CandidateError(f"cannot be a model of its own: {first_line(error)}", layer=self.layer) from error

    def _refuse_hidden_state(self, inputs: Sequence[np.ndarray]) -> None:
        """Rebuilt in float32, the segment must give what it gives as it stands."""
        pairs = zip(self.run(inputs), self.run_changed(inputs, {}), strict=True)
        if not all(same(np.asarray(live), np.asarray(rebuilt)) for live, rebuilt in pairs):
            raise CandidateError(
                "rebuilt from its layers' configuration and weights it computes something else: it depends on chance, or "
                "on what a layer keeps elsewhere",
                layer=self.layer,
            )

    def _run_rebuilt(
        self, inputs: Sequence[Any], dtype: str, edits: Edits, weights: Mapping[str, Mapping[str, np.ndarray]]
    ) -> dict[int, Any]:
        """Run copies of the layers: made from their configuration, built by a symbolic run, given the weights."""
        keras = import_keras()
        feeds = self._feeds(inputs, dtype)
        copies = _Copies(dtype, edits, weights)
        constant = _wide if dtype == "float64" else _as_it_is
        symbols = {
            number: keras.Input(batch_shape=tuple(feed.shape), dtype=feed.dtype.name) for number, feed in feeds.items()
        }
        run_calls(self.calls, symbols, self.outputs, copies.of, constant)
        copies.fill()
        return run_calls(self.calls, feeds, self.outputs, copies.of, constant)

    def _feeds(self, inputs: Sequence[Any], dtype: str) -> dict[int, Any]:
        """Real numbers as they are; what is declared as whole numbers or truth values is made so, as Keras would."""
        import tensorflow

        feeds = {}
        for number, declared, one in zip(self.inputs, self.types, inputs, strict=True):
            tensor = tensorflow.convert_to_tensor(one)
            feeds[number] = tensorflow.cast(tensor, dtype if "float" in declared else declared)
        return feeds

    def _results(self, made: Mapping[int, Any], dtype: str) -> list[Any]:
        import tensorflow

        return [tensorflow.cast(made[number], dtype) for number in self.outputs]


def same(one: np.ndarray, other: np.ndarray, share: float = SAME) -> bool:
    """True if two arrays differ by no more than a share of the largest finite value."""
    largest = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=share * largest, equal_nan=True))


class _Copies:
    """A copy for each layer, and one for each call whose arguments are changed."""

    def __init__(self, dtype: str, edits: Edits, weights: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        self.dtype, self.edits, self.weights = dtype, edits, weights
        self.made: dict[Any, tuple[Any, Any, Mapping[str, np.ndarray]]] = {}

    def of(self, call: Call) -> Any:
        """The copy that stands in the call's place."""
        edits, weights = self.edits.get(call.name, {}), self.weights.get(call.name, {})
        key = call.name if edits or weights else id(call.layer)
        if key not in self.made:
            self.made[key] = (call.layer, _copy(call.layer, self.dtype, edits, anew=bool(weights)), weights)
        return self.made[key][1]

    def fill(self) -> None:
        """Give every copy its layer's weights. Raises ValueError if they do not fit, or if a copy is not of the type."""
        for layer, copy, changed in self.made.values():
            if copy is layer:
                continue
            for ours, theirs in zip(getattr(copy, "weights", ()), getattr(layer, "weights", ()), strict=True):
                value = changed.get(theirs.name, theirs)
                if tuple(ours.shape) != tuple(value.shape):
                    raise ValueError(f"{layer.name}: {theirs.name} is {tuple(value.shape)}, not {tuple(ours.shape)}")
                if self.dtype == "float64" and ours.dtype != "float64" and "float" in ours.dtype:
                    raise ValueError(f"{layer.name} keeps {theirs.name} in {ours.dtype}")
                ours.assign(value)


def _copy(layer: Any, dtype: str, edits: Mapping[str, Any], *, anew: bool) -> Any:
    keras = import_keras()
    if type(layer) is keras.layers.Lambda:  # a live function needs no serialising, which would not be safe
        wide = {"dtype": dtype} if dtype == "float64" else {"dtype": layer.dtype_policy}
        return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name, **{**wide, **edits})
    is_layer = isinstance(layer, keras.layers.Layer)
    if not is_layer and not edits and not anew and (dtype != "float64" or getattr(layer, "dtype", None) is None):
        return layer  # an operation keeps nothing, and computes in the type that it is given unless it is a cast
    config = layer.get_config()
    if dtype == "float64":
        config = {**_widened(config), **({"dtype": "float64"} if is_layer else {})}
    return type(layer).from_config({**config, **edits})


def _widened(config: Any) -> Any:
    """A configuration with float64 in the place of every type that is written in it, in layers within layers too."""
    if isinstance(config, Mapping):
        return {
            key: "float64" if key == "dtype" and "float" in str(value) else _widened(value)
            for key, value in config.items()
        }
    return [_widened(one) for one in config] if isinstance(config, list) else config


def _wide(value: Any) -> Any:
    """A weight, array or tensor of another number type as float64; Python's own numbers adapt by themselves."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        array = np.asarray(value)
        return array.astype(np.float64) if array.dtype.kind == "f" else value
    return value


def _as_it_is(value: Any) -> Any:
    return value


@contextmanager
def _everything_float64() -> Iterator[None]:
    """What layers make inside of themselves without being told a type is float64 too."""
    keras = import_keras()
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
