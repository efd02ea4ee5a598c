"""The whole table against real Caffe: our shapes and definitions are its own, and Keras' counterpart is a match."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.caffe_table import Computed
from support.goldens import Goldens
from support.table import ALL, CONVERTIBLE, Entry
from support.verdicts import is_folded, judge_pair

from harness.compare import limits
from harness.data import Status
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

every_layer = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ALL])
every_convertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in CONVERTIBLE])

RMS = {"rnn saturated": 0.8}
"""Rows of the table whose errors are larger than 0.75 units: a net that forgets nothing carries its own rounding along."""


def defined(one: Computed, position: int):
    """Our definition of a top on Caffe's own bottoms, at all sites."""
    sites = nets.all_sites(one.tops[position].shape)
    return layer_type(one.layer).define(one.layer, one.blobs, one.bottoms, sites, position)


@pytest.mark.engine
@every_layer
def test_what_was_recorded_is_what_caffe_gives(caffe_now: dict[str, Computed], caffe: Goldens, entry: Entry) -> None:
    """To the bit where nothing is rounded; processors differ in the order of their sums."""
    one = caffe_now[entry.id]
    for position, (top, recorded) in enumerate(zip(one.tops, caffe[entry.id].tops, strict=True)):
        assert top.shape == recorded.shape
        bound = defined(one, position).bound
        within = nets.distance(nets.rows(top), nets.rows(recorded)) <= 2 * bound
        assert (within | np.isposinf(bound)).all()


@every_layer
def test_caffe_has_the_shapes_that_we_infer(caffe: Goldens, entry: Entry) -> None:
    net = entry.net
    shapes = infer_shapes(net)
    assert nets.shapes_fit(net["layer"], [top.shape for top in caffe[entry.id].tops], shapes)


@every_layer
def test_caffe_is_within_the_bound_of_our_definition(caffe: Goldens, entry: Entry) -> None:
    one = caffe[entry.id]
    for position, top in enumerate(one.tops):
        exact = defined(one, position)
        within = nets.distance(nets.rows(top), exact.value) <= exact.bound
        assert (within | np.isposinf(exact.bound)).all(), "an infinite bound is one for what overflows within a layer"


@every_layer
def test_caffe_errs_by_few_units(caffe: Goldens, entry: Entry) -> None:
    one = caffe[entry.id]
    for position, top in enumerate(one.tops):
        exact = defined(one, position)
        unit = layer_type(one.layer).unit(one.layer, one.blobs, one.bottoms, top, position)
        error = np.where(np.isposinf(exact.bound), 0.0, nets.distance(nets.rows(top), exact.value))
        assert (error / unit.rows(0, len(exact.value))).max(initial=0.0) <= limits.MAX_UNITS


@every_convertible
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_keras_matches_caffe(caffe: Goldens, entry: Entry, strict: bool) -> None:
    one, net = caffe[entry.id], entry.net
    blobs = {"layer": one.blobs} if one.blobs else {}
    bottoms = dict(zip(net.inputs, one.bottoms, strict=True))
    tops = {top.blob: array for top, array in zip(net["layer"].tops, one.tops, strict=True)}
    model = nets.keras_model(net, blobs)
    if "layer" not in {one.name for one in model.layers}:  # no Keras layer: what is read is the top, its axes renamed
        assert is_folded(net, model)
        return
    row = judge_pair(net, model, blobs, bottoms, tops, strict=strict)
    empty = not strict and any(not top.size for top in one.tops)
    note = "no items came out here: there was nothing to compare" if empty else None
    assert (row.status, row.note) == (Status.MATCH, note)
    if row.isolated.max_units is not None:  # by rounding alone, whatever float64 says
        assert row.isolated.max_units <= limits.MAX_UNITS
        assert row.isolated.rms_units <= RMS.get(entry.id, 0.75)
    if strict:
        assert row.judged_by == "float64"
        # Scalar parameters, as the slope of a leaky ReLU, are float32 in Caffe and float64 in Keras.
        rounding = layer_type(one.layer).parameter_rounding
        assert row.float64.functions_max_rel <= (4 * rounding or 1e-13)
