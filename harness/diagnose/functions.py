"""Activations as functions of numbers: Keras' by their names and arguments, Caffe's by its layers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.caffe.caffe_pb2 import LayerParameter
from harness.data import KerasNode, Layer
from harness.diagnose.setting import Mistake, Setting
from harness.layers.base import Exact, Index


def _relu(
    x: np.ndarray, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> np.ndarray:
    y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.minimum(y, max_value)


def _leaky_relu(x: np.ndarray, negative_slope: float = 0.2) -> np.ndarray:
    return _relu(x, negative_slope)


def _elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


def _gelu(x: np.ndarray, approximate: bool = False) -> np.ndarray:
    erf = np.vectorize(math.erf, otypes=[np.float64])
    inside = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)) if approximate else erf(x / math.sqrt(2))
    y: np.ndarray = 0.5 * x * (1 + inside)
    return y


def _softplus(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.logaddexp(x, 0)
    return y


def _softmax(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.exp(x - x.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    return y


_FORMS: Mapping[str, Callable[..., np.ndarray]] = {
    "linear": lambda x: x,
    "relu": _relu,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "sigmoid": _sigmoid,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tanh": np.tanh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "softmax": _softmax,
}
"""Keras' activations of sites × channels, by the names that `activation=` takes."""

_CLASSES = {
    "ReLU": "relu", "Relu": "relu", "Relu6": "relu6", "LeakyReLU": "leaky_relu", "LeakyRelu": "leaky_relu",
    "ELU": "elu", "Elu": "elu", "Selu": "selu", "Sigmoid": "sigmoid", "HardSigmoid": "hard_sigmoid", "Tanh": "tanh",
    "Softplus": "softplus", "Softsign": "softsign", "Gelu": "gelu", "Silu": "silu", "Mish": "mish", "Identity": "linear",
}  # fmt: skip
"""Keras layers and operations that are one of them."""

_WRITTEN = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "softmax": "Softmax"}
"""Those that have a layer of their own."""

STEEPEST = 1.8
"""The largest slope of the functions above but for those that are given one."""


@dataclass(frozen=True)
class Function:
    """One of the functions above with its arguments, those left out that are the defaults."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Of sites × channels, element by element but for softmax."""
        value: np.ndarray = _FORMS[self.name](x, **dict(self.arguments))
        return value

    def __str__(self) -> str:
        return f"{self.name}({self._given})" if self.arguments else self.name

    @property
    def layer(self) -> str:
        """The Keras layer that is this function, as one writes it."""
        written = _WRITTEN.get(self.name)
        return f"{written}({self._given})" if written else f'Activation("{self.name}")'

    @property
    def argument(self) -> str:
        """The argument with which another Keras layer applies it behind its own."""
        return f"activation={self.layer}" if self.arguments else f'activation="{self.name}"'

    @property
    def _given(self) -> str:
        return ", ".join(f"{name}={value:.7g}" for name, value in self.arguments)


LINEAR = Function("linear")


def function(name: str, /, **given: Any) -> Function | None:
    """A function by Keras' name of it, in one form where there are several: a leaky slope of 0 is `relu`.

    Args:
        given: its arguments; what the function does not have is left out.
    """
    name = {"swish": "silu", "re_lu": "relu"}.get(name, name)
    if name not in _FORMS:
        return None
    if name in ("relu", "leaky_relu"):
        default = 0.2 if name == "leaky_relu" else 0.0
        slope, most, threshold = given.get("negative_slope", default), given.get("max_value"), given.get("threshold")
        if not threshold and most == 6 and not slope:
            return Function("relu6")
        if not threshold and most is None:
            return Function("leaky_relu", (("negative_slope", float(slope)),)) if slope else Function("relu")
        given = {"negative_slope": slope or None, "max_value": most, "threshold": threshold or None}
    known = inspect.signature(_FORMS[name]).parameters if name in ("relu", "elu", "gelu") else {}
    kept = [(key, value) for key, value in given.items() if key in known and value not in (None, known[key].default)]
    return Function(name, tuple(kept))


def keras_function(node: KerasNode) -> Function | None:
    """What a Keras layer applies to what it has computed; `linear` for nothing, None if its configuration does not say."""
    if node.class_name in _CLASSES:
        return _of_class(node.class_name, node.config)
    if "activation" not in node.config:
        return None
    given = node.config["activation"]
    if given is None:
        return LINEAR
    if isinstance(given, Mapping):
        inner = given.get("config")
        if isinstance(inner, Mapping):
            return _of_class(str(given.get("class_name")), inner)
        given = inner if inner is not None else given.get("class_name")
    return function(str(given).lower())


def _of_class(class_name: str, config: Mapping[str, Any]) -> Function | None:
    given = dict(config)
    if class_name == "LeakyReLU" and "alpha" in given:  # Keras 2
        given["negative_slope"] = given["alpha"]
    return function(_CLASSES.get(class_name, class_name), **given)


def caffe_function(layer: Layer) -> Function | None:
    """The function that an activation layer of Caffe's is, a softmax one over the channels; None for other layers."""
    parameters = layer.parameters
    if layer.type == "ReLU":
        return function("relu", negative_slope=_short(parameters.relu_param.negative_slope))
    if layer.type == "ELU":
        return function("elu", alpha=_short(parameters.elu_param.alpha))
    if layer.type == "Swish" and parameters.swish_param.beta == 1:
        return function("silu")
    if layer.type == "Softmax" and parameters.softmax_param.axis == 1:
        return Function("softmax")
    name = {"Sigmoid": "sigmoid", "TanH": "tanh", "BNLL": "softplus"}.get(layer.type)
    return function(name) if name else None


def _short(value: float) -> float:
    """A float32 as it was written."""
    return float(str(np.float32(value)))


def in_place_of(layer: Layer | None, other: Function) -> Mistake:
    """Another function in the place of one of the layers; behind all of them where it stands for none.

    Raises ValueError, when it is made, if another mistake has put something in the layer's place already.
    """

    def make(setting: Setting) -> Setting:
        layers = setting.layers
        if layer is not None and layer not in layers:
            raise ValueError(f"{layer.name} is not there any more")
        if layer is not None and layers[0].name == layer.name:
            layers = (_identity(layer), *layers[1:])
        elif layer is not None:
            layers = tuple(one for one in layers if one.name != layer.name)
        return replace(setting, layers=layers, then=(*setting.then, applied(other)))

    return make


def applied(other: Function) -> Callable[[Exact, Index], Exact]:
    """A function of the definition's rows, which brings their rounding errors along."""

    def step(exact: Exact, sites: Index) -> Exact:
        with np.errstate(all="ignore"):
            value = other(exact.value)
        steepest = max(STEEPEST, *(abs(float(value)) for _, value in other.arguments)) if other.arguments else STEEPEST
        # Some take 1 from what is nearly 1, so that what they are given counts, and not only what they give.
        scale = steepest * (exact.scale + np.abs(exact.value)) + np.abs(value)
        return replace(exact, value=value, scale=scale, terms=exact.terms + 8)

    return step


def _identity(layer: Layer) -> Layer:
    """A layer in the place of another that leaves its bottom as it is: a Power with nothing to do."""
    return replace(layer, type="Power", parameters=LayerParameter())
