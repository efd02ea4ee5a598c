"""The benchmark of porting bugs: what it holds, that its right ports are right, and how it counts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.bugs.bug import Bug, Fault, bug, harmless, together  # noqa: E402
from benchmarks.bugs.library import all_bugs, net_of  # noqa: E402
from benchmarks.bugs.net import find_net  # noqa: E402
from benchmarks.bugs.score import as_json, count, misses, table  # noqa: E402
from benchmarks.bugs.trial import Bench, Outcome  # noqa: E402
from harness.data import Cause, LayerComparison, Status  # noqa: E402
from harness.engines import docker  # noqa: E402

CODES = [
    "padding.same", "padding.amount", "padding.value", "stride", "dilation", "kernel_size", "groups",
    "pooling.rounding", "pooling.divisor", "pooling.mode", "input.channel_order", "input.mean", "input.scale",
    "input.layout", "weights.not_loaded", "weights.of_other_layer", "weights.spatial_transpose", "weights.flip",
    "weights.channel_transpose", "weights.permuted", "weights.scaled", "bias.missing", "bias.value",
    "flatten.order", "batch_norm.epsilon", "batch_norm.scale_factor", "batch_norm.order", "batch_norm.mode",
    "scale.missing", "scale.bias", "lrn.alpha", "lrn.size", "lrn.bias", "lrn.region", "activation.missing",
    "activation.extra", "activation.kind", "activation.slope", "prelu.shared", "softmax.axis", "softmax.reshape",
    "dropout.active", "dropout.scale", "eltwise.operation", "eltwise.coefficient", "concat.order", "concat.axis",
    "crop.offset", "deconvolution.crop", "deconvolution.weights", "power", "reshape.order", "permute.order",
    "unpooling.mask", "interpolation", "blob.overwritten", "layer.order", "precision",
]  # fmt: skip
"""The kinds of bugs that people met, and the codes that reports give for them."""


def singles() -> list[Bug]:
    return [one for one in all_bugs() if len(one.faults) == 1]


def row(layer: str, *codes: str, status: Status = Status.DIVERGES) -> LayerComparison:
    return LayerComparison(
        layer=layer,
        type="Convolution",
        top=layer,
        keras=(layer,),
        caffe=(layer,),
        status=status,
        judged_by="rounding",
        reference_shape=(1,),
        candidate_shape=(1,),
        causes=tuple(Cause(code, "", "", "") for code in codes),
    )


# --------------------------------------------------------------------------------------------------- what is in it


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_bugs_in_at_least_two_places(code: str) -> None:
    places = {(one.net, fault.layers) for one in all_bugs() for fault in one.faults if fault.codes[0] == code}
    assert len(places) >= 2


def test_no_bug_has_a_code_that_is_not_known() -> None:
    assert {code for one in all_bugs() for fault in one.faults for code in fault.codes} <= set(CODES)


def test_there_are_enough_of_each_kind() -> None:
    assert len([one for one in singles() if not one.thread]) >= 150
    assert len([one for one in all_bugs() if len(one.faults) > 1]) >= 30
    assert len([one for one in all_bugs() if one.thread]) >= 25


def test_every_historical_bug_says_where_it_was_met_and_by_what_it_showed() -> None:
    assert all("/" in one.thread and one.number for one in all_bugs() if one.thread)


def test_every_bug_changes_its_port() -> None:
    for one in all_bugs():
        port = net_of(one).ports[one.port]
        compile(one.apply(port), one.name, "exec")
        assert one.apply(port) != port, one.name


# ------------------------------------------------------------------------------------------------------- its parts


def test_a_text_that_is_not_there_once_is_refused() -> None:
    wrong = bug("stride", "resnet", "conv1", ("strides=2", "strides=1"))
    with pytest.raises(ValueError, match=r"^stride-resnet-conv1: 'strides=2' occurs 2 times in the port$"):
        wrong.apply("strides=2, strides=2")


def test_statements_come_behind_the_loading() -> None:
    wrong = bug("bias.missing", "resnet", "conv1", then="one\ntwo")
    assert wrong.apply("load()\n    return model\n") == "load()\n    one\n    two\n    return model\n"


def test_several_bugs_keep_their_faults_and_edits() -> None:
    one = bug("stride", "resnet", "conv1", ("a", "b"))
    other = bug("bias.missing", "resnet", "conv2/x", ("c", "d"), then="e")
    both = together(one, other)
    assert both.name == "stride-resnet-conv1+bias.missing@conv2.x"
    assert both.apply("a c\n    return model\n") == "b d\n    e\n    return model\n"
    assert [fault.codes for fault in both.faults] == [("stride",), ("bias.missing",)]


# ------------------------------------------------------------------------------------------------------ the counting

FLIP = bug("weights.flip", "net", "conv1+relu1")
PAIR = together(FLIP, bug("bias.missing", "net", "conv1+relu1"))


def test_a_bug_is_placed_if_its_layers_fail_and_no_others() -> None:
    assert Outcome(FLIP, (row("conv1"),)).placed
    assert Outcome(FLIP, (row("conv1"), row("relu1"))).placed
    assert not Outcome(FLIP, (row("conv1"), row("conv2"))).placed
    assert not Outcome(FLIP, (row("conv2"),)).placed
    assert not Outcome(FLIP).placed


def test_a_port_that_could_not_be_compared_is_not_found() -> None:
    broken = Outcome(FLIP, error="port.py:3: get_model() fails")
    assert (broken.found, broken.right, broken.said()) == (False, False, "port.py:3: get_model() fails")


def test_of_two_bugs_in_a_layer_the_first_two_causes_count() -> None:
    outcome = Outcome(PAIR, (row("conv1", "bias.missing", "weights.flip", "padding.same"),))
    assert [outcome.named_first(fault) for fault in PAIR.faults] == [True, True]
    late = Outcome(FLIP, (row("conv1", "bias.missing", "weights.flip"),))
    assert (late.named_first(FLIP.faults[0]), late.named(FLIP.faults[0])) == (False, True)


def test_another_name_for_the_same_thing_counts() -> None:
    either = replace(FLIP, faults=(Fault(("eltwise.operation", "eltwise.coefficient"), ("conv1",)),))
    assert Outcome(either, (row("conv1", "eltwise.coefficient"),)).named_first(either.faults[0])


def test_the_table_has_a_row_for_each_code_and_the_sums() -> None:
    outcomes = [
        Outcome(FLIP, (row("conv1", "weights.flip"),)),
        Outcome(replace(FLIP, name="late"), (row("conv1", "groups", "weights.flip"),)),
        Outcome(PAIR, (row("conv2"),)),
        Outcome(replace(FLIP, name="old", thread="a/b#1"), ()),
    ]
    assert table(outcomes) == (
        "| code | bugs | found | placed | named first | named |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| `bias.missing` | 1 | 1 | 0 (0 %) | 0 (0 %) | 0 (0 %) |\n"
        "| `weights.flip` | 4 | 3 (75 %) | 2 (50 %) | 1 (25 %) | 2 (50 %) |\n"
        "| one in a port | 2 | 2 | 2 | 1 (50 %) | 2 |\n"
        "| several in a port | 2 | 2 | 0 (0 %) | 0 (0 %) | 0 (0 %) |\n"
        "| historical | 1 | 0 (0 %) | 0 (0 %) | 0 (0 %) | 0 (0 %) |\n"
        "| all | 5 | 4 (80 %) | 2 (40 %) | 1 (20 %) | 2 (40 %) |"
    )
    assert misses(outcomes) == [
        "late: not named first (weights.flip); said: conv1 diverges: groups, weights.flip",
        f"{PAIR.name}: misplaced; said: conv2 diverges: no cause",
        "old: not found; said: parity",
    ]


def test_all_must_be_found_and_placed_and_nearly_all_named_first() -> None:
    named, unnamed = Outcome(FLIP, (row("conv1", "weights.flip"),)), Outcome(FLIP, (row("conv1"),))
    assert count([named] * 19 + [unnamed]).good
    assert not count([named] * 18 + [unnamed]).good
    assert not count([named] * 19 + [Outcome(FLIP)]).good


def test_the_json_has_what_was_said() -> None:
    (one,) = as_json([Outcome(FLIP, (row("conv1", "weights.flip"),))], [], 1)["bugs"]
    assert one["said"] == "conv1 diverges: weights.flip"
    assert one["faults"][0] == {
        "codes": ["weights.flip"], "layers": ["conv1", "relu1"], "named_first": True, "named": True,
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------- against real Caffe


@pytest.mark.engine
@pytest.mark.skipif(docker.available(None) is not None, reason="no container engine with the Caffe image")
@pytest.mark.parametrize("net", ["alexnet", "detector", "mobilenet", "unet"])
def test_a_port_without_any_bug_equals_caffe(net: str, tmp_path: Path) -> None:
    found = find_net(net)
    assert {port: Bench(tmp_path / port).check(found, port) for port in found.ports} == dict.fromkeys(found.ports, "")


@pytest.mark.engine
@pytest.mark.skipif(docker.available(None) is not None, reason="no container engine with the Caffe image")
def test_a_bug_is_found_where_it_is_and_a_harmless_change_is_not(tmp_path: Path) -> None:
    net = find_net("unet")
    outcome = Bench(tmp_path).run(net, next(one for one in all_bugs() if one.name == "crop.offset-unet-crop1-one-row"))
    assert outcome.found
    assert outcome.placed
    rate = harmless("other-rate", "unet", ('Dropout(0.5, name="drop2")', 'Dropout(0.9, name="drop2")'))
    assert Bench(tmp_path / "rate").run(net, rate).right
