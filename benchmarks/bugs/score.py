"""Outcomes as a table: per code of BUGS.md and in all, and the misses by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.bugs.bug import Fault
from benchmarks.bugs.trial import Outcome

NAMED_FIRST = 0.95
"""The least share of bugs to be called by their name first; all are to be found, and at their layer."""


@dataclass(frozen=True)
class Score:
    """How many of some bugs were found, placed at their layer, named first and named at all."""

    bugs: int
    found: int
    placed: int
    first: int
    named: int

    @property
    def good(self) -> bool:
        """True if all were found and placed, and enough of them named first."""
        return self.found == self.placed == self.bugs and self.first >= NAMED_FIRST * self.bugs


def count(outcomes: Iterable[Outcome], wanted: Callable[[Fault], bool] = lambda fault: True) -> Score:
    """The score over all faults that are wanted; one of several in a port counts by itself."""
    cases = [(one, fault) for one in outcomes for fault in one.bug.faults if wanted(fault)]
    return Score(
        bugs=len(cases),
        found=sum(one.found for one, _ in cases),
        placed=sum(one.placed for one, _ in cases),
        first=sum(one.named_first(fault) for one, fault in cases),
        named=sum(one.named(fault) for one, fault in cases),
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Markdown: a row for each code, then all at once, and the three kinds of bugs."""
    lines = ["| code | bugs | found | placed | named first | named |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    codes = sorted({fault.codes[0] for one in outcomes for fault in one.bug.faults})
    rows = [(f"`{code}`", count(outcomes, lambda fault, code=code: fault.codes[0] == code)) for code in codes]  # type: ignore[misc]
    historical = [one for one in outcomes if one.bug.thread]
    made_up = [one for one in outcomes if not one.bug.thread]
    rows += [
        ("one in a port", count(one for one in made_up if len(one.bug.faults) == 1)),
        ("several in a port", count(one for one in made_up if len(one.bug.faults) > 1)),
        ("historical", count(historical)),
        ("all", count(outcomes)),
    ]
    for name, score in rows:
        cells = [_share(value, score.bugs) for value in (score.found, score.placed, score.first, score.named)]
        lines.append(f"| {name} | {score.bugs} | {' | '.join(cells)} |")
    return "\n".join(lines)


def misses(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each bug that was not found, not placed, or not named first, with what was said instead."""
    lines = []
    for one in outcomes:
        unnamed = [fault.codes[0] for fault in one.bug.faults if not one.named_first(fault)]
        what = "not found" if not one.found else "misplaced" if not one.placed else ""
        if not what and unnamed:
            what = f"not named first ({', '.join(unnamed)})"
        if what:
            lines.append(f"{one.bug.name}: {what}; said: {one.said()}")
    return lines


def as_json(outcomes: Sequence[Outcome], false_alarms: Sequence[str], right: int) -> dict[str, Any]:
    """Everything, for a program to read."""
    return {
        "right_ports": right,
        "false_alarms": list(false_alarms),
        "bugs": [
            {
                "name": one.bug.name,
                "net": one.bug.net,
                "thread": one.bug.thread or None,
                "faults": [
                    {
                        "codes": list(fault.codes),
                        "layers": list(fault.layers),
                        "named_first": one.named_first(fault),
                        "named": one.named(fault),
                    }
                    for fault in one.bug.faults
                ],
                "found": one.found,
                "placed": one.placed,
                "said": one.said(),
            }
            for one in outcomes
        ],
    }


def _share(value: int, of: int) -> str:
    return f"{value}" if value == of else f"{value} ({100 * value / of:.0f} %)"
