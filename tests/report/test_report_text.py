"""How figures and names are worded, and what a report comes down to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from support import reports as samples

from harness.data import Adjudication, OutputComparison, Status
from harness.report import _rows, _summary, _text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("conv5_3", "conv5_3"),
        ("inception/3×3é漢", "inception/3×3é漢"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\u202egpj", r"\u202egpj"),
        ("\u200b\u2028", r"\u200b\u2028"),
        ("\udcff\uffff", r"\udcff\uffff"),
        ("\x9b2J", r"\x9b2J"),
    ],
)
def test_what_is_invisible_is_shown(raw, shown):
    assert _text.printable(raw) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "·"), (0, "0"), (3.14e-5, "3.1e-05"), (0.31, "3.1e-01"), (math.nan, "NaN"), (-math.inf, "−∞")],
)
def test_numbers(value, shown):
    assert _text.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "·"),
        (0, "0"),
        (0.001, "<0.01"),
        (0.128, "0.13"),
        (0.999, "1.0"),
        (2.14, "2.1"),
        (99.96, "100"),
        (84210.4, "84,210"),
        (1.2e9, "1.2e+09"),
        (math.inf, "∞"),
    ],
)
def test_units(value, shown):
    assert _text.units(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (None, "·"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.8134, "81.3 %"),
        (0.999996, "99.9996 %"),
        (1 - 1e-12, "almost 100 %"),
    ],
)
def test_only_all_is_a_hundred_per_cent(share, shown):
    assert _text.percent(share) == shown


@pytest.mark.parametrize(
    ("dims", "shown"),
    [(None, "·"), ((1, 512, 90, 90), "512×90×90"), ((2, 10), "2×10"), ((1,), "1"), ((), "scalar")],
)
def test_shapes(dims, shown):
    assert _text.shape(dims) == shown


def with_statuses(*statuses):
    return samples.report([replace(samples.row(number), status=status) for number, status in enumerate(statuses)])


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (samples.report([]), "Nothing was compared, so nothing is proven."),
        (
            samples.passing(),
            "All 28 compared layers compute what Caffe computes, the worst 2.1 rounding units apart (limit 8); "
            "final labels agree on 100 %.",
        ),
        (
            samples.report([samples.row(2)], outputs=()),
            "The compared layer computes what Caffe computes to the bit.",
        ),
        (
            with_statuses(Status.DIVERGES, Status.MISSING, Status.MISSING, Status.PENDING),
            "1 of 4 layers computes something else, 2 have no counterpart, 1 is still to be ported; "
            "final labels agree on 100 %.",
        ),
        (
            with_statuses(Status.MISSING),
            "1 of 1 layer has no counterpart; final labels agree on 100 %.",
        ),
    ],
)
def test_the_verdict_in_one_sentence(report, sentence):
    assert _summary.summarize(report).sentence == sentence


@pytest.mark.parametrize(
    ("engine", "badge"),
    [
        ("docker", "REAL CAFFE"),
        ("podman", "REAL CAFFE"),
        ("native", "REAL CAFFE"),
        ("golden", "GOLDEN"),
        ("opencv", "NOT CAFFE"),
        ("Docker ", "NOT CAFFE"),
        (None, "NOT CAFFE"),
    ],
)
def test_what_is_called_caffe(engine, badge):
    assert _summary.engine_badge(samples.passing(reference={"engine": engine})).text == badge


@pytest.mark.parametrize(("weights", "badge"), [({"kind": "trained"}, "TRAINED"), ({}, "UNKNOWN")])
def test_weights_of_no_known_kind_are_not_called_trained(weights, badge):
    assert _summary.weights_badge(samples.passing(weights=weights)).text == badge


def test_what_is_not_the_rule_is_mentioned():
    unsound = Adjudication(1e-15, 3.0, 0.1, agrees=True, reference_sound=False, sampled=None)
    report = samples.report(
        [
            replace(samples.row(0), judged_by="user"),
            *(replace(samples.row(number), judged_by="estimate") for number in range(1, 7)),
            replace(samples.row(7), sampled=4096),
            replace(samples.row(8), float64=unsound),
        ],
        outputs=(OutputComparison("prob", 0.2, None, True),),
        mode="isolated",
        notes=("the golden is 2 years old",),
    )
    assert _summary.summarize(report).remarks == (
        "only the isolated errors were measured",
        "prob differs by 2.0e-01 though every layer matches: rounding accumulated on the way",
        "1 layer judged by a tolerance set by hand: conv1_1",
        "6 layers judged by an estimated unit: conv1_2, pool1, conv2_1, conv2_2 and 2 more",
        "1 layer adjudicated on a sample of the output: conv3_2",
        "1 layer computed by the reference outside its own definition: not the candidate's fault: conv3_3",
        "the golden is 2 years old",
    )


def test_the_command_is_safe_to_paste():
    report, row = samples.passing(case="my case"), replace(samples.row(0), layer="a[1]*; rm x")
    assert _summary.again(report, row) == "harness compare 'my case' --layer 'a[[]1][*]; rm x'"


@pytest.mark.parametrize(
    ("limit", "used"), [(12, 12.0), (0.5, 0.5), ("12", 8.0), (None, 8.0), (0, 8.0), (math.nan, 8.0)]
)
def test_the_limit_is_the_runs_or_eight(limit, used):
    assert _summary.limit_units(samples.passing(environment={"limit_units": limit})) == used


def test_culprits_are_never_collapsed():
    report = with_statuses(Status.MATCH, Status.MATCH, Status.MATCH, *[Status.DIVERGES] * 4)
    assert [len(run.rows) for run in _rows.runs(report)] == [3, 1, 1, 1, 1]


def test_a_layer_judged_by_hand_does_not_hide_in_a_run():
    rows = [samples.row(number) for number in range(7)]
    rows[3] = replace(rows[3], judged_by="user")
    report = samples.report(rows)
    assert [len(run.rows) for run in _rows.runs(report)] == [3, 1, 3]
    assert _rows.status_text(report, rows[3]) == "match, by hand"
