"""From the layers' verdicts to the net's: whose fault is it, and whose error is only passed on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import nets

from harness.compare.verdict import assemble, has_accumulated, name_sources
from harness.data import LayerComparison, LayerMap, Metrics, Network, Status
from harness.layers.shapes import infer_shapes


def metrics(units: float, rel: float = 1e-7) -> Metrics:
    return Metrics(units, units / 10, rel, rel, 1.0, 0.0, None, 0, 10)


def row(layer: str, status: Status = Status.MATCH, far: bool = False, **more: object) -> LayerComparison:
    """A layer's own verdict; `far` if its end-to-end error is beyond rounding."""
    return LayerComparison(
        layer=layer,
        type="Convolution",
        top=layer,
        keras=(layer,),
        caffe=more.pop("caffe", (layer,)),
        status=status,
        judged_by="rounding",
        reference_shape=(1, 3, 4, 4),
        candidate_shape=(1, 3, 4, 4),
        isolated=metrics(1.0),
        end_to_end=metrics(1e6 if far else 1.0),
        **more,
    )


def diamond() -> Network:
    """data → a → b ⟍
    c ⟋ d"""
    return nets.network(
        nets.data(1, 3, 8, 8)
        + nets.conv("data", "a")
        + nets.conv("a", "b")
        + nets.conv("a", "c")
        + nets.conv("b", "d")
        + nets.conv("c", "e")
    )


def assembled(
    net: Network, rows: list[LayerComparison], missing: dict[str, str] | None = None, traced: bool = True
) -> dict[str, tuple[Status, str | None]]:
    order = tuple(layer.name for layer in net.layers)
    table = assemble(net, LayerMap((), ("data",), missing or {}, {}, order), rows, infer_shapes(net), traced=traced)
    assert [one.layer for one in table] == [name for name in order if name in {one.layer for one in table}]
    return {one.layer: (one.status, one.inherited_from) for one in table}


def test_all_is_well() -> None:
    table = assembled(diamond(), [row(name) for name in "abcde"])
    assert table == dict.fromkeys("abcde", (Status.MATCH, None))


def test_rows_stand_in_the_order_of_execution() -> None:
    assert list(assembled(diamond(), [row(name) for name in "edcba"])) == list("abcde")


def test_an_error_is_inherited_from_the_layer_that_made_it() -> None:
    rows = [row("a"), row("b", Status.DIVERGES, far=True), row("c"), row("d", far=True), row("e")]
    assert assembled(diamond(), rows) == {
        "a": (Status.MATCH, None),
        "b": (Status.DIVERGES, None),
        "c": (Status.MATCH, None),
        "d": (Status.INHERITED, "b"),
        "e": (Status.MATCH, None),
    }


def test_the_other_branch_does_not_inherit() -> None:
    rows = [row("a"), row("b", Status.DIVERGES, far=True), row("c"), row("d", far=True), row("e", far=True)]
    assert assembled(diamond(), rows)["e"] == (Status.MATCH, None)


def test_the_nearest_culprit_is_named() -> None:
    rows = [
        row("a", Status.DIVERGES, far=True),
        row("b", Status.DIVERGES, far=True),
        row("c", far=True),
        row("d", far=True),
        row("e", far=True),
    ]
    table = assembled(diamond(), rows)
    assert (table["d"], table["e"]) == ((Status.INHERITED, "b"), (Status.INHERITED, "a"))
    assert table["b"] == (Status.DIVERGES, None), "wrong by itself stays wrong, whatever came before"


def test_an_error_that_dies_out_is_not_inherited() -> None:
    rows = [row("a", Status.DIVERGES, far=True), row("b"), row("c"), row("d"), row("e")]
    assert assembled(diamond(), rows)["d"] == (Status.MATCH, None)


def test_a_layer_that_could_not_be_reached_inherits() -> None:
    unreached = LayerComparison(**{**row("b").__dict__, "end_to_end": None})
    rows = [row("a", Status.SHAPE), unreached]
    assert assembled(diamond(), rows)["b"] == (Status.INHERITED, "a")


def test_a_layer_that_is_built_for_the_wrong_shape_before_it_inherits() -> None:
    """A Concatenate in the place of an Add: the convolution behind it has a kernel of twice the channels."""
    refuses = replace(row("b"), status=Status.SHAPE, candidate_shape=None, isolated=None, end_to_end=None)
    wrong = replace(row("a"), status=Status.SHAPE, candidate_shape=(1, 6, 4, 4))
    assert assembled(diamond(), [wrong, refuses])["b"] == (Status.INHERITED, "a")
    assert assembled(diamond(), [row("a"), refuses])["b"] == (Status.SHAPE, None)


def test_without_an_end_to_end_run_nothing_is_inherited() -> None:
    rows = [row("a", Status.DIVERGES), row("b", far=True)]
    assert assembled(diamond(), rows, traced=False)["b"] == (Status.MATCH, None)


def test_a_missing_layer_has_a_row_of_its_own_and_bequeaths() -> None:
    rows = [row("a"), row("d", far=True)]
    net = diamond()
    order = tuple(layer.name for layer in net.layers)
    table = assemble(
        net, LayerMap((), ("data",), {"b": "no such layer"}, {}, order), rows, infer_shapes(net), traced=True
    )
    missing = table[1]
    assert (missing.layer, missing.status, missing.keras, missing.candidate_shape) == ("b", Status.MISSING, (), None)
    assert (missing.reference_shape, missing.note) == ((1, 3, 4, 4), "no such layer")
    assert (table[2].status, table[2].inherited_from) == (Status.INHERITED, "b")


def test_a_fused_activation_passes_the_fault_on() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.conv("data", "a") + nets.relu("a") + nets.conv("a", "b"))
    rows = [row("a", Status.DIVERGES, far=True, caffe=("a", "relu")), row("b", far=True)]
    assert assembled(net, rows)["b"] == (Status.INHERITED, "a")


def test_end_to_end_only_names_the_first_fault_as_the_source() -> None:
    rows = [row("a"), row("b", Status.DIVERGES), row("c", Status.DIVERGES), row("d")]
    assert [(one.status, one.inherited_from) for one in name_sources(rows)] == [
        (Status.MATCH, None),
        (Status.DIVERGES, None),
        (Status.INHERITED, "b"),
        (Status.MATCH, None),
    ]


@pytest.mark.parametrize(("rel", "accumulated"), [(2e-5, False), (1e-3, True)])
def test_rounding_that_piles_up_is_told_from_rounding(rel: float, accumulated: bool) -> None:
    """Four layers of 1e-7 each explain 4e-7, and a hundred times that is allowed for."""
    rows = [row(name) for name in "abcd"]
    output = LayerComparison(**{**rows[-1].__dict__, "end_to_end": metrics(1.0, rel)})
    assert has_accumulated(rows, output) is accumulated


def test_a_net_with_a_fault_has_not_accumulated() -> None:
    rows = [row("a", Status.DIVERGES), row("b")]
    output = LayerComparison(**{**rows[-1].__dict__, "end_to_end": metrics(1.0, 1.0)})
    assert not has_accumulated(rows, output)
