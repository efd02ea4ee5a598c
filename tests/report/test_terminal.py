"""What a terminal shows, line by line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support import reports as samples

from harness.data import Status
from harness.report.terminal import render


def test_a_failing_run():
    text = render(samples.failing(), saved="reports/dilation8_pascal_voc/index.html")
    assert text.splitlines() == [
        "✗ PARITY FAILED  dilation8_pascal_voc   2 wrong · 11 inherited · 15 match   coverage 28/28",
        "reference  REAL CAFFE  caffe 1.0.0, docker, image 3f3f3f3f3f3f (recorded 4 minutes ago)",
        "candidate  keras 3.12 (tensorflow 2.21), keras_model.py",
        "weights    TRAINED abababababab   input cat.png 900×900",
        "outputs    prob: labels agree 81.3 %, max|Δ| 4.2e-01",
        "",
        " #  caffe → keras                 caffe shape  own max|Δ|   units  end-to-end  status",
        "    15 layers, conv1_1 … conv5_2                ≤ 5.0e-05     2.1   ≤ 1.1e-04  match",
        "16  conv5_3 + relu5_3             512×90×90             ·       ·           ·  ✗ SHAPE",
        "    6 layers, fc6 … ct_conv2_1                  ≤ 4.6e-05     1.9   ≤ 2.5e+00  inherited ↑16",
        "23  ct_conv3_1 + ct_relu3_1       168×116×116     3.1e-01  84,210     2.5e+00  ✗ DIVERGES",
        "    5 layers, ct_conv4_1 … prob                 ≤ 5.0e-05     2.1   ≤ 2.7e+00  inherited ↑23",
        "    (--all shows every row)",
        "",
        "1 conv5_3 · padding.amount · PROVEN                                                keras_model.py:41",
        "    what   Caffe computes 512×90×90, Keras 512×94×94",
        "    why    Keras pads 2 on each side; Caffe pads 0.",
        "    proof  Cropping Keras' output by 2 on each side makes it equal to Caffe's.",
        '    fix    padding="same" → padding="valid"',
        "    then   max|Δ| 4.0e-05",
        "",
        "2 ct_conv3_1 · weights.spatial_transpose · PROVEN                                  keras_model.py:58",
        "    what   1,130,304 of 2,260,608 beyond the limit (50.0 %); worst at (0, 3, 57, 2): Caffe 1.2,",
        "           Keras 0.89",
        "    why    Kernel height and width are swapped in all 168 filters.",
        "    proof  The transposed kernels equal Caffe's to the bit.",
        "    fix    kernel.transpose(2, 3, 1, 0), not (3, 2, 1, 0)",
        "    then   max|Δ| 3.1e-01 → 2.9e-05",
        "    or     dilation: The dilation may be lost.",
        "",
        "report  reports/dilation8_pascal_voc/index.html",
        "again   harness compare dilation8_pascal_voc --layer conv5_3",
        "exit    1",
    ]


def test_a_passing_run_is_short_and_names_the_worst_layer():
    assert render(samples.passing()).splitlines() == [
        "✓ PARITY  dilation8_pascal_voc   28 match   coverage 28/28",
        "reference  REAL CAFFE  caffe 1.0.0, docker, image 3f3f3f3f3f3f (recorded 4 minutes ago)",
        "candidate  keras 3.12 (tensorflow 2.21), keras_model.py",
        "weights    TRAINED abababababab   input cat.png 900×900",
        "outputs    prob: labels agree 100 %, max|Δ| 3.1e-06",
        "worst      conv4_2  2.1 units of 8, max|Δ| 5.0e-05 at (0, 17, 44, 2)",
        "",
        "exit    0",
    ]


def test_nothing_compared():
    lines = render(samples.report([])).splitlines()
    assert lines[0] == "✗ PARITY FAILED  dilation8_pascal_voc   no layers   coverage 0/0"
    assert "verdict    Nothing was compared, so nothing is proven." in lines
    assert lines[-1] == "exit    1"


def test_all_shows_every_row():
    lines = render(samples.passing(), show_all=True).splitlines()
    assert " 3  pool1 → max_pooling2d    64×448×448            0  exact     5.0e-05  match" in lines
    assert sum(line.endswith("  match") for line in lines) == 28


def test_another_engine_is_not_called_caffe():
    report = samples.passing(reference={"engine": "opencv", "version": "4.13"}, weights={"kind": "synthetic"})
    lines = render(report).splitlines()
    assert lines[1] == "reference  NOT CAFFE  opencv 4.13"
    assert lines[3] == "weights    SYNTHETIC   input cat.png 900×900"


def test_what_is_not_the_rule_is_noted():
    rows = [replace(row, judged_by="user") for row in samples.rows().values()]
    assert (
        "note       28 layers judged by a tolerance set by hand: conv1_1, conv1_2, pool1, conv2_1 and 24 more"
        in render(samples.report(rows)).splitlines()
    )


def test_a_culprit_without_a_cause_says_so():
    row = replace(samples.row(0), status=Status.MISSING, isolated=None, end_to_end=None, note="no Keras layer is left")
    lines = render(samples.report([row])).splitlines()
    at = lines.index("1 conv1_1 · missing")
    assert lines[at + 1 : at + 3] == ["    what   no Keras layer is left", "    cause  none of the known ones"]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_width_is_kept(width):
    assert max(len(line) for line in render(samples.failing(), width=width).splitlines()) <= width


def test_names_give_way_where_the_table_is_too_narrow():
    text = render(samples.failing(), width=80)
    assert "23  ct_conv3_1 +1" in text
    assert "84,210" in text


def test_long_names_are_shortened_and_the_figures_stay():
    row = replace(samples.row(0), layer="x" * 300, caffe=("x" * 300,), status=Status.DIVERGES)
    table = render(samples.report([row])).splitlines()[6:8]
    assert table[1].endswith("…  64×898×898      2.2e-05   0.90     2.9e-05  ✗ DIVERGES")
    assert len(table[1]) == 100


def test_wide_characters_count_double():
    row = replace(samples.row(0), layer="漢字", caffe=("漢字",), keras=("漢字",))
    head, first = render(samples.report([row]), show_all=True).splitlines()[7:9]
    assert first.index("64×898") + 2 == head.index("caffe shape")


def test_colour_adds_nothing_but_colour():
    plain, coloured = render(samples.failing()), render(samples.failing(), color=True)
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_hostile_names_do_not_reach_the_terminal():
    text = render(samples.hostile())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert r"\x1b[2J\n| `b` |\u202egnp.exe" in text.splitlines()[0]
