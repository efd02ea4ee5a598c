"""The report as a terminal shows it: the verdict, the table, the causes, what to type next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.data import Cause, LayerComparison, ParityReport
from harness.report import _rows, _summary, _text

if TYPE_CHECKING:
    from rich.text import Text

FORMAT = "terminal"
FILE_NAME = "report.txt"
WIDTH = 100
TONES = {"good": "green", "plain": "", "care": "bold yellow"}


def render(
    report: ParityReport, *, color: bool = False, width: int = WIDTH, show_all: bool = False, saved: str | None = None
) -> str:
    """The report as lines of text.

    Args:
        report: what to show.
        color: add ANSI colours; nothing is told by colour alone. NO_COLOR is the caller's to honour.
        width: columns at hand.
        show_all: a row for each layer, also where nothing is wrong.
        saved: where the page with the whole report lies, if one was written.
    """
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},  # the same text wherever it is made
    )
    summary = _summary.summarize(report)
    blocks = [_header(report, summary, width)]
    if show_all or not report.passed:
        from harness.report import _table

        blocks.append(_table.lines(report, width, show_all=show_all))
    blocks += [list(_causes(report, number, row, width)) for number, row in enumerate(summary.culprits, start=1)]
    blocks.append(_footer(report, summary, saved))
    with console.capture() as captured:
        for position, block in enumerate(block for block in blocks if block):
            if position:
                console.print()
            for line in block:
                console.print(line, soft_wrap=True)
    return "\n".join(line.rstrip() for line in captured.get().split("\n"))


def render_many(reports: Sequence[ParityReport]) -> str:
    """Several reports, one after the other."""
    return f"\n{'─' * WIDTH}\n\n".join(render(report) for report in reports)


def _header(report: ParityReport, summary: _summary.Summary, width: int) -> list[Text]:
    from rich.cells import cell_len
    from rich.text import Text

    style = "bold green" if report.passed else "bold red"
    title = Text.assemble(
        (f"{summary.symbol} {summary.verdict}", style),
        ("  " + _text.printable(report.case), "bold"),
    )
    tally = f"{summary.counts}   coverage {summary.coverage}"
    fits = cell_len(title.plain) + 3 + cell_len(tally) <= width
    head = [title + Text(f"   {tally}")] if fits else [title, Text(tally)]
    engine, weights, _ = summary.badges
    reference = Text.assemble((engine.text, TONES[engine.tone]), f"  {_summary.described(report.reference)}")
    trained = Text.assemble((_summary.weights_badge(report).text, TONES[weights.tone]))
    if report.weights.get("sha256"):
        trained.append(f" {_text.digest(str(report.weights['sha256']))}")
    lines = _labelled("reference", reference, width)
    lines += _labelled("candidate", _summary.described(report.candidate), width)
    lines += _labelled("weights", trained + Text(f"   input {_input(report)}"), width)
    lines += _labelled("outputs", " · ".join(_outputs(report)), width) if report.outputs else []
    if report.compared == 0 or report.mode == "static":
        lines += _labelled("verdict", summary.sentence, width)
    elif report.passed:
        lines += _labelled("worst", _worst(summary), width)
    for remark in summary.remarks:
        lines += _labelled("note", remark, width)
    return [*head, *lines]


def _input(report: ParityReport) -> str:
    name, dims = report.input.get("name"), report.input.get("shape")
    parts = [_text.printable(name)] if name else []
    parts += ["×".join(str(dim) for dim in dims[-2:])] if dims else []
    if not name and report.input.get("sha256"):
        parts += [_text.digest(str(report.input["sha256"]))]
    return " ".join(parts) or "unknown"


def _outputs(report: ParityReport) -> Iterator[str]:
    for output in report.outputs:
        agreement = output.label_agreement
        labels = f"labels agree {_text.percent(agreement)}, " if agreement is not None else ""
        yield f"{_text.printable(output.top)}: {labels}max|Δ| {_text.number(output.max_abs)}"


def _worst(summary: _summary.Summary) -> str:
    row = summary.worst
    metrics = _summary.own(row) if row is not None else None
    if row is None or metrics is None:
        return "every layer agrees to the bit"
    place = f" at {_text.index(metrics.worst.index)}" if metrics.worst is not None else ""
    units = f"{_text.units(metrics.max_units)} units of {summary.limit:g}"
    return f"{_text.printable(row.layer)}  {units}, max|Δ| {_text.number(metrics.max_abs)}{place}"


def _causes(report: ParityReport, number: int, row: LayerComparison, width: int) -> Iterator[Text]:
    from rich.cells import cell_len
    from rich.text import Text

    first: Cause | None = row.causes[0] if row.causes else None
    head = Text.assemble(f"{number} ", (_text.printable(row.layer), "bold"), " · ")
    head.append(_text.printable(first.code) if first else row.status.value, "red")
    if first and first.proven:
        head.append(" · PROVEN", "bold")
    source = _text.printable(first.source) if first and first.source else ""
    gap = width - cell_len(head.plain) - cell_len(source)
    yield head + Text(f"{' ' * max(gap, 2)}{source}") if source else head
    yield from _labelled("what", _rows.detail(row), width, indent=4)
    if first is None:
        yield from _labelled("cause", "none of the known ones", width, indent=4)
        return
    yield from _labelled("why", first.summary, width, indent=4)
    yield from _labelled("proof" if first.proven else "hint", first.evidence, width, indent=4)
    yield from _labelled("fix", Text(_text.printable(first.fix, keep="\n"), "bold"), width, indent=4)
    yield from _labelled("then", _rows.change(first), width, indent=4)
    for word, other in _rows.others(row)[:3]:
        yield from _labelled(word, f"{other.code}: {other.summary}", width, indent=4)
        if word == "and":
            yield from _labelled("fix", Text(_text.printable(other.fix, keep="\n"), "bold"), width, indent=4)


def _footer(report: ParityReport, summary: _summary.Summary, saved: str | None) -> list[Text]:
    from rich.text import Text

    lines = [Text(f"report  {_text.printable(saved)}")] if saved else []
    if summary.culprits:
        lines.append(Text.assemble("again   ", (_summary.again(report, summary.culprits[0]), "bold")))
    lines.append(Text(f"exit    {0 if report.passed else 1}"))
    return lines


def _labelled(label: str, text: str | Text, width: int, indent: int = 0) -> list[Text]:
    """A label and what belongs to it, wrapped so that the labels stay a column of their own."""
    import io

    from rich.console import Console
    from rich.text import Text

    content = Text(_text.printable(text, keep="\n")) if isinstance(text, str) else text
    if not content.plain:
        return []
    column = 7 if indent else 11
    room = max(width - indent - column, 20)
    wrapped = content.wrap(Console(file=io.StringIO(), width=room, _environ={}), room)
    first = Text(" " * indent) + Text(label.ljust(column), "dim")
    rest = Text(" " * (indent + column))
    return [(first if position == 0 else rest) + line for position, line in enumerate(wrapped)]
