"""Two causes that hold only together are shown so, each with its own fix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import reports as samples

from harness.data import Cause, ParityReport
from harness.report import html, markdown, terminal


@pytest.fixture
def both() -> ParityReport:
    report = samples.failing()
    causes = (
        Cause("dilation", "Keras has dilation_rate=1.", "4 in the prototxt.", "dilation_rate=4", True, 0.31, 2e-16),
        Cause("bias.missing", "Keras has no bias.", "The blob is not zero.", "use_bias=True", True, 0.31, 2e-16),
    )
    causes = tuple(replace(cause, precision="float64") for cause in causes)
    rows = [replace(row, causes=causes) if row.layer == "ct_conv3_1" else row for row in report.layers]
    return replace(report, layers=tuple(rows))


def test_in_a_terminal(both: ParityReport) -> None:
    assert (
        "    fix    dilation_rate=4\n"
        "    then   max|Δ| 3.1e-01 → 2.0e-16 in float64\n"
        "    and    bias.missing: Keras has no bias.\n"
        "    fix    use_bias=True\n"
    ) in terminal.render(both)


def test_in_markdown(both: ParityReport) -> None:
    text = markdown.render(both)
    assert "- **Then** max|Δ| 3.1e-01 → 2.0e-16 in float64\n" in text
    assert "- **And** `bias.missing` Keras has no bias. **Fix** `use_bias=True`\n" in text


def test_on_the_page(both: ParityReport) -> None:
    text = html.render(both)
    assert '<p class="quiet">and <code>bias.missing</code> Keras has no bias.</p>' in text
    assert '<pre class="fix"><span class="sr">Fix: </span>use_bias=True</pre>' in text
