"""Layers made up by chance: each by itself against real Caffe, all in one container, and against the loops.

`HARNESS_DRAWN=1000` draws as many in place of 200, and `-k "lstm-17"` tries one again.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from support import nets
from support.caffe_table import Computed, run_caffe
from support.choice import Rolled, Searched
from support.table import DRAWS, Entry, expected_tops
from support.verdicts import judge_pair

from harness.convert.plan import plan
from harness.data import Status
from harness.engines import docker
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes
from harness.layout import from_candidate, last_shape

COUNT = int(os.environ.get("HARNESS_DRAWN", "200"))
"""How many are drawn, in equal shares for each type."""

EXAMPLES = 12
"""How many of each type hypothesis tries."""


def drawn(name: str, number: int) -> Entry:
    """One layer of a type, by number: the same on every machine, whatever other types there are."""
    entry = DRAWS[name](Rolled(f"{name}-{number}"))
    return replace(entry, id=f"{name}-{number}", seed=number)


ENTRIES = {
    entry.id: entry for name in DRAWS for entry in (drawn(name, number) for number in range(-(-COUNT // len(DRAWS))))
}
# Keras warns of a softmax over one number, which a net may have all the same.
pytestmark = pytest.mark.filterwarnings("ignore:(?s).*You are using a softmax over axis:UserWarning")
every_one = pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ENTRIES.values()])


def shown(entry: Entry) -> str:
    """The layer as a prototxt has it, what it reads, and what its numbers are drawn from."""
    return f"{entry.text('layer', entry.bottom_names)}bottoms {entry.shapes}, seed {entry.seed}"


def test_a_number_always_draws_the_same() -> None:
    """What a failing test prints must be what it is given again, on any machine."""
    one = drawn("slice", 1)
    given = "slice_param { axis: -1 slice_point: 2 slice_point: 4 }"
    assert (one.id, one.seed, one.shapes, one.parameters, one.tops) == ("slice-1", 1, ((5, 1, 4, 5, 6),), given, 3)
    assert len({(entry.shapes, entry.parameters) for entry in ENTRIES.values()}) > 0.8 * len(ENTRIES)


@pytest.fixture(scope="session")
def caffe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Computed]:
    """Every drawn layer as BVLC Caffe computes it."""
    problem = docker.available(None)
    if problem:
        pytest.skip(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run_caffe(tmp_path_factory.mktemp("drawn"), list(ENTRIES.values()))


@pytest.mark.engine
@every_one
def test_keras_matches_caffe(caffe: dict[str, Computed], entry: Entry) -> None:
    net = entry.net
    print(f"again: HARNESS_DRAWN={COUNT} pytest tests/layers/test_drawn_layers.py -k {entry.id!r}\n{shown(entry)}")
    one = caffe[entry.id]
    blobs = {"layer": one.blobs} if one.blobs else {}
    assert nets.shapes_fit(net["layer"], [top.shape for top in one.tops], infer_shapes(net))
    for position, top in enumerate(one.tops):
        sites = nets.all_sites(top.shape)
        exact = layer_type(one.layer).define(one.layer, one.blobs, one.bottoms, sites, position)
        with np.errstate(invalid="ignore"):
            error = np.abs(nets.rows(top) - exact.value)
        error[(nets.rows(top) == exact.value) | (np.isnan(nets.rows(top)) & np.isnan(exact.value))] = 0.0
        assert (error <= exact.bound).all()
    bottoms = dict(zip(net.inputs, one.bottoms, strict=True))
    tops = {top.blob: array for top, array in zip(net["layer"].tops, one.tops, strict=True)}
    row = judge_pair(net, nets.keras_model(net, blobs), blobs, bottoms, tops)
    assert row.status is Status.MATCH, row


@pytest.mark.parametrize("name", DRAWS)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    print_blob=False,
)
@given(data=st.data())
def test_definition_and_keras_are_the_loops(name: str, data: st.DataObject) -> None:
    """What fails is made as simple as it can be before it is shown."""
    entry = replace(DRAWS[name](Searched(data)), id="drawn", seed=data.draw(st.integers(0, 99)))
    note(shown(entry))
    net = entry.net
    layer, kind = net["layer"], layer_type(net["layer"])
    blobs, bottoms = entry.blobs(net), entry.inputs()
    tops = [np.asarray(top, np.float64) for top in expected_tops(entry, blobs, bottoms)]
    exacts = [kind.define(layer, blobs, bottoms, nets.all_sites(top.shape), at) for at, top in enumerate(tops)]
    for exact, top in zip(exacts, tops, strict=True):
        size = np.maximum(np.abs(nets.rows(top)), exact.scale)
        close = np.abs(exact.value - nets.rows(top)) <= 1e-14 * max(1, exact.terms) * np.maximum(size, 1e-300)
        assert (close | (np.isnan(exact.value) & np.isnan(nets.rows(top)))).all()
    made = nets.run_keras(net, {"layer": blobs} if blobs else {}, dict(zip(net.inputs, bottoms, strict=True)))
    orders = kind.gives(layer, plan(net).reads["layer"])
    for array, exact, top, order in zip(made, exacts, tops, orders, strict=True):
        last = from_candidate(array, last_shape(top.shape), order)
        assert last.shape == last_shape(top.shape)
        size = np.maximum(np.abs(nets.rows(top)), exact.scale)
        error = np.abs(last.reshape(nets.rows(top).shape) - nets.rows(top))
        assert (error <= exact.bound + kind.parameter_rounding * size).all()
