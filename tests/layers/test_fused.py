"""A convolution or a dense layer with Keras' `activation` stands for two Caffe layers, and is judged behind both."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from support import loops, nets
from support.neurons import each
from support.verdicts import judge_pair

from harness.compare import limits
from harness.data import Status, Top
from harness.extras import import_keras
from harness.layers import layer_type
from harness.layers.base import Exact, Unit, gamma

DATA = Top("data", "data")
FIFTH = float(np.float32(0.2))


class Function(NamedTuple):
    """A Caffe type and its parameters, Keras' name of the function, and the function."""

    kind: str
    parameters: str
    activation: str
    of: Callable[[float], float]


FUNCTIONS = (
    Function("ReLU", "", "relu", lambda x: max(x, 0.0)),
    Function("ReLU", "relu_param { negative_slope: 0.2 }", "leaky_relu", lambda x: x if x > 0 else FIFTH * x),
    Function("TanH", "", "tanh", math.tanh),
    Function("Sigmoid", "", "sigmoid", lambda x: 1 / (1 + math.exp(-x))),
    Function("ELU", "", "elu", lambda x: x if x > 0 else math.expm1(x)),
    Function("BNLL", "", "softplus", lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x)))),
    Function("Exp", "", "exponential", math.exp),
    Function("Swish", "", "swish", lambda x: x / (1 + math.exp(-x))),
    Function("Clip", "clip_param { min: 0 max: 6 }", "relu6", lambda x: min(max(x, 0.0), 6.0)),
)
every_function = pytest.mark.parametrize(
    "function", [pytest.param(function, id=f"{function.kind}-{function.activation}") for function in FUNCTIONS]
)
sizes = pytest.mark.parametrize("size", [0.1, 1.0, 6.0, 25.0])


class Fused:
    """A layer with weights and its function behind it, in place, and what they give in float64."""

    def __init__(self, function: Function, size: float = 1.0, dense: bool = False) -> None:
        parameters = "num_output: 4 kernel_size: 3 pad: 1"
        before = nets.conv("data", "layer", parameters)
        if dense:
            before = nets.layer("InnerProduct", "data", "layer", "inner_product_param { num_output: 4 }")
        behind = nets.layer(function.kind, "layer", "function", function.parameters, top="layer")
        self.function = function
        self.dense = dense
        self.net = nets.network(nets.data(*((9, 12) if dense else (2, 5, 7, 8))) + before + behind)
        self.blobs = nets.random_blobs(self.net)
        kernel, bias = self.blobs["layer"]
        self.blobs["layer"] = ((size * kernel).astype(np.float32), bias)
        self.x = nets.random_inputs(self.net)[DATA]
        if dense:
            self.inside = loops.inner_product(self.x, *self.blobs["layer"])
        else:
            self.inside = loops.convolution(self.x, *self.blobs["layer"], (1, 1), (1, 1), (1, 1), 1)
        self.top = each(function.of, self.inside)

    def by_hand(self, activation: str | None):
        """A model as a person writes it, its one layer under another name than Caffe's."""
        keras = import_keras()
        if self.dense:
            layer = keras.layers.Dense(4, activation=activation, name="mine")
        else:
            layer = keras.layers.Conv2D(4, 3, padding="same", activation=activation, name="mine")
        model = keras.Sequential([keras.Input((12,) if self.dense else (7, 8, 5)), layer])
        kernel, bias = self.blobs["layer"]
        nets.fill(model, {"mine": {"kernel": kernel.T if self.dense else kernel.transpose(2, 3, 1, 0), "bias": bias}})
        return model

    def computed(self) -> np.ndarray:
        """What Keras computes, sites × channels."""
        feed = self.x if self.dense else np.moveaxis(self.x, 1, -1)
        return np.asarray(self.by_hand(self.function.activation)(feed)).reshape(-1, 4)

    def exact(self) -> Exact:
        """The harness' definition of both."""
        first, behind = self.net.layers[-2:]
        sites = nets.all_sites(self.top.shape)
        exact = layer_type(first).define(first, self.blobs["layer"], [self.x], sites)
        return layer_type(behind).follow(behind, (), exact)

    def unit(self) -> Unit:
        """The harness' rounding unit behind both."""
        first, behind = self.net.layers[-2:]
        top = self.top.astype(np.float32)
        unit = layer_type(first).unit(first, self.blobs["layer"], [self.x], self.inside.astype(np.float32))
        return layer_type(behind).follow_unit(behind, (), unit, top)

    def judge(self, activation: str | None, **options):
        """A model by hand against the loops' rounded result."""
        model = self.by_hand(activation)
        return judge_pair(self.net, model, self.blobs, {DATA: self.x}, self.top.astype(np.float32), **options)


@every_function
@sizes
def test_the_definition_of_both_is_that_of_the_loops(function: Function, size: float) -> None:
    fused = Fused(function, size)
    exact, expected = fused.exact(), nets.rows(fused.top)
    assert (np.abs(exact.value - expected) <= 1e-14 * exact.terms * np.maximum(np.abs(expected), exact.scale)).all()


@every_function
@sizes
@pytest.mark.parametrize("dense", [False, True], ids=["convolution", "dense"])
def test_keras_is_within_the_bound_and_few_units(function: Function, size: float, dense: bool) -> None:
    fused = Fused(function, size, dense)
    error = np.abs(fused.computed() - nets.rows(fused.top))
    assert (error <= fused.exact().bound).all()
    units = error / fused.unit().rows(0, len(error))
    assert units.max() <= limits.MAX_UNITS
    assert np.sqrt((units**2).mean()) <= limits.RMS_UNITS


@every_function
@pytest.mark.parametrize("terms", [10, 1000, 100_000])
def test_no_error_within_the_bound_before_leads_out_of_the_bound_behind(function: Function, terms: int) -> None:
    """γₙ of a hundred thousand terms is no small number, and a tanh is steep where it was flat."""
    rng = np.random.default_rng(terms)
    fused = Fused(function)
    inside, scale = rng.normal(size=(500, 4)) * 5, rng.uniform(0, 300, size=(500, 4))
    before = Exact(inside, scale, terms)
    behind = layer_type(fused.net.layers[-1]).follow(fused.net.layers[-1], (), before)
    for share in (-1.0, -0.6, -0.2, 0.3, 0.7, 1.0):
        moved = each(function.of, inside + share * gamma(terms) * scale)
        assert (np.abs(moved - behind.value) <= (1 + 1e-9) * behind.bound).all()


@every_function
@sizes
def test_a_small_error_before_is_as_many_units_behind(function: Function, size: float) -> None:
    """Three units in front of the function are not more than three behind it, and not lost in them either."""
    fused = Fused(function, size)
    first = fused.net.layers[-2]
    inside = nets.rows(fused.inside)
    before = layer_type(first).unit(first, fused.blobs["layer"], [fused.x], fused.inside.astype(np.float32))
    moved = each(function.of, inside + 3 * before.rows(0, len(inside)))
    units = np.abs(moved - nets.rows(fused.top)) / fused.unit().rows(0, len(inside))
    assert units.max() <= 3.3
    assert units.max() > (0.3 if size < 1 else 1.5), "the unit is so large that errors vanish in it"


@every_function
@pytest.mark.parametrize("dense", [False, True], ids=["convolution", "dense"])
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_a_fused_layer_by_hand_matches(function: Function, dense: bool, strict: bool) -> None:
    row = Fused(function, 2.0, dense).judge(function.activation, strict=strict)
    assert (row.status, row.caffe, row.keras, row.note) == (Status.MATCH, ("layer", "function"), ("mine",), None)


@every_function
@pytest.mark.parametrize("other", ["relu", "tanh", "sigmoid", "elu", "softplus"])
def test_another_function_diverges(function: Function, other: str) -> None:
    if other != function.activation:
        row = Fused(function, 8.0).judge(other)
        assert (row.status, row.caffe) == (Status.DIVERGES, ("layer", "function"))


@every_function
def test_a_slightly_wrong_kernel_diverges(function: Function) -> None:
    fused = Fused(function)
    kernel, bias = fused.blobs["layer"]
    wrong = fused.by_hand(function.activation)
    nets.fill(wrong, {"mine": {"kernel": (kernel * np.float32(1 + 3e-5)).transpose(2, 3, 1, 0), "bias": bias}})
    row = judge_pair(fused.net, wrong, fused.blobs, {DATA: fused.x}, fused.top.astype(np.float32))
    assert row.status is Status.DIVERGES


@every_function
def test_a_function_left_out_is_missing(function: Function) -> None:
    from harness.engines.keras import wrap_model
    from harness.mapping import map_layers

    fused = Fused(function)
    layer_map = map_layers(fused.net, wrap_model(fused.by_hand(None), "model.py").graph)
    assert layer_map.missing == {
        "function": "no Keras layer is named 'function' and none stands at its place in the graph"
    }


def test_what_moves_nothing_farther_leaves_the_unit_as_compact_as_it_was() -> None:
    fused = Fused(FUNCTIONS[0])
    first = fused.net.layers[-2]
    before = layer_type(first).unit(first, fused.blobs["layer"], [fused.x], fused.inside.astype(np.float32))
    assert fused.unit().dense is None
    np.testing.assert_array_equal(fused.unit().rows(0, 9), before.rows(0, 9))
