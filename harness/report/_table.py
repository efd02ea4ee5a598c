"""The terminal's table of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.data import LayerComparison, ParityReport, Status
from harness.report import _rows, _text

if TYPE_CHECKING:
    from rich.text import Text

HEADS = ("#", "caffe → keras", "caffe shape", "own max|Δ|", "units", "end-to-end", "status")
RIGHT = (0, 3, 4, 5)
NAMES = 1
GAP = "  "


def lines(report: ParityReport, width: int, *, show_all: bool) -> list[Text]:
    """The table, a line each; the names give way where the columns do not suffice."""
    from rich.cells import cell_len
    from rich.text import Text

    runs = _rows.runs(report, show_all=show_all)
    if not runs:
        return []
    table = [list(HEADS), *(_cells(report, run) for run in runs)]
    widths = [max(cell_len(row[column]) for row in table) for column in range(len(HEADS))]
    others = sum(widths) - widths[NAMES] + len(GAP) * (len(HEADS) - 1)
    widths[NAMES] = min(widths[NAMES], max(width - others, 12))
    for row, run in zip(table[1:], runs, strict=True):
        if cell_len(row[NAMES]) > widths[NAMES] and not run.collapsed:
            row[NAMES] = _rows.names(run.rows[0].row, short=True)
    styles = ["dim", *(_style(run.rows[0].row) for run in runs)]
    found = [Text(_joined(row, widths), style) for row, style in zip(table, styles, strict=True)]
    if not show_all and len(runs) < len(report.layers):
        found.append(Text(" " * (widths[0] + len(GAP)) + "(--all shows every row)", "dim"))
    return found


def _joined(row: list[str], widths: list[int]) -> str:
    from rich.cells import cell_len, set_cell_size

    shown = []
    for column, (cell, room) in enumerate(zip(row, widths, strict=True)):
        if cell_len(cell) > room:
            shown.append(set_cell_size(cell, room - 1) + "…")
        else:
            shown.append(" " * (room - cell_len(cell)) + cell if column in RIGHT else set_cell_size(cell, room))
    return GAP.join(shown).rstrip()


def _cells(report: ParityReport, run: _rows.Run) -> list[str]:
    first, row = run.rows[0], run.rows[0].row
    status = _rows.status_text(report, row)
    if run.collapsed:
        own, end_to_end = run.largest("isolated", "max_abs"), run.largest("end_to_end", "max_abs")
        return [
            "",
            run.title,
            "",
            f"≤ {_text.number(own)}" if own is not None else _text.NONE,
            _text.units(run.largest("isolated", "max_units")),
            f"≤ {_text.number(end_to_end)}" if end_to_end is not None else _text.NONE,
            status,
        ]
    own_metrics, end = row.isolated, row.end_to_end
    return [
        str(first.number),
        _rows.names(row),
        _text.shape(row.reference_shape),
        _text.number(own_metrics.max_abs if own_metrics else None),
        _rows.units_text(row, own_metrics),
        _text.number(end.max_abs if end else None),
        status,
    ]


def _style(row: LayerComparison) -> str:
    if row.status.fails:
        return "bold red"
    return "yellow" if row.status is Status.INHERITED else ""
