"""Every layer of the table against plain float64 loops, and its Keras counterpart against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.table import ALL, CONVERTIBLE, UNCONVERTIBLE, Entry, expected_tops

from harness.convert.plan import plan
from harness.errors import UnsupportedError
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes
from harness.layout import Held, from_candidate, last_shape

every_layer = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ALL])
every_convertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in CONVERTIBLE])
every_unconvertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in UNCONVERTIBLE])


class Case:
    """A layer of the table with weights, an input and what it gives."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.net = entry.net
        self.layer = nets.only(self.net)
        self.kind = layer_type(self.layer)
        self.own = entry.blobs(self.net)
        self.blobs = {"layer": self.own} if self.own else {}
        self.bottoms = entry.inputs()
        self.inputs = dict(zip(self.net.inputs, self.bottoms, strict=True))
        self.tops = [np.asarray(top, np.float64) for top in expected_tops(entry, self.own, self.bottoms)]
        self.exact = [self.define(position, self.bottoms) for position in range(len(self.tops))]

    def define(self, position: int, bottoms, sites=None):
        """The harness' definition of a top, at all sites unless some are given."""
        sites = nets.all_sites(self.tops[position].shape) if sites is None else sites
        return self.kind.define(self.layer, self.own, bottoms, sites, position)

    def unit(self, position: int):
        """The harness' rounding unit of a top."""
        with np.errstate(over="ignore"):
            top = self.tops[position].astype(np.float32)
        return self.kind.unit(self.layer, self.own, self.bottoms, top, position)

    def keras(self) -> list[np.ndarray]:
        """What the converted net makes of the inputs: a top's rows for each top."""
        found = []
        for array, top, order in zip(self.run(), self.tops, self.orders(), strict=True):
            last = from_candidate(array, last_shape(top.shape), order)
            assert last.shape == last_shape(top.shape)
            found.append(last.reshape(nets.rows(top).shape))
        return found

    def run(self) -> list[np.ndarray]:
        return nets.run_keras(self.net, self.blobs, self.inputs)

    def orders(self):
        return self.kind.gives(self.layer, plan(self.net).reads["layer"])


def within(values: np.ndarray, expected: np.ndarray, bound: np.ndarray) -> bool:
    """True if no value is farther from what is expected than its bound; infinities and NaN must be the same.

    An infinite bound is one for what overflows within a layer, of which nothing is known.
    """
    apart = nets.distance(values, expected)
    return bool(((apart <= bound) | (apart == 0) | np.isposinf(bound)).all())


@every_layer
def test_output_shapes_are_those_of_the_loops(entry: Entry) -> None:
    case = Case(entry)
    shapes = infer_shapes(case.net)
    assert nets.shapes_fit(case.layer, [top.shape for top in case.tops], shapes)


@every_layer
def test_definition_is_that_of_the_loops(entry: Entry) -> None:
    case = Case(entry)
    for exact, top in zip(case.exact, case.tops, strict=True):
        expected = nets.rows(top)
        size = np.fmax(np.abs(expected), exact.scale)
        assert exact.value.dtype == np.float64
        assert within(exact.value, expected, 1e-14 * max(1, exact.terms) * np.fmax(size, 1e-300))


@every_layer
def test_float64_bottoms_give_the_same_definition(entry: Entry) -> None:
    """Deeper layers are defined on bottoms that are float64 already."""
    case = Case(entry)
    for position, exact in enumerate(case.exact):
        again = case.define(position, [bottom.astype(np.float64) for bottom in case.bottoms])
        np.testing.assert_array_equal(again.value, exact.value)


@every_layer
def test_some_sites_are_the_same_as_all(entry: Entry) -> None:
    case = Case(entry)
    for position, exact in enumerate(case.exact):
        sites = nets.all_sites(case.tops[position].shape)
        some = np.arange(0, len(sites), 3)[::-1]
        part = case.define(position, case.bottoms, sites[some])
        np.testing.assert_allclose(part.value, exact.value[some], rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(part.scale, exact.scale[some], rtol=1e-14)


@every_layer
def test_rounded_definition_is_within_its_own_bound(entry: Entry) -> None:
    """The one thing that float32 must be able to do is to store the right result."""
    case = Case(entry)
    for exact, top in zip(case.exact, case.tops, strict=True):
        expected = nets.rows(top)
        with np.errstate(over="ignore"):
            assert within(expected.astype(np.float32), expected, exact.bound)


@every_layer
def test_unit_is_positive_and_of_the_tops_rows(entry: Entry) -> None:
    case = Case(entry)
    for position, exact in enumerate(case.exact):
        unit = case.unit(position)
        rows = unit.rows(0, len(exact.value))
        assert rows.dtype == np.float32
        assert rows.shape in (exact.value.shape, (len(exact.value), 1))
        assert (rows > 0).all()
        if unit.dense is None and unit.site is None:
            assert not exact.scale.any(), "a unit of nothing is for layers that round nothing"


@every_convertible
def test_keras_computes_the_same(entry: Entry) -> None:
    case = Case(entry)
    for computed, exact, top in zip(case.keras(), case.exact, case.tops, strict=True):
        expected = nets.rows(top)
        # Keras keeps scalar parameters, as the slope of a leaky ReLU, in float64, Caffe in float32.
        size = np.fmax(np.abs(expected), exact.scale)
        parameters = case.kind.parameter_rounding * np.where(np.isfinite(size), size, 0)
        assert within(computed, expected, exact.bound + parameters)


@every_unconvertible
def test_what_keras_lacks_is_refused_by_name(entry: Entry) -> None:
    net = entry.net
    with pytest.raises(UnsupportedError, match=r"Keras") as caught:
        plan(net)
    assert ", layer 'layer': " in str(caught.value)


def test_a_held_blob_knows_its_axes() -> None:
    held = Held((1, 3, 5, 7), (0, 2, 3, 1))
    assert held.keras_shape == (1, 5, 7, 3)
    assert [held.axis(axis) for axis in (1, 2, -1)] == [3, 1, 2]
