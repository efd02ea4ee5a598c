"""What a bug is: an edit of a Keras port that equalled Caffe before it, and where and how that must be reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

Edit = tuple[str, str]
"""A text that occurs in the port exactly once, and what takes its place."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a port.

    `codes` are those of BUGS.md: the right one first, then any that truly is another name for the same thing. `layers` is
    the one place that may be reported: a Caffe layer, with its in-place activation where a port may compute both in one.
    """

    codes: tuple[str, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Bug:
    """A port made wrong. Without a fault it is harmless: it changes nothing that float32 could see."""

    name: str
    net: str
    port: str
    faults: tuple[Fault, ...]
    edits: tuple[Edit, ...] = ()
    then: tuple[str, ...] = ()  # statements after the weights are loaded
    slow: bool = False
    source: str = ""  # the wrong port in whole, for one that was met
    thread: str = ""  # repository#thread
    number: str = ""  # the figure that the thread gives for it

    @property
    def code(self) -> str:
        """The first fault's code."""
        return self.faults[0].codes[0] if self.faults else "harmless"

    def apply(self, source: str) -> str:
        """The port's source with the bug in it.

        Raises:
            ValueError: a text to be replaced does not occur exactly once, or there is no `return model`.
        """
        source = self.source or source
        for old, new in self.edits:
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} occurs {source.count(old)} times in the port")
            source = source.replace(old, new)
        if self.then:
            end = "    return model\n"
            if source.count(end) != 1:
                raise ValueError(f"{self.name}: the port has no single `return model`")
            source = source.replace(end, "".join(f"    {line}\n" for line in self.then) + end)
        return source


def bug(
    code: str,
    where: str,
    at: str,
    *edits: Edit,
    how: str = "",
    then: str = "",
    also: Sequence[str] = (),
    slow: bool = False,
) -> Bug:
    """One made-up bug.

    Args:
        where: the net and its port, `NET` or `NET/PORT`.
        at: the Caffe layer at fault; `conv1+relu1` where a port may compute both in one.
        how: what tells it from others of its code at this layer, as `weak`.
        then: statements after the weights are loaded, one a line.
        also: other codes that name the same thing.
    """
    net, _, port = where.partition("/")
    name = "-".join(part for part in (code, where.replace("/", "."), at.replace("/", "."), how) if part)
    fault = Fault((code, *also), tuple(at.split("+")))
    return Bug(name, net, port or "port", (fault,), edits, _lines(then), slow)


def harmless(name: str, where: str, *edits: Edit, then: str = "") -> Bug:
    """A change that float32 cannot see: the port stays right, and saying otherwise is a false alarm."""
    net, _, port = where.partition("/")
    return Bug(f"harmless-{net}-{name}", net, port or "port", (), edits, _lines(then))


def together(*bugs: Bug) -> Bug:
    """Several bugs in one port."""
    first = bugs[0]
    return replace(
        first,
        name="+".join([first.name, *(f"{one.code}@{one.faults[0].layers[0].replace('/', '.')}" for one in bugs[1:])]),
        faults=tuple(fault for one in bugs for fault in one.faults),
        edits=tuple(dict.fromkeys(edit for one in bugs for edit in one.edits)),
        then=tuple(line for one in bugs for line in one.then),
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.split("\n") if line.strip())
