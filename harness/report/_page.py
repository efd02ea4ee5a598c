"""What the HTML page shows, worked out: the templates only place it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.data import Cause, LayerComparison, Metrics, ParityReport, Status
from harness.extras import import_pillow
from harness.report import _rows, _strip, _summary, _text

if TYPE_CHECKING:
    from markupsafe import Markup

SYMBOLS = {"match": "✓", "inherited": "↑", "consistent": "–"}


@dataclass(frozen=True)
class RowView:
    """One layer of the table; figures as text, and as numbers to sort by."""

    anchor: str
    aliases: tuple[str, ...]  # anchors of the layers that are fused into this one
    number: int
    row: LayerComparison
    names: str
    status: str
    symbol: str
    tone: str
    source_anchor: str | None  # of the layer that an error is inherited from
    source_number: str
    mark: str
    shape: str
    other_shape: str | None
    figures: tuple[tuple[str, str, float], ...]  # column, text, number to sort by
    worst: str
    worst_values: str
    search: str
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class Card:
    """One layer to mend."""

    number: int
    anchor: str
    row: LayerComparison
    detail: str
    change: str
    others: tuple[tuple[str, Cause], ...]  # "and" or "or", and what else it is
    again: str


@dataclass(frozen=True)
class PictureView:
    """A picture as a data URI."""

    title: str
    uri: str
    width: int
    height: int
    pixelated: bool


@dataclass(frozen=True)
class Page:
    """One report as the templates take it."""

    prefix: str
    report: ParityReport
    summary: _summary.Summary
    cards: tuple[Card, ...]
    pictures: tuple[PictureView, ...]
    strip: _strip.Strip | None
    rows: tuple[RowView, ...]
    statuses: tuple[tuple[str, int], ...]
    worst: tuple[str, str, str] | None  # anchor, layer, units
    agreement: str | None
    brief: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    json: Markup
    digest: str


def page(report: ParityReport, prefix: str = "") -> Page:
    """One report as the templates take it; `prefix` keeps the anchors of several apart."""
    from markupsafe import Markup

    from harness.report import json

    summary = _summary.summarize(report)
    text = json.render(report)
    anchors = {row.layer: anchor(row.layer, prefix) for row in report.layers}
    statuses = Counter(row.status.value for row in report.layers)
    agreement = _summary.labels_agree(report)
    worst = summary.worst
    return Page(
        prefix=prefix,
        report=report,
        summary=summary,
        cards=tuple(
            Card(
                number,
                anchors[row.layer],
                row,
                _rows.detail(row),
                _rows.change(row.causes[0]) if row.causes else "",
                tuple(_rows.others(row)),
                _summary.again(report, row),
            )
            for number, row in enumerate(summary.culprits, start=1)
        ),
        pictures=tuple(_pictures(report)),
        strip=_strip.strip(report, anchors),
        rows=tuple(_row_views(report, anchors, prefix)),
        statuses=tuple((status.value, statuses[status.value]) for status in Status if statuses[status.value]),
        worst=(anchors[worst.layer], worst.layer, _text.units(_summary.own_units(worst))) if worst else None,
        agreement=_text.percent(agreement) if agreement is not None else None,
        brief=tuple(_brief(report)),
        facts=tuple(_facts(report)),
        json=Markup(text),  # json.render leaves no "<" in it
        digest=hashlib.sha256(text.encode("utf-8")).hexdigest(),
    )


def anchor(layer: str, prefix: str = "") -> str:
    """The id of a layer's row: a name as it is, with what an id cannot hold escaped as in an address."""
    return f"{prefix}layer-{quote(layer, safe='/:+@,', errors='surrogatepass')}"


def _row_views(report: ParityReport, anchors: Mapping[str, str], prefix: str) -> Iterator[RowView]:
    taken = set(anchors.values())
    for number, row in enumerate(report.layers, start=1):
        aliases = tuple(alias for alias in (anchor(name, prefix) for name in row.caffe) if alias not in taken)
        taken.update(aliases)
        source = row.inherited_from
        tone = "bad" if row.status.fails else "good" if row.status is Status.MATCH else "care"
        worst = metrics.worst if (metrics := _summary.own(row)) is not None else None
        differs = row.candidate_shape is not None and row.candidate_shape != row.reference_shape
        yield RowView(
            anchor=anchors[row.layer],
            aliases=aliases,
            number=number,
            row=row,
            names=_rows.names(row),
            status=row.status.value,
            symbol=SYMBOLS.get(row.status.value, "✗"),
            tone=tone,
            source_anchor=anchors.get(source) if source is not None else None,
            source_number=_rows.number_of(report, source) if source is not None else "",
            mark=_rows.MARKS.get(row.judged_by, ""),
            shape=_text.shape(row.reference_shape),
            other_shape=_text.shape(row.candidate_shape) if differs else None,
            figures=tuple(_figures(row)),
            worst=_text.index(worst.index) if worst else _text.NONE,
            worst_values=f"{_text.figure(worst.reference)} → {_text.figure(worst.candidate)}" if worst else "",
            search=" ".join((row.layer, *row.caffe, *row.keras, row.type, row.top)).lower(),
            groups=tuple(_groups(report, row)),
        )


def _figures(row: LayerComparison) -> Iterator[tuple[str, str, float]]:
    own, end = row.isolated, row.end_to_end
    yield "own", _text.number(own.max_abs if own else None), _sortable(own.max_abs if own else None)
    yield "units", _rows.units_text(row, own), _sortable(own.max_units if own else None)
    yield "rms", _text.units(own.rms_units if own else None), _sortable(own.rms_units if own else None)
    yield "end", _text.number(end.max_abs if end else None), _sortable(end.max_abs if end else None)


def _sortable(value: float | None) -> float:
    if value is None:
        return -1.0
    return value if math.isfinite(value) else 1e308


def _groups(report: ParityReport, row: LayerComparison) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    judgement = [("judged by", row.judged_by), ("paired by", row.reason), ("note", row.note or "")]
    judgement += [("top", row.top), ("Keras layers", " + ".join(row.keras)), ("again", _summary.again(report, row))]
    if row.sampled:
        judgement += [("sampled", f"{row.sampled:,} elements")]
    if row.float64 is not None:
        judgement += [("float64", _summary.adjudicated(row.float64))]
    if row.witness is not None:
        judgement += [("third voice", _summary.witnessed(row.witness))]
    yield "Judgement", tuple((label, value) for label, value in judgement if value)
    for title, metrics in (("By itself", row.isolated), ("End to end", row.end_to_end)):
        if metrics is not None:
            yield title, tuple(_measures(metrics))


def _measures(metrics: Metrics) -> Iterator[tuple[str, str]]:
    yield "max|Δ|", f"{_text.number(metrics.max_abs)} ({_text.number(metrics.max_rel)} of the largest value)"
    if metrics.max_units is not None:
        yield "in units", f"{_text.units(metrics.max_units)}, rms {_text.units(metrics.rms_units)}"
    yield "slope, intercept", f"{_text.figure(metrics.slope)}, {_text.figure(metrics.intercept)}"
    yield "beyond the limit", f"{metrics.mismatched:,} of {metrics.total:,}"
    if metrics.nonfinite:
        yield "NaN or infinite", f"{metrics.nonfinite:,}"
    if metrics.worst is not None:
        worst = metrics.worst
        yield "worst at", _text.index(worst.index)
        yield "Caffe → Keras", f"{_text.figure(worst.reference)} → {_text.figure(worst.candidate)}"


def _brief(report: ParityReport) -> Iterator[tuple[str, str]]:
    yield "reference", _summary.described(report.reference)
    yield "candidate", _summary.described(report.candidate)
    for label, digest in (("weights", report.weights.get("sha256")), ("input", report.input.get("sha256"))):
        if digest:
            yield label, _text.digest(str(digest))
    for label, key in (("commit", "git"), ("date", "date"), ("harness", "harness")):
        if report.environment.get(key):
            yield label, str(report.environment[key])


def _facts(report: ParityReport) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    groups = {
        "Reference": report.reference,
        "Candidate": report.candidate,
        "Weights": report.weights,
        "Input": report.input,
        "Environment": report.environment,
    }
    for title, mapping in groups.items():
        if mapping:
            yield title, tuple(_flat(mapping))


def _flat(mapping: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in mapping.items():
        label = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{label} ")
        elif isinstance(value, (list, tuple)):
            yield label, " × ".join(str(item) for item in value)
        elif isinstance(value, bool):
            yield label, "yes" if value else "no"
        elif value is not None:
            yield label, str(value)


def _pictures(report: ParityReport) -> Iterator[PictureView]:
    if not report.pictures:
        return
    import base64
    import io

    pillow = import_pillow()
    for picture in report.pictures:
        image = pillow.fromarray(picture.rgb_hwc)
        if max(image.size) > 640:
            # Label maps have few colours, and a blend of two of them would be a label that is not there.
            few = image.getcolors(256) is not None
            image.thumbnail((640, 640), pillow.Resampling.NEAREST if few else pillow.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", optimize=True)
        uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        yield PictureView(picture.title, uri, image.width, image.height, max(image.size) < 240)
