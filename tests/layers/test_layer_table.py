"""Every layer of the table against plain float64 loops, and its Keras counterpart against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.expected import top_of
from support.layer_table import ALL, CONVERTIBLE, UNCONVERTIBLE, Entry

from harness.compare import limits
from harness.errors import UnsupportedError
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

every_layer = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ALL])
every_convertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in CONVERTIBLE])
every_unconvertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in UNCONVERTIBLE])


class Case:
    """A layer of the table with weights, an input and what it gives."""

    def __init__(self, entry: Entry) -> None:
        self.net = entry.net
        self.layer = nets.only(self.net)
        self.kind = layer_type(self.layer)
        self.blobs = nets.random_blobs(self.net)
        self.inputs = nets.random_inputs(self.net)
        (self.x,) = self.inputs.values()
        self.own = self.blobs.get("layer", ())
        self.expected = top_of(entry, self.own, self.x)
        sites = nets.all_sites(self.expected.shape)
        self.exact = self.kind.define(self.layer, self.own, [self.x], sites)


@every_layer
def test_output_shape_is_that_of_the_loops(entry: Entry) -> None:
    case = Case(entry)
    assert infer_shapes(case.net)[case.layer.tops[0]] == case.expected.shape


@every_layer
def test_definition_is_that_of_the_loops(entry: Entry) -> None:
    case = Case(entry)
    expected = nets.rows(case.expected)
    size = np.maximum(np.abs(expected), case.exact.scale)
    assert case.exact.value.dtype == np.float64
    assert (np.abs(case.exact.value - expected) <= 1e-14 * np.maximum(size, 1e-300)).all()


@every_layer
def test_float64_bottoms_give_the_same_definition(entry: Entry) -> None:
    """Deeper layers are defined on bottoms that are float64 already."""
    case = Case(entry)
    sites = nets.all_sites(case.expected.shape)
    again = case.kind.define(case.layer, case.own, [case.x.astype(np.float64)], sites)
    np.testing.assert_array_equal(again.value, case.exact.value)


@every_layer
def test_some_sites_are_the_same_as_all(entry: Entry) -> None:
    case = Case(entry)
    sites = nets.all_sites(case.expected.shape)
    some = np.arange(0, len(sites), 3)[::-1]
    part = case.kind.define(case.layer, case.own, [case.x], sites[some])
    np.testing.assert_allclose(part.value, case.exact.value[some], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(part.scale, case.exact.scale[some], rtol=1e-14)


@every_layer
def test_rounded_definition_is_within_its_own_bound(entry: Entry) -> None:
    """The one thing that float32 must be able to do is to store the right result."""
    case = Case(entry)
    expected = nets.rows(case.expected)
    assert (np.abs(expected.astype(np.float32) - expected) <= case.exact.bound).all()


@every_layer
def test_unit_is_positive_and_below_the_guaranteed_bound(entry: Entry) -> None:
    """‖w‖·‖x‖ ≤ Σ|w·x| only in the worst case, so the unit may exceed scale · u, but not √terms times."""
    case = Case(entry)
    unit = case.kind.unit(case.layer, case.own, [case.x], case.expected.astype(np.float32))
    rows = unit.rows(0, len(case.exact.value))
    assert rows.dtype == np.float32
    assert rows.shape in (case.exact.value.shape, (len(case.exact.value), 1))
    assert (rows > 0).all()
    if unit.dense is None and unit.site is None:
        assert not case.exact.scale.any(), "a unit of nothing is for layers that round nothing"


@every_convertible
def test_keras_computes_the_same(entry: Entry) -> None:
    case = Case(entry)
    (output,) = nets.run_keras(case.net, case.blobs, case.inputs)
    assert output.size == case.exact.value.size
    error = np.abs(output.reshape(case.exact.value.shape) - nets.rows(case.expected))
    # Keras keeps the slope of a leaky ReLU in float64, Caffe in float32.
    assert (error <= case.exact.bound + case.kind.parameter_rounding * np.abs(nets.rows(case.expected))).all()


@every_convertible
def test_keras_errs_by_few_units(entry: Entry) -> None:
    case = Case(entry)
    (output,) = nets.run_keras(case.net, case.blobs, case.inputs)
    unit = case.kind.unit(case.layer, case.own, [case.x], case.expected.astype(np.float32))
    error = np.abs(output.reshape(case.exact.value.shape) - nets.rows(case.expected))
    units = error / unit.rows(0, len(error))
    if unit.dense is None and unit.site is None:
        assert not error.max()
    else:
        assert units.max() <= limits.MAX_UNITS
        # With a dozen elements or a handful of terms, chance takes the mean a little over its limit.
        assert np.sqrt((units**2).mean()) <= 1.5 * limits.RMS_UNITS


@every_unconvertible
def test_what_keras_lacks_is_refused_by_name(entry: Entry) -> None:
    net = entry.net
    with pytest.raises(UnsupportedError, match=r"Keras") as caught:
        layer_type(net["layer"]).keras_calls(net["layer"], [entry.shape])
    assert str(caught.value).startswith("2, layer 'layer': ")
