"""Commands that compute nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.speed.timing import Row, harness, in_turn, row


def measure(*, quick: bool) -> Iterator[Row]:
    """`--help`, `models`, and a report that is there, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        harness("compare", "digits_lenet", "--quiet", "--out", folder)
        (report,) = Path(folder).glob("*.json")
        jobs = {"harness --help": ["--help"], "harness models": ["models"], "harness report": ["report", report]}
        costs = in_turn(1 if quick else 5, {name: lambda given=given: harness(*given) for name, given in jobs.items()})
    for name, some in costs.items():
        yield row(name, some, asked="≤ 0.3 s")
