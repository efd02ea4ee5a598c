"""A parsed JSON report → ParityReport. A report may come from anywhere, so every value is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.data import (
    Adjudication,
    Cause,
    LayerComparison,
    Metrics,
    OutputComparison,
    ParityReport,
    Shape,
    Status,
    Witness,
    Worst,
)
from harness.errors import FormatError

_NONFINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class _Value:
    """One value of the file, with its address (`$.layers[3].status`) for the error that it may cause."""

    def __init__(self, value: Any, address: str, file: Path | str, fix: str) -> None:
        self.value, self.address, self.file, self.fix = value, address, file, fix

    def expected(self, what: str) -> FormatError:
        shown = json.dumps(self.value)
        shown = shown if len(shown) <= 40 else f"{shown[:37]}…"
        return FormatError(f"expected {what}, found {shown} @ {self.address}", file=self.file, fix=self.fix)

    def __getitem__(self, key: str) -> _Value:
        members = self.mapping()
        if key not in members:
            raise FormatError(f'"{key}" is missing @ {self.address}', file=self.file, fix=self.fix)
        return _Value(members[key], f"{self.address}.{key}", self.file, self.fix)

    def optional(self, key: str) -> _Value | None:
        """A key that a report may lack; null counts as absent."""
        return None if self.mapping().get(key) is None else self[key]

    def __iter__(self) -> Iterator[_Value]:
        if not isinstance(self.value, list):
            raise self.expected("a list")
        for place, item in enumerate(self.value):
            yield _Value(item, f"{self.address}[{place}]", self.file, self.fix)

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise self.expected("an object")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.expected("a string")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.expected("true or false")
        return self.value

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.expected("an integer")
        return self.value

    def number(self) -> float:
        if isinstance(self.value, str) and self.value in _NONFINITE:
            return _NONFINITE[self.value]
        if not isinstance(self.value, (int, float)) or isinstance(self.value, bool):
            raise self.expected("a number")
        try:
            return float(self.value)
        except OverflowError:
            raise self.expected("a number of double precision") from None

    def integers(self) -> Shape:
        return tuple(item.integer() for item in self)

    def texts(self) -> tuple[str, ...]:
        return tuple(item.text() for item in self)


def report_from(value: Any, schema: str, file: Path | str, fix: str) -> ParityReport:
    """The report that a parsed file holds.

    Raises:
        FormatError: another schema, a value of the wrong kind, or a verdict that the layers contradict.
    """
    root = _Value(value, "$", file, fix)
    if root["schema"].value != schema:
        raise root["schema"].expected(f'schema "{schema}"')
    mode, notes = root.optional("mode"), root.optional("notes")
    report = ParityReport(
        case=root["case"].text(),
        target=target.text() if (target := root.optional("target")) else "",
        command=root["command"].text(),
        reference=root["reference"].mapping(),
        candidate=root["candidate"].mapping(),
        weights=root["weights"].mapping(),
        input=root["input"].mapping(),
        environment=root["environment"].mapping(),
        layers=tuple(_layer(row) for row in root["layers"]),
        outputs=tuple(_output(output) for output in root["outputs"]),
        folded=root["coverage"]["folded"].texts(),
        of=root["coverage"]["of"].integer(),
        mode=mode.text() if mode else "both",
        notes=notes.texts() if notes else (),
    )
    # The verdict is worked out from the layers again, so a file cannot claim another one.
    if root["passed"].flag() != report.passed:
        raise root["passed"].expected(f"{str(report.passed).lower()}, as the layers say")
    if root["coverage"]["compared"].integer() != report.compared:
        raise root["coverage"]["compared"].expected(f"{report.compared}, as the layers say")
    return report


def _output(value: _Value) -> OutputComparison:
    return OutputComparison(
        top=value["top"].text(),
        max_abs=_number(value.optional("max_abs")),
        label_agreement=_number(value.optional("label_agreement")),
        accumulated=value["accumulated"].flag(),
    )


def _layer(value: _Value) -> LayerComparison:
    try:
        status = Status(value["status"].text())
    except ValueError:
        raise value["status"].expected(f"one of {', '.join(status.value for status in Status)}") from None
    reference_shape, candidate_shape = value.optional("reference_shape"), value.optional("candidate_shape")
    isolated, end_to_end, float64 = (value.optional(key) for key in ("isolated", "end_to_end", "float64"))
    return LayerComparison(
        layer=value["layer"].text(),
        type=value["type"].text(),
        top=value["top"].text(),
        keras=value["keras"].texts(),
        caffe=value["caffe"].texts(),
        status=status,
        judged_by=value["judged_by"].text(),
        reference_shape=reference_shape.integers() if reference_shape else None,
        candidate_shape=candidate_shape.integers() if candidate_shape else None,
        isolated=_metrics(isolated) if isolated else None,
        end_to_end=_metrics(end_to_end) if end_to_end else None,
        float64=_adjudication(float64) if float64 else None,
        inherited_from=_text(value.optional("inherited_from")),
        sampled=_integer(value.optional("sampled")),
        causes=tuple(_cause(cause) for cause in value["causes"]),
        note=_text(value.optional("note")),
        reason=_text(value.optional("reason")) or "",
        witness=_witness(witness) if (witness := value.optional("witness")) else None,
    )


def _metrics(value: _Value) -> Metrics:
    worst = value.optional("worst")
    return Metrics(
        max_units=_number(value.optional("max_units")),
        rms_units=_number(value.optional("rms_units")),
        channel_rms_units=_number(value.optional("channel_rms_units")),
        systematic_units=_number(value.optional("systematic_units")),
        relative_rms=_number(value.optional("relative_rms")),
        max_abs=value["max_abs"].number(),
        max_rel=value["max_rel"].number(),
        slope=value["slope"].number(),
        intercept=value["intercept"].number(),
        worst=Worst(worst["index"].integers(), worst["reference"].number(), worst["candidate"].number())
        if worst
        else None,
        mismatched=value["mismatched"].integer(),
        total=value["total"].integer(),
        nonfinite=_integer(value.optional("nonfinite")) or 0,
    )


def _adjudication(value: _Value) -> Adjudication:
    return Adjudication(
        functions_max_rel=value["functions_max_rel"].number(),
        reference_units=value["reference_units"].number(),
        candidate_units=value["candidate_units"].number(),
        agrees=value["agrees"].flag(),
        reference_sound=value["reference_sound"].flag(),
        sampled=_integer(value.optional("sampled")),
    )


def _witness(value: _Value) -> Witness:
    return Witness(value["engine"].text(), value["agrees_with"].text(), _number(value.optional("max_abs")))


def _cause(value: _Value) -> Cause:
    proven = value.optional("proven")
    return Cause(
        code=value["code"].text(),
        summary=value["summary"].text(),
        evidence=value["evidence"].text(),
        fix=value["fix"].text(),
        proven=proven.flag() if proven else False,
        before=_number(value.optional("before")),
        after=_number(value.optional("after")),
        precision=_text(value.optional("precision")),
        source=_text(value.optional("source")),
    )


def _text(value: _Value | None) -> str | None:
    return value.text() if value else None


def _number(value: _Value | None) -> float | None:
    return value.number() if value else None


def _integer(value: _Value | None) -> int | None:
    return value.integer() if value else None
