"""The net as a strip of cells, one per layer, on a logarithmic axis: geometry only, the template draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.data import LayerComparison, Metrics, ParityReport, Status
from harness.report import _rows, _summary, _text

WIDTH = 860.0
LEFT, RIGHT = 44.0, 48.0
TOP, PLOT = 44.0, 168.0
BASE = TOP + PLOT
NAMES = 66.0
CHARACTER = 6.6  # width of one, on average, in the labels' size
ROWS = 3
WIDEST = 64.0  # a cell of a net with few layers


@dataclass(frozen=True)
class Cell:
    """One layer: its own error solid, the one end to end hollow."""

    anchor: str
    tone: str
    x: float
    width: float
    own: float | None  # height of the bar
    end: float | None
    unmeasured: bool  # at fault, and no figure says how much
    exact: bool
    name: str  # under the axis; empty where there is no room
    title: str


@dataclass(frozen=True)
class Label:
    """A culprit's name above the plot, and the line that leads to its cell."""

    text: str
    x: float
    y: float
    anchor: str
    leader_x: float
    leader_to: float


@dataclass(frozen=True)
class Strip:
    """The picture of the whole net."""

    width: float
    height: float
    cells: tuple[Cell, ...]
    ticks: tuple[tuple[float, str], ...]
    limit: tuple[float, str] | None
    labels: tuple[Label, ...]
    axis: str
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    base: float = BASE


@dataclass(frozen=True)
class _Axis:
    """Powers of ten from bottom to top; `figure` is what is drawn."""

    figure: str
    low: int
    high: int

    def height(self, value: float | None) -> float | None:
        """How high a bar stands; None for a value that is not there, and at least a hair for one that is."""
        if value is None:
            return None
        if not math.isfinite(value):
            return PLOT
        if value <= 0:
            return 0.0
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(PLOT * min(max(share, 0.01), 1.0), 1)

    def of(self, metrics: Metrics | None) -> float | None:
        """The height of the bar for these metrics."""
        return self.height(getattr(metrics, self.figure)) if metrics is not None else None


def strip(report: ParityReport, anchors: Mapping[str, str]) -> Strip | None:
    """The strip of a report; None if nothing was measured."""
    rows = report.layers
    if not rows:
        return None
    axis = _axis(rows)
    width = max(WIDTH, LEFT + RIGHT + 5.0 * len(rows))
    step = min((width - LEFT - RIGHT) / len(rows), WIDEST)
    every = max(1, math.ceil(11.0 / step))
    cells = tuple(
        _cell(report, row, anchors[row.layer], LEFT + place * step, step, axis, named=place % every == 0)
        for place, row in enumerate(rows)
    )
    limit = None
    if axis.figure == "max_units":
        units = _summary.limit_units(report)
        limit = (BASE - (axis.height(units) or 0.0), f"limit {units:g}")
    ticks = tuple(
        (BASE - (axis.height(10.0**power) or 0.0) if power > axis.low else BASE, _tick(power))
        for power in range(axis.low, axis.high + 1, max(1, round((axis.high - axis.low) / 6)))
    )
    title = "rounding units" if axis.figure == "max_units" else "max|Δ|"
    return Strip(width, BASE + NAMES, cells, ticks, limit, _labels(cells, rows, width), title)


def _axis(rows: tuple[LayerComparison, ...]) -> _Axis:
    for figure in ("max_units", "max_abs"):
        metrics = [side for row in rows for side in (row.isolated, row.end_to_end) if side is not None]
        values = [getattr(side, figure) for side in metrics]
        known = [value for value in values if value is not None and 0 < value < math.inf]
        if known:
            low = -2 if figure == "max_units" else math.floor(math.log10(min(known)))
            floor = 2 if figure == "max_units" else low + 2
            return _Axis(figure, low, max(floor, math.ceil(math.log10(max(known)))))
    return _Axis("max_abs", -8, 0)


def _cell(
    report: ParityReport, row: LayerComparison, anchor: str, x: float, step: float, axis: _Axis, *, named: bool
) -> Cell:
    own, end = axis.of(row.isolated), axis.of(row.end_to_end)
    units = _rows.units_text(row, row.isolated)
    figures = f"own max|Δ| {_text.number(row.isolated.max_abs)} ({units} units)" if row.isolated else "not measured"
    if row.end_to_end:
        figures += f", end to end {_text.number(row.end_to_end.max_abs)}"
    return Cell(
        anchor=anchor,
        tone="bad" if row.status.fails else "good" if row.status is Status.MATCH else "care",
        x=round(x, 2),
        width=round(step, 2),
        own=own,
        end=end,
        unmeasured=row.status.fails and own is None,
        exact=units == "exact",
        name=_shortened(row.layer, 13) if named else "",
        title=f"{_text.printable(row.layer)}: {_rows.status_text(report, row)}; {figures}",
    )


def _labels(cells: tuple[Cell, ...], rows: tuple[LayerComparison, ...], width: float) -> tuple[Label, ...]:
    """Names of the culprits, in as many lines as keep them apart; where none is free the cell stays unnamed."""
    labels = []
    ends = [0.0] * ROWS
    for cell, row in zip(cells, rows, strict=True):
        if not row.status.fails:
            continue
        text = f"✗ {_shortened(row.layer, 20)}"
        room, middle = CHARACTER * len(text), cell.x + cell.width / 2
        start = min(max(middle - room / 2, 0.0), width - room)
        line = next((line for line in range(ROWS) if ends[line] + 6 <= start or ends[line] == 0), None)
        if line is None:
            continue
        ends[line] = start + room
        y = TOP - 8 - 13 * line
        reached = BASE - max(cell.own or 0.0, cell.end or 0.0) if not cell.unmeasured else TOP
        labels.append(Label(text, round(start + room / 2, 1), y, cell.anchor, round(middle, 1), round(reached, 1)))
    return tuple(labels)


def _shortened(name: str, longest: int) -> str:
    shown = _text.printable(name)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _tick(power: int) -> str:
    if -2 <= power <= 3:
        return f"{10.0**power:g}"
    return "10" + "".join("⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".index(char)] for char in str(power))
