"""Figures and names as people read them. Every format takes its wording from here."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

NONE = "·"  # stands where there is no figure


def printable(text: object, keep: str = "") -> str:
    r"""The text with everything invisible made visible: `\x1b`, `\n`, `\u202e`.

    Layer names come from files that nobody vouches for. Control characters could steer a terminal, direction marks
    could make a name read as another, and XML forbids some of them altogether.

    >>> printable("conv\x1b[2J")
    'conv\\x1b[2J'
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(char if char in keep else _visible(char) for char in shown)


def _visible(char: str) -> str:
    code = ord(char)
    if char != "\N{REPLACEMENT CHARACTER}" and (
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") or code & 0xFFFE == 0xFFFE
    ):
        return char.encode("unicode_escape", "surrogatepass").decode("ascii")
    return char


def number(value: float | None) -> str:
    """An error, with two figures: `3.1e-01`; a plain `0` only where nothing differs at all."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return _nonfinite(value)
    return "0" if value == 0 else f"{value:.1e}"


def units(value: float | None) -> str:
    """An error in rounding units: `0.13`, `2.1`, `84,210`, `1.2e+09`."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return _nonfinite(value)
    if value == 0:
        return "0"
    if value < 0.01:
        return "<0.01"
    if value < 0.995:
        return f"{value:.2f}"
    if value < 99.95:
        return f"{value:.1f}"
    return f"{value:,.0f}" if value < 1e7 else f"{value:.1e}"


def figure(value: float | None) -> str:
    """A value of an activation or a coefficient, as far as float32 carries it."""
    if value is None:
        return NONE
    return f"{value:.7g}" if math.isfinite(value) else _nonfinite(value)


def _nonfinite(value: float) -> str:
    return "NaN" if math.isnan(value) else ("∞" if value > 0 else "−∞")


def percent(share: float | None) -> str:
    """A share of one; 100 % is said only of all, never by rounding."""
    if share is None:
        return NONE
    for digits in (1, 2, 3, 4, 5, 6):
        text = f"{100 * share:.{digits}f}"
        if share in (0.0, 1.0):
            return f"{100 * share:.0f} %"
        if float(text) not in (0.0, 100.0):
            return f"{text} %"
    return "almost 100 %" if share > 0.5 else "almost 0 %"


def shape(dims: Sequence[int] | None) -> str:
    """`512×90×90`; the batch is left out where it is one."""
    if dims is None:
        return NONE
    shown = dims[1:] if len(dims) > 1 and dims[0] == 1 else dims
    return "×".join(str(dim) for dim in shown) or "scalar"


def index(position: Sequence[int]) -> str:
    """`(0, 17, 44, 2)`."""
    return f"({', '.join(str(axis) for axis in position)})"


def count(amount: int, noun: str) -> str:
    """`1 layer`, `2 layers`."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def digest(text: str) -> str:
    """The first twelve characters of a digest, its kind left out."""
    return printable(text.rpartition(":")[2][:12])


def ago(seconds: float) -> str:
    """How long ago something was recorded."""
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{count(int(seconds // size), noun)} ago"
    return "just now"
