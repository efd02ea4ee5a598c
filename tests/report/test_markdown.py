"""Markdown for a CI job's summary."""

from __future__ import annotations

from dataclasses import replace

from support import reports as samples

from harness.report.markdown import LONGEST, render


def test_a_failing_run():
    text = render(samples.failing()).splitlines()
    assert text[:8] == [
        "## ✗ PARITY FAILED: `dilation8_pascal_voc`",
        "",
        "**2 of 28 layers compute something else; final labels agree on 81.3 %.**",
        "",
        "`REAL CAFFE` · `TRAINED weights` · `tolerances set by hand: 0`",
        "",
        "2 wrong · 11 inherited · 15 match; coverage 28/28",
        "",
    ]
    cause = text.index(
        "### 2. `ct_conv3_1` · diverges · `weights.spatial_transpose` · **proven** · `keras_model.py:58`"
    )
    assert text[cause + 2 : cause + 9] == [
        "Kernel height and width are swapped in all 168 filters. The transposed kernels equal Caffe's to the bit.",
        "",
        "- **Fix** `kernel.transpose(2, 3, 1, 0), not (3, 2, 1, 0)`",
        "- **Then** max|Δ| 3.1e-01 → 2.9e-05",
        "- **Found** 1,130,304 of 2,260,608 beyond the limit (50.0 %); worst at (0, 3, 57, 2): Caffe 1.2, Keras 0.89",
        "- **Or** `dilation` The dilation may be lost.",
        "- **Again** `harness compare dilation8_pascal_voc --layer ct_conv3_1`",
    ]


def test_the_table_of_a_failing_run_is_open_and_short():
    text = render(samples.failing())
    assert "<details>" not in text
    assert "|  | 15 layers, `conv1_1` … `conv5_2` |  | ≤ 5.0e-05 | 2.1 | ≤ 1.1e-04 | match |" in text
    assert "| 23 | `ct_conv3_1 + ct_relu3_1` | 168×116×116 | 3.1e-01 | 84,210 | 2.5e+00 | **✗ DIVERGES** |" in text


def test_the_table_of_a_passing_run_is_folded_and_whole():
    text = render(samples.passing())
    assert text.index("<details>") < text.index("| 28 | `prob → softmax`") < text.index("</details>")
    assert text.count("| match |") == 28


def test_a_very_deep_net_still_fits_a_comment():
    rows = [replace(samples.row(0), layer=f"conv{number}" * 5, caffe=()) for number in range(2000)]
    assert len(render(samples.report(rows))) < LONGEST


def test_hostile_names_stay_text():
    text = render(samples.hostile())
    assert "\x1b" not in text
    assert "\u202e" not in text
    # In a table: a code span in which bars are escaped; a longer fence, since the name holds a backtick.
    name = r'a</script><script>alert("1")</script>\x1b[2J\n\| `b` \|\u202egnp.exe'
    assert f"| 1 | ``{name} + {name}2`` |" in text
    # In prose: no tag, no code, no link.
    assert r'a&lt;/script&gt;&lt;script&gt;alert("1")&lt;/script&gt;\\x1b\[2J\\n\| \`b\` \|\\u202egnp.exe' in text
