"""The whole table against real Caffe: our shapes and definitions are its own, and Keras' counterpart is a match."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.caffe_table import Computed
from support.layer_table import ALL, CONVERTIBLE, Entry
from support.verdicts import judge_pair

from harness.compare import limits
from harness.data import Status, Top
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes

pytestmark = pytest.mark.engine
every_layer = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ALL])
every_convertible = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in CONVERTIBLE])


@every_layer
def test_caffe_has_the_shape_that_we_infer(caffe: dict[str, Computed], entry: Entry) -> None:
    assert caffe[entry.id].top.shape == infer_shapes(entry.net)[Top("layer", "layer")]


@every_layer
def test_caffe_is_within_the_bound_of_our_definition(caffe: dict[str, Computed], entry: Entry) -> None:
    one = caffe[entry.id]
    exact = layer_type(one.layer).define(one.layer, one.blobs, [one.x], nets.all_sites(one.top.shape))
    assert (np.abs(nets.rows(one.top) - exact.value) <= exact.bound).all()


@every_layer
def test_caffe_errs_by_few_units(caffe: dict[str, Computed], entry: Entry) -> None:
    one = caffe[entry.id]
    kind = layer_type(one.layer)
    exact = kind.define(one.layer, one.blobs, [one.x], nets.all_sites(one.top.shape))
    unit = kind.unit(one.layer, one.blobs, [one.x], one.top)
    assert (np.abs(nets.rows(one.top) - exact.value) / unit.rows(0, len(exact.value))).max() <= limits.MAX_UNITS


@every_convertible
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_keras_matches_caffe(caffe: dict[str, Computed], entry: Entry, strict: bool) -> None:
    one, net = caffe[entry.id], entry.net
    blobs = {"layer": one.blobs} if one.blobs else {}
    row = judge_pair(net, nets.keras_model(net, blobs), blobs, {Top("data", "data"): one.x}, one.top, strict=strict)
    assert (row.status, row.note) == (Status.MATCH, None)
    if strict:
        assert row.judged_by == "float64"
        # Caffe keeps the slope of a leaky ReLU in float32, Keras in float64.
        assert row.float64.functions_max_rel <= (1e-7 if entry.kind == "ReLU" else 1e-14)
