"""A layer's row in words, and runs of rows that say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from harness.data import Cause, LayerComparison, Metrics, ParityReport, Status
from harness.report import _summary, _text

MARKS = {"user": "by hand", "estimate": "estimated", "static": "not run"}


@dataclass(frozen=True)
class Numbered:
    """A row with its place in the order of execution, counted from one."""

    number: int
    row: LayerComparison


@dataclass(frozen=True)
class Run:
    """Neighbouring rows; more than one only where they say the same."""

    rows: tuple[Numbered, ...]

    @property
    def collapsed(self) -> bool:
        """True if the run stands for several rows."""
        return len(self.rows) > 1

    @property
    def title(self) -> str:
        """`16 layers, conv1_1 … conv5_2`."""
        first, last = (_text.printable(self.rows[place].row.layer) for place in (0, -1))
        return f"{len(self.rows)} layers, {first} … {last}"

    def largest(self, side: str, figure: str) -> float | None:
        """The largest figure of the run; `side` is "isolated" or "end_to_end"."""
        sides: Iterable[Metrics | None] = (getattr(numbered.row, side) for numbered in self.rows)
        figures = [getattr(metrics, figure) for metrics in sides if metrics is not None]
        return max((value for value in figures if value is not None), default=None)


def runs(report: ParityReport, *, show_all: bool = False, shortest: int = 3) -> list[Run]:
    """The rows, with runs of equal verdicts made one; a layer at fault always stands alone."""
    numbered = [Numbered(number, row) for number, row in enumerate(report.layers, start=1)]
    if show_all:
        return [Run((single,)) for single in numbered]
    found = []
    for alike, group in groupby(numbered, key=_alike):
        rows = tuple(group)
        if alike is None or len(rows) < shortest:
            found += [Run((single,)) for single in rows]
        else:
            found.append(Run(rows))
    return found


def _alike(numbered: Numbered) -> tuple[object, ...] | None:
    row = numbered.row
    return None if row.status.fails else (row.status, row.inherited_from, MARKS.get(row.judged_by))


def status_text(report: ParityReport, row: LayerComparison) -> str:
    """`match`, `inherited ↑17`, `✗ DIVERGES`: the number is that of the row it comes from."""
    mark = f", {MARKS[row.judged_by]}" if row.judged_by in MARKS else ""
    if row.status.fails:
        return f"✗ {row.status.value.upper()}{mark}"
    if row.status is Status.INHERITED and row.inherited_from is not None:
        return f"inherited ↑{number_of(report, row.inherited_from)}{mark}"
    return f"{row.status.value}{mark}"


def number_of(report: ParityReport, layer: str) -> str:
    """The number of a layer's row, by any of its names; the name itself if it has no row."""
    for number, row in enumerate(report.layers, start=1):
        if layer == row.layer or layer in row.caffe:
            return str(number)
    return _text.printable(layer)


def names(row: LayerComparison, *, short: bool = False) -> str:
    """`conv5_3 + relu5_3 → conv2d_13`; Keras' name is left out where it is the same."""
    caffe = row.caffe
    left = " + ".join(caffe) or row.layer
    if short and len(caffe) > 1:
        left = f"{caffe[0]} +{len(caffe) - 1}"
    if row.keras == (row.layer,):
        return _text.printable(left)
    right = " + ".join(row.keras)
    if not caffe:
        return _text.printable(f"(none) → {right or row.layer}")
    return _text.printable(f"{left} → {right}" if right else left)


def units_text(row: LayerComparison, metrics: Metrics | None) -> str:
    """The error in units; `exact` where agreement to the bit was asked for and found."""
    if metrics is None:
        return _text.NONE
    if metrics.max_units is None and row.judged_by == "exact" and metrics.max_abs == 0:
        return "exact"
    return _text.units(metrics.max_units)


def detail(row: LayerComparison) -> str:
    """How many elements of a layer at fault differ, by how much, and where: one line."""
    parts = []
    if row.status is Status.SHAPE:
        parts.append(f"Caffe computes {_text.shape(row.reference_shape)}, Keras {_text.shape(row.candidate_shape)}")
    metrics = _summary.own(row)
    if metrics is not None and row.status is not Status.SHAPE:
        if metrics.nonfinite:
            parts.append(f"{metrics.nonfinite:,} of {metrics.total:,} are NaN or infinite on one side only")
        elif metrics.total:
            share = _text.percent(metrics.mismatched / metrics.total)
            parts.append(f"{metrics.mismatched:,} of {metrics.total:,} beyond the limit ({share})")
        if metrics.worst is not None:
            worst = metrics.worst
            at, caffe, keras = _text.index(worst.index), _text.figure(worst.reference), _text.figure(worst.candidate)
            parts.append(f"worst at {at}: Caffe {caffe}, Keras {keras}")
    if row.note:
        parts.append(_text.printable(row.note))
    if row.float64 is not None:
        parts.append(_summary.farther(row.float64))
    if row.witness is not None:
        parts.append(_summary.witnessed(row.witness))
    return "; ".join(parts)


def change(cause: Cause) -> str:
    """What the fix does to the error: `max|Δ| 3.1e-01 → 2.9e-05`; empty if it was not tried."""
    if cause.after is None:
        return ""
    before = f"{_text.number(cause.before)} → " if cause.before is not None else ""
    after = f"{_text.number(cause.after)} in float64" if cause.precision == "float64" else _text.number(cause.after)
    return f"max|Δ| {before}{after}"


def others(row: LayerComparison) -> list[tuple[str, Cause]]:
    """The causes behind the first: "and" where they hold together, "or" where one may stand for the other."""
    return [("and" if cause.proven and row.causes[0].proven else "or", cause) for cause in row.causes[1:]]


def account(report: ParityReport, row: LayerComparison) -> str:
    """All there is to say about a layer at fault, in lines: figures, causes, fixes, the command that repeats it."""
    lines = [f"{names(row)}: {row.status.value}", detail(row)]
    for cause in row.causes:
        lines += ["", f"{cause.code}{' (proven)' if cause.proven else ''}: {cause.summary}", cause.evidence]
        lines += [f"fix: {cause.fix}"]
        if cause.after is not None:
            lines += [f"then: {change(cause)}"]
        if cause.source:
            lines += [f"at: {cause.source}"]
    lines += ["", f"again: {_summary.again(report, row)}"]
    return "\n".join(_text.printable(line, keep="\n") for line in lines)


def figures(side: str, metrics: Metrics | None) -> list[tuple[str, str]]:
    """A comparison's figures as properties of a test case: `isolated.max_abs` and so on."""
    if metrics is None:
        return []
    known: list[tuple[str, object]] = [
        ("max_abs", metrics.max_abs),
        ("max_units", metrics.max_units),
        ("rms_units", metrics.rms_units),
        ("max_rel", metrics.max_rel),
        ("mismatched", metrics.mismatched),
        ("total", metrics.total),
    ]
    return [(f"{side}.{name}", str(value)) for name, value in known if value is not None]
