"""The report as JSON, schema "harness-report/1": what scripts hold on to. Keys may be added, never renamed.

Infinity and NaN, which JSON lacks, are the strings "Infinity", "-Infinity" and "NaN". Pictures are not part of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data import Adjudication, Cause, LayerComparison, Metrics, OutputComparison, ParityReport, Witness
from harness.errors import FormatError, UsageError

FORMAT = "json"
FILE_NAME = "report.json"
SCHEMA = "harness-report/1"
SCHEMA_FILE = Path(__file__).with_name("schema.json")

# Escaped so that the text can stand inside a page's <script> byte for byte, is always valid UTF-8, and steers neither
# a terminal nor the direction of reading.
_ESCAPED = re.compile("[<>&\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def render(report: ParityReport) -> str:
    """The report as JSON text."""
    text = json.dumps(to_json(report), ensure_ascii=False, allow_nan=False, indent=1)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def load(path: Path | str) -> ParityReport:
    """The report that a file holds.

    Raises:
        UsageError: the file cannot be read.
        FormatError: it is not JSON, of another schema, or contradicts itself.
    """
    from harness.report._from_json import report_from

    fix = "name a report.json that this version of `harness run` wrote, or run the case again"
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the report cannot be read: {reason}", file=path, fix="run the case first") from error
    except UnicodeDecodeError as error:
        raise FormatError("not a JSON report: not UTF-8", file=path, fix=fix) from error
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"not a JSON report: {error.msg}", file=path, line=error.lineno, column=error.colno, fix=fix
        ) from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not a JSON report: {error}", file=path, fix=fix) from error
    return report_from(value, SCHEMA, path, fix)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def to_json(report: ParityReport) -> dict[str, Any]:
    """The report as plain dicts, lists, strings and numbers."""
    return {
        "schema": SCHEMA,
        "case": report.case,
        "target": report.target,
        "passed": report.passed,
        "command": report.command,
        "mode": report.mode,
        "reference": _plain(report.reference),
        "candidate": _plain(report.candidate),
        "weights": _plain(report.weights),
        "input": _plain(report.input),
        "environment": _plain(report.environment),
        "coverage": {"compared": report.compared, "of": report.of, "folded": list(report.folded)},
        "outputs": [_output(output) for output in report.outputs],
        "notes": list(report.notes),
        "layers": [_layer(row) for row in report.layers],
    }


def _output(output: OutputComparison) -> dict[str, Any]:
    return {
        "top": output.top,
        "max_abs": _number(output.max_abs),
        "label_agreement": _number(output.label_agreement),
        "accumulated": bool(output.accumulated),
    }


def _layer(row: LayerComparison) -> dict[str, Any]:
    return {
        "layer": row.layer,
        "type": row.type,
        "top": row.top,
        "keras": list(row.keras),
        "caffe": list(row.caffe),
        "status": row.status.value,
        "inherited_from": row.inherited_from,
        "judged_by": row.judged_by,
        "sampled": row.sampled,
        "reference_shape": _plain(row.reference_shape),
        "candidate_shape": _plain(row.candidate_shape),
        "isolated": _metrics(row.isolated),
        "end_to_end": _metrics(row.end_to_end),
        "float64": _adjudication(row.float64),
        "causes": [_cause(cause) for cause in row.causes],
        "note": row.note,
        "reason": row.reason,
        "witness": _witness(row.witness),
    }


def _metrics(metrics: Metrics | None) -> dict[str, Any] | None:
    if metrics is None:
        return None
    figures = (
        "max_units",
        "rms_units",
        "channel_rms_units",
        "systematic_units",
        "relative_rms",
        "max_abs",
        "max_rel",
        "slope",
        "intercept",
    )
    value: dict[str, Any] = {name: _number(getattr(metrics, name)) for name in figures}
    worst = metrics.worst
    value["worst"] = worst and {
        "index": _plain(worst.index),
        "reference": _number(worst.reference),
        "candidate": _number(worst.candidate),
    }
    value |= {name: int(getattr(metrics, name)) for name in ("mismatched", "total", "nonfinite")}
    return value


def _adjudication(float64: Adjudication | None) -> dict[str, Any] | None:
    if float64 is None:
        return None
    figures = ("functions_max_rel", "reference_units", "candidate_units")
    value: dict[str, Any] = {name: _number(getattr(float64, name)) for name in figures}
    return value | {
        "agrees": bool(float64.agrees),
        "reference_sound": bool(float64.reference_sound),
        "sampled": float64.sampled,
    }


def _witness(witness: Witness | None) -> dict[str, Any] | None:
    if witness is None:
        return None
    return {"engine": witness.engine, "agrees_with": witness.agrees_with, "max_abs": _number(witness.max_abs)}


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code,
        "summary": cause.summary,
        "evidence": cause.evidence,
        "fix": cause.fix,
        "proven": bool(cause.proven),
        "before": _number(cause.before),
        "after": _number(cause.after),
        "precision": cause.precision,
        "source": cause.source,
    }


def _number(value: float | None) -> float | str | None:
    if value is None:
        return None
    value = float(value)  # NumPy's scalars too
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _plain(value: Any) -> Any:
    """Whatever an engine has put into its description, as JSON knows it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)
