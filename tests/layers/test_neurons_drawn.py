"""Caffe's neuron layers with drawn parameters and numbers: Keras against the definition in float64, by bound and by units."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import nets
from support.held import last

from harness.compare import limits
from harness.convert.build import layer_class
from harness.data import Layer
from harness.layers import layer_type
from harness.layers.base import gamma

drawn = settings(
    max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """A float32; the ends are taken to the nearest one inside."""
    return st.floats(float(np.float32(low)), float(np.float32(high)), width=32, allow_subnormal=False)


COEFFICIENT = st.sampled_from([1.0, -1.0, 0.0, 0.1, 0.5, 2.0, 1e-4]) | between(-20, 20)
BASE = st.sampled_from([-1.0, 2.0, 10.0, 0.5]) | between(0.01, 0.98) | between(1.02, 50)
POWER = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, -0.75]) | between(-5, 5)


def said(key: str, **parameters: st.SearchStrategy[float]) -> st.SearchStrategy[str]:
    """Parameters in a prototxt, each with nine digits, which say which float32 is meant."""
    parts = [value.map(lambda value, name=name: f"{name}: {value:.9g}") for name, value in parameters.items()]
    return st.tuples(*parts).map(lambda parts: f"{key} {{ {' '.join(parts)} }}")


PARAMETERS: dict[str, st.SearchStrategy[str]] = {
    "AbsVal": st.just(""),
    "BNLL": st.just(""),
    "Clip": said("clip_param", min=COEFFICIENT, max=COEFFICIENT),
    "ELU": said("elu_param", alpha=COEFFICIENT),
    "Exp": st.just("") | said("exp_param", base=BASE, scale=COEFFICIENT, shift=COEFFICIENT),
    "Log": st.just("") | said("log_param", base=BASE, scale=COEFFICIENT, shift=COEFFICIENT),
    "Power": said("power_param", power=POWER, scale=COEFFICIENT, shift=COEFFICIENT),
    "PReLU": st.sampled_from(["", "prelu_param { channel_shared: true }"]),
    "ReLU": said("relu_param", negative_slope=COEFFICIENT),
    "Sigmoid": st.just(""),
    "Swish": said("swish_param", beta=COEFFICIENT),
    "TanH": st.just(""),
    "Threshold": said("threshold_param", threshold=COEFFICIENT),
}
NUMBER = between(-5, 5) | between(-120, 120) | st.floats(width=32, allow_nan=False, allow_infinity=False)
NUMBERS = st.lists(NUMBER, min_size=1, max_size=24)
every_kind = pytest.mark.parametrize("kind", PARAMETERS)


class Case:
    """A neuron layer before a blob of one number for each channel."""

    def __init__(self, kind: str, parameters: str, numbers: list[float]) -> None:
        self.x = np.array([numbers], np.float32)
        self.layer: Layer = nets.only(nets.single(kind, self.x.shape, parameters))
        self.kind = layer_type(self.layer)
        self.held = last(self.x.shape)
        self.blobs = tuple(
            np.linspace(-1.5, 1.5, int(np.prod(shape)) + 1, dtype=np.float32)[1:].reshape(shape)
            for shape in self.kind.blob_shapes(self.layer, [self.x.shape])
        )
        sites = nets.all_sites(self.x.shape)
        self.exact = self.kind.define(self.layer, self.blobs, [self.x], sites)

    def keras(self, dtype: str) -> np.ndarray:
        """What the converter's Keras layers make of the numbers."""
        y = self.x.astype(dtype)
        for call in self.kind.keras_calls(self.layer, self.held):
            made = layer_class(call)(**call.arguments, dtype=dtype)
            made.build(y.shape)
            for name, array in self.kind.keras_weights(self.layer, self.blobs, self.held).items():
                (variable,) = (one for one in made.weights if one.name == name)
                variable.assign(array)
            y = np.asarray(made(y))
        return y

    def told(self) -> np.ndarray:
        """Where float32 has another infinity: a denormal number under a logarithm or a negative power."""
        inside: Callable[[Layer, np.ndarray], np.ndarray] | None = getattr(self.kind, "before", None)
        if inside is None:
            return np.zeros(self.x.shape, bool)
        tiny = np.finfo(np.float32).tiny
        return (np.abs(self.x) < tiny) | (np.abs(inside(self.layer, self.x.astype(np.float64))) < tiny)


@every_kind
@drawn
@given(st.data())
def test_keras_is_within_the_bound_and_few_units(kind: str, data: st.DataObject) -> None:
    case = Case(kind, data.draw(PARAMETERS[kind]), data.draw(NUMBERS))
    exact, computed = case.exact, case.keras("float32")
    with np.errstate(over="ignore"):
        top = exact.value.astype(np.float32)
    apart = nets.distance(computed, exact.value)
    apart[case.told() | np.isposinf(exact.bound)] = 0.0
    assert (apart <= exact.bound).all()
    unit = case.kind.unit(case.layer, case.blobs, [case.x], top).rows(0, 1)
    units = np.where(apart > 0, apart / unit, 0.0)
    assert units.max() <= limits.MAX_UNITS


@every_kind
@drawn
@given(st.data())
def test_keras_in_float64_is_the_same_function(kind: str, data: st.DataObject) -> None:
    case = Case(kind, data.draw(PARAMETERS[kind]), data.draw(NUMBERS))
    apart = nets.distance(case.keras("float64"), case.exact.value)
    size = np.fmax(case.exact.scale, np.abs(case.exact.value))
    apart[np.isposinf(case.exact.scale)] = 0.0
    share = 4 * gamma(case.exact.terms + 8, 2.0**-53) + case.kind.parameter_rounding
    assert (apart <= share * size + case.exact.floor).all()


@drawn
@given(between(-10, 10), st.lists(between(-30, 30), min_size=1, max_size=8))
@example(0.1, [0.1])
def test_a_threshold_is_the_same_float32_on_both_sides(threshold: float, numbers: list[float]) -> None:
    case = Case("Threshold", f"threshold_param {{ threshold: {threshold:.9g} }}", [*numbers, threshold])
    for dtype in ("float32", "float64"):
        np.testing.assert_array_equal(case.keras(dtype), case.x > np.float32(threshold))
