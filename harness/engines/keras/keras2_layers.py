"""A layer of Keras 2 as a layer of Keras 3: old names of arguments, and what has no bearing on inference left out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import CandidateError
from harness.extras import import_keras

MODELS = frozenset({"Model", "Functional", "Sequential", "InputLayer"})

RENAMED: Mapping[str, Mapping[str, str]] = {"LeakyReLU": {"alpha": "negative_slope"}}

LEFT_OUT = frozenset(
    {"batch_input_shape", "build_config", "dynamic", "fused", "implementation", "input_dtype", "input_length", "ragged"}
    | {"renorm_clipping", "renorm_momentum"}
)
"""Arguments that do not change what a layer computes at inference; initializers, regularizers and constraints neither."""

ACTIVATIONS = ("activation", "recurrent_activation")

BY_HAND = "build the model in a Python file and give FILE.py:FUNCTION with --keras-weights"


def refuse_unknown(config: Any, file: Path) -> None:
    """Raises CandidateError for a layer that is not one of Keras' own; before any Keras sees the file."""
    for class_name, name in _layers(config):
        if class_name in ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"):
            raise CandidateError(
                "is an operation of TensorFlow, not a layer; Keras 3 has no counterpart",
                file=file,
                layer=name,
                fix=BY_HAND,
            )
        if class_name not in MODELS and getattr(import_keras().layers, class_name, None) is None:
            raise CandidateError(
                f"is of the class {class_name}, which is not one of Keras 3's layers",
                file=file,
                layer=name,
                fix=BY_HAND,
            )
        if class_name == "Lambda":
            raise CandidateError(
                "is a Lambda, whose function the file does not hold", file=file, layer=name, fix=BY_HAND
            )


def as_keras_3(old: Any, file: Path, wrapped: bool = False) -> Any:
    """A new layer of the same kind, not built yet.

    Args:
        wrapped: it stands in a Bidirectional, which sees to what its layers do with masks.

    Raises:
        CandidateError: it is a custom layer, or has an argument that Keras 3 does not know.
    """
    keras = import_keras()
    kind = type(old).__name__
    new = getattr(keras.layers, kind, None)
    if new is None or not type(old).__module__.startswith("tf_keras."):
        raise CandidateError(
            f"is of the class {kind}, which is not one of Keras 3's layers", file=file, layer=str(old.name), fix=BY_HAND
        )
    known = set(inspect.signature(new.__init__).parameters) | {"name", "dtype", "trainable"}
    defaults = inspect.signature(type(old).__init__).parameters
    arguments: dict[str, Any] = {}
    for key, value in old.get_config().items():
        argument = RENAMED.get(kind, {}).get(key, key)
        if key in LEFT_OUT or key.endswith(("_initializer", "_regularizer", "_constraint")):
            continue
        if argument not in known or argument in ("kwargs", "self"):
            if value in (None, False) or (key in defaults and defaults[key].default == value):
                continue
            if (key == "groups" and value == 1) or (key == "zero_output_for_mask" and wrapped):
                continue
            raise CandidateError(
                f"has {key}={value!r}, which Keras 3's {kind} does not know",
                file=file,
                layer=str(old.name),
                fix=BY_HAND,
            )
        arguments[argument] = _value(old, key, value, file)
    return new(**arguments)


def keras_2_hard_sigmoid(x: Any) -> Any:
    """Keras 2's: max(0, min(1, 0.2·x + 0.5)). Keras 3 divides by 6 under the same name."""
    return import_keras().ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _value(old: Any, key: str, value: Any, file: Path) -> Any:
    if key == "dtype":
        return value["config"]["name"] if isinstance(value, Mapping) else value
    if key in ACTIVATIONS:
        return _activation(old, value, file)
    if key in ("layer", "backward_layer") and isinstance(value, Mapping):
        both_ways = type(old).__name__ == "Bidirectional"
        inner = old.backward_layer if key == "backward_layer" else old.forward_layer if both_ways else old.layer
        made = as_keras_3(inner, file, wrapped=both_ways)
        return type(made).from_config({**made.get_config(), "name": value["config"]["name"]})
    if key == "axis" and type(old).__name__ == "BatchNormalization":
        (axis,) = value if isinstance(value, (list, tuple)) else (value,)
        return axis
    return value


def _activation(old: Any, value: Any, file: Path) -> Any:
    keras = import_keras()
    if value is None:
        return None
    if value == "hard_sigmoid":
        return keras.saving.register_keras_serializable("keras2", "hard_sigmoid")(keras_2_hard_sigmoid)
    if isinstance(value, str) and hasattr(keras.activations, value):
        return value
    named = value.get("config", value.get("class_name")) if isinstance(value, Mapping) else value
    raise CandidateError(
        f"has the activation {named!r}, which is not one of Keras 3's", file=file, layer=str(old.name), fix=BY_HAND
    )


def _layers(config: Any) -> Iterator[tuple[str, str]]:
    """Class and name of every layer in a model's JSON, nested ones and wrapped ones too."""
    if isinstance(config, list):
        for one in config:
            yield from _layers(one)
    elif isinstance(config, Mapping):
        own = config.get("config")
        if "class_name" in config and (
            isinstance(own, list) or (isinstance(own, Mapping) and ("name" in own or "layers" in own))
        ):
            yield str(config["class_name"]), str(own.get("name", "") if isinstance(own, Mapping) else "")
        for key in ("config", "layers", "layer", "backward_layer"):
            yield from _layers(config.get(key))
