"""What a report comes down to: the verdict in one sentence, the counts, the worst layer, what to mention."""

from __future__ import annotations

import glob
import math
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.data import Adjudication, LayerComparison, Metrics, ParityReport, Status, Witness
from harness.report import _text

DEFAULT_LIMIT_UNITS = 8.0
REAL_ENGINES = ("docker", "podman", "native")


@dataclass(frozen=True)
class Badge:
    """A few words that say how far the verdict reaches; `tone` is "good", "plain" or "care"."""

    text: str
    tone: str
    title: str


@dataclass(frozen=True)
class Summary:
    """One report in brief."""

    verdict: str  # "PARITY" or "PARITY FAILED"; where nothing was run, "STATIC CHECKS PASSED" or "STATIC CHECKS FAILED"
    symbol: str
    sentence: str
    counts: str  # "2 wrong · 9 inherited · 18 match"
    coverage: str  # "29/29"
    culprits: tuple[LayerComparison, ...]
    worst: LayerComparison | None  # the layer with the largest error of its own, in units
    limit: float
    badges: tuple[Badge, ...]
    remarks: tuple[str, ...]


def summarize(report: ParityReport) -> Summary:
    """The report in brief."""
    culprits = tuple(row for row in report.layers if row.status.fails)
    statuses = Counter(row.status for row in report.layers)
    counts = [f"{len(culprits)} wrong"] if culprits else []
    right = (Status.INHERITED, Status.MATCH, Status.CONSISTENT)
    counts += [f"{statuses[status]} {status.value}" for status in right if statuses[status]]
    worst = worst_layer(report)
    limit = limit_units(report)
    return Summary(
        verdict=_verdict(report),
        symbol="✓" if report.passed else "✗",
        sentence=_sentence(report, culprits, worst, limit),
        counts=" · ".join(counts) or "no layers",
        coverage=f"{report.compared}/{report.of}",
        culprits=culprits,
        worst=worst,
        limit=limit,
        badges=_badges(report),
        remarks=tuple(_remarks(report)),
    )


def _verdict(report: ParityReport) -> str:
    """Parity is a word for what was run; definitions alone pass their checks, or do not."""
    if report.mode == "static":
        return "STATIC CHECKS PASSED" if report.passed else "STATIC CHECKS FAILED"
    return "PARITY" if report.passed else "PARITY FAILED"


def own(row: LayerComparison) -> Metrics | None:
    """The error a layer is judged by: its own, or the one end to end where nothing else was asked for."""
    return row.isolated if row.isolated is not None else row.end_to_end


def own_units(row: LayerComparison) -> float | None:
    """A layer's largest error in rounding units, if it is known and finite."""
    metrics = own(row)
    if metrics is None or metrics.max_units is None or not math.isfinite(metrics.max_units):
        return None
    return metrics.max_units


def worst_layer(report: ParityReport) -> LayerComparison | None:
    """The layer with the largest error of its own in rounding units."""
    measured = [row for row in report.layers if own_units(row) is not None]
    return max(measured, key=lambda row: own_units(row) or 0.0, default=None)


def limit_units(report: ParityReport) -> float:
    """Up to how many units a difference needs no further proof of being rounding."""
    limit = report.environment.get("limit_units", DEFAULT_LIMIT_UNITS)
    return float(limit) if isinstance(limit, (int, float)) and 0 < limit < math.inf else DEFAULT_LIMIT_UNITS


def engine_badge(report: ParityReport) -> Badge:
    """Whether real Caffe computed the reference; an engine that is not known is not Caffe."""
    engine = report.reference.get("engine")
    if report.mode == "static":
        return Badge(
            "NOTHING WAS RUN", "care", "Definitions, shapes and weights were held against each other, no numbers"
        )
    if engine in REAL_ENGINES:
        return Badge("REAL CAFFE", "good", "Caffe itself computed the reference")
    if engine == "golden":
        return Badge("GOLDEN", "plain", "The reference is a stored recording of Caffe")
    if engine == "recording" and report.reference.get("recorded_by") in REAL_ENGINES:
        return Badge("RECORDING", "plain", "A folder that was given, recorded by Caffe as its manifest says")
    return Badge("NOT CAFFE", "care", "Another engine stood in for Caffe; a difference may be its own")


def weights_badge(report: ParityReport) -> Badge:
    """Whether the weights were trained; those of no known kind are not called trained."""
    kind = str(report.weights.get("kind", "unknown"))
    titles = {
        "trained": "The weights come from training",
        "synthetic": "The weights were drawn from a seed: the arithmetic is tested, the trained net is not",
    }
    title = titles.get(kind, "It is not known where the weights come from")
    return Badge(_text.printable(kind).upper(), "good" if kind == "trained" else "care", title)


def by_hand(report: ParityReport) -> tuple[LayerComparison, ...]:
    """The layers whose limit a user has set."""
    return tuple(row for row in report.layers if row.judged_by == "user")


def again(report: ParityReport, row: LayerComparison) -> str:
    """The command that compares one layer again, safe to paste."""
    layer = shlex.quote(glob.escape(row.layer))
    static = " --static" if report.mode == "static" else ""
    return _text.printable(f"harness compare {report.target or shlex.quote(report.case)} --layer {layer}{static}")


def labels_agree(report: ParityReport) -> float | None:
    """The share of agreeing labels at the worst output that has labels."""
    shares = [output.label_agreement for output in report.outputs if output.label_agreement is not None]
    return min(shares, default=None)


def described(engine: Mapping[str, object]) -> str:
    """An engine in one line: version, engine, image, age, source."""
    name, version = str(engine.get("engine") or "unknown engine"), str(engine.get("version") or "")
    parts = [f"{name} {version}" if version[:1].isdigit() else version or name]
    if name not in parts[0]:
        parts.append(name)
    if engine.get("image"):
        parts.append(f"image {_text.digest(str(engine['image']))}")
    if engine.get("source"):
        parts.append(str(engine["source"]))
    line = ", ".join(parts)
    cached = engine.get("cached_seconds")
    return _text.printable(f"{line} (recorded {_text.ago(cached)})" if isinstance(cached, (int, float)) else line)


def _badges(report: ParityReport) -> tuple[Badge, ...]:
    weights, hand = weights_badge(report), len(by_hand(report))
    return (
        engine_badge(report),
        Badge(f"{weights.text} weights", weights.tone, weights.title),
        Badge(
            f"tolerances set by hand: {hand}",
            "care" if hand else "plain",
            "Layers whose limit a user has set in place of rounding units",
        ),
    )


def _sentence(
    report: ParityReport, culprits: tuple[LayerComparison, ...], worst: LayerComparison | None, limit: float
) -> str:
    if report.compared == 0 and not culprits:
        return "Nothing was compared, so nothing is proven."
    if report.mode == "static" and not culprits:
        return (
            f"Nothing was run: the definitions of {_text.count(report.compared, 'layer')} do not contradict the prototxt, "
            "which does not prove that they compute the same."
        )
    agreement = labels_agree(report)
    labels = f"; final labels agree on {_text.percent(agreement)}" if agreement is not None else ""
    if not culprits:
        what = (
            f"All {report.compared} compared layers compute" if report.compared > 1 else "The compared layer computes"
        )
        units = own_units(worst) if worst is not None else None
        measure = f", the worst {_text.units(units)} rounding units apart (limit {limit:g})" if units else " to the bit"
        return f"{what} what Caffe computes{measure}{labels}."
    verbs_of = {**_VERBS, "wrong": _CONTRADICTS} if report.mode == "static" else _VERBS
    kinds = Counter(row.status.value if row.status in _UNHAD else "wrong" for row in culprits)
    clauses = [(kinds[kind], verbs[kinds[kind] > 1]) for kind, verbs in verbs_of.items() if kinds[kind]]
    (first, verb), *others = clauses
    rest = [f"{amount} {verb}" for amount, verb in others]
    opening = f"{first} of {_text.count(report.of, 'layer')} {verb}"
    return f"{', '.join([opening, *rest])}{labels}."


_UNHAD = (Status.MISSING, Status.PENDING)
_VERBS = {
    "wrong": ("computes something else", "compute something else"),
    "missing": ("has no counterpart", "have no counterpart"),
    "pending": ("is still to be ported", "are still to be ported"),
}
_CONTRADICTS = ("contradicts the prototxt", "contradict the prototxt")


def _remarks(report: ParityReport) -> list[str]:
    remarks = []
    if report.mode not in ("both", "static"):
        remarks.append(f"only the {_text.printable(report.mode)} errors were measured")
    for output in report.outputs:
        if output.accumulated:
            remarks.append(
                f"{_text.printable(output.top)} differs by {_text.number(output.max_abs)} though every layer matches: "
                "rounding accumulated on the way"
            )
    remarks += _about(by_hand(report), "judged by a tolerance set by hand")
    remarks += _about([row for row in report.layers if row.judged_by == "estimate"], "judged by an estimated unit")
    remarks += _about([row for row in report.layers if row.sampled], "adjudicated on a sample of the output")
    unsound = [row for row in report.layers if row.float64 is not None and not row.float64.reference_sound]
    remarks += _in_float64(report)
    remarks += _about(unsound, "computed by the reference outside its own definition: not the candidate's fault")
    return remarks + [_text.printable(note) for note in report.notes]


def _in_float64(report: ParityReport) -> list[str]:
    """Over the layers that the second stage let pass: on which side rounding took the result farther from the exact one."""
    settled = [row.float64 for row in report.layers if row.float64 is not None and not row.status.fails]
    sides = Counter(_farther_side(one) for one in settled if one.reference_sound)
    if not sides:
        return []
    where = ", ".join(f"{side} in {count}" for side, count in sorted(sides.items()))
    same = f"{_text.count(sides.total(), 'layer')} proven the same function in float64"
    return [f"{same}; farther from the exact result: {where}"]


def _about(rows: tuple[LayerComparison, ...] | list[LayerComparison], what: str) -> list[str]:
    if not rows:
        return []
    names = ", ".join(_text.printable(row.layer) for row in rows[:4])
    more = f" and {len(rows) - 4} more" if len(rows) > 4 else ""
    return [f"{_text.count(len(rows), 'layer')} {what}: {names}{more}"]


def adjudicated(float64: Adjudication) -> str:
    """What the float64 stage found, as a sentence."""
    functions = "are the same function" if float64.agrees else "are not the same function"
    where = f"{float64.sampled:,} sampled positions" if float64.sampled else "every position"
    return (
        f"In float64 both {functions} ({_text.number(float64.functions_max_rel)} of Σ|w·x|, {where}); "
        f"of its guaranteed bound Caffe uses {_text.units(float64.reference_units)}, "
        f"Keras {_text.units(float64.candidate_units)}: {farther(float64)}."
    )


def farther(float64: Adjudication) -> str:
    """Which side is the farther from the exact result, and how much: `Keras is 3.2 times as far …`."""
    distances = {"Caffe": float64.reference_units, "Keras": float64.candidate_units}
    near, far = sorted(distances, key=lambda side: distances[side])
    if distances[far] == distances[near]:
        return "both sides are as far from the exact result"
    ratio = distances[far] / distances[near] if distances[near] > 0 else math.inf
    if not math.isfinite(ratio):
        return f"{far} is farther from the exact result than {near}"
    if ratio >= 1e6:  # a number that large says nothing more
        return f"{far} is far from the exact result, {near} is not"
    times = f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
    return f"{far} is {times} times as far from the exact result as {near}"


def _farther_side(float64: Adjudication) -> str:
    if float64.candidate_units == float64.reference_units:
        return "neither"
    return "Keras" if float64.candidate_units > float64.reference_units else "Caffe"


def witnessed(witness: Witness) -> str:
    """What a third engine says, as a clause."""
    sides = {
        "reference": "agrees with Caffe and not with Keras",
        "candidate": "agrees with Keras and not with Caffe",
        "both": "is within accumulated rounding of both",
        "neither": "agrees with neither",
    }
    size = f" (max|Δ| from Caffe {_text.number(witness.max_abs)})" if witness.max_abs is not None else ""
    return f"{_text.printable(witness.engine)}, which is not Caffe, {sides[witness.agrees_with]}{size}"
