"""The report as Markdown for a CI job's summary or a comment: short where all is well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.data import Cause, LayerComparison, ParityReport
from harness.report import _rows, _summary, _text

FORMAT = "markdown"
FILE_NAME = "report.md"
LONGEST = 60_000  # characters; GitHub refuses comments beyond 65,536

_HEAD = ("#", "caffe → keras", "shape", "own max\\|Δ\\|", "units", "end-to-end", "status")
_ALIGN = ("--:", ":--", ":--", "--:", "--:", "--:", ":--")


def render(report: ParityReport) -> str:
    """The report as GitHub-flavoured Markdown."""
    text = _whole(report, show_all=report.passed)
    return text if len(text) <= LONGEST else _whole(report, show_all=False)


def render_many(reports: Sequence[ParityReport]) -> str:
    """Several reports, one after the other."""
    return "\n---\n\n".join(render(report) for report in reports)


def _whole(report: ParityReport, *, show_all: bool) -> str:
    summary = _summary.summarize(report)
    lines = [f"## {summary.symbol} {summary.verdict}: {code(report.case)}", "", f"**{summary.sentence}**", ""]
    lines += [" · ".join(f"`{badge.text}`" for badge in summary.badges), ""]
    lines += [f"{summary.counts}; coverage {summary.coverage}", ""]
    lines += [f"- {prose(remark)}" for remark in summary.remarks]
    lines += [""] if summary.remarks else []
    for number, row in enumerate(summary.culprits, start=1):
        lines += _culprit(report, number, row)
    table = list(_table(report, show_all=show_all)) if report.layers else []
    if report.passed:
        lines += ["<details>", f"<summary>{_text.count(len(report.layers), 'layer')}</summary>", ""]
        lines += [*table, "", "</details>", ""]
    elif table:
        lines += [*table, ""]
    lines += [f"Reference {code(_summary.described(report.reference))}  "]
    lines += [f"Candidate {code(_summary.described(report.candidate))}  "]
    lines += [f"Command {code(report.command)}"]
    return "\n".join(lines) + "\n"


def _culprit(report: ParityReport, number: int, row: LayerComparison) -> Iterator[str]:
    first: Cause | None = row.causes[0] if row.causes else None
    cause = code(first.code) if first else "no known cause"
    proven = " · **proven**" if first and first.proven else ""
    source = f" · {code(first.source)}" if first and first.source else ""
    yield f"### {number}. {code(row.layer)} · {row.status.value} · {cause}{proven}{source}"
    yield ""
    if first is None:
        yield prose(_rows.detail(row))
    else:
        yield f"{prose(first.summary)} {prose(first.evidence)}"
        yield ""
        yield f"- **Fix** {code(first.fix)}"
        if first.after is not None:
            yield f"- **Then** {_rows.change(first)}"
        yield f"- **Found** {prose(_rows.detail(row))}"
    for word, other in _rows.others(row)[:3]:
        fix = f" **Fix** {code(other.fix)}" if word == "and" else ""
        yield f"- **{word.capitalize()}** {code(other.code)} {prose(other.summary)}{fix}"
    yield f"- **Again** {code(_summary.again(report, row))}"
    yield ""


def _table(report: ParityReport, *, show_all: bool) -> Iterator[str]:
    yield _line(_HEAD)
    yield _line(_ALIGN)
    for run in _rows.runs(report, show_all=show_all):
        row = run.rows[0].row
        status = _rows.status_text(report, row)
        if run.collapsed:
            own = _text.number(run.largest("isolated", "max_abs"))
            units = _text.units(run.largest("isolated", "max_units"))
            end = _text.number(run.largest("end_to_end", "max_abs"))
            first, last = (_cell(run.rows[place].row.layer) for place in (0, -1))
            yield _line(("", f"{len(run.rows)} layers, {first} … {last}", "", f"≤ {own}", units, f"≤ {end}", status))
            continue
        own = _text.number(row.isolated.max_abs if row.isolated else None)
        end = _text.number(row.end_to_end.max_abs if row.end_to_end else None)
        shown = f"**{status}**" if row.status.fails else status
        shape = _text.shape(row.reference_shape)
        number, units = str(run.rows[0].number), _rows.units_text(row, row.isolated)
        yield _line((number, _cell(_rows.names(row)), shape, own, units, end, shown))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: object) -> str:
    """A code span that nothing inside it can end."""
    shown = _text.printable(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if shown[:1] in ("`", " ", "") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _cell(text: object) -> str:
    return code(text).replace("|", "\\|")  # a table splits at bars even inside code spans


def prose(text: object) -> str:
    """Text in which nothing is markup."""
    escaped = re.sub(r"([\\`*_\[\]|~#])", r"\\\1", _text.printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
