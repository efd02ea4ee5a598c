"""Layers that are right by themselves and read something else than Caffe's do: exchanged, moved, or connected wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.compare import limits
from harness.data import Cause, LayerComparison, LayerMap, Misread, Pair, Status, Top

Source = Callable[[str], str | None]
"""Where a Keras layer is written."""


@dataclass(frozen=True)
class _Fault:
    """One thing that is connected wrongly, and all the layers that read something else because of it."""

    layer: str  # the one at fault
    summary: str
    fix: str
    misreads: tuple[Misread, ...]

    @property
    def others(self) -> tuple[str, ...]:
        """The layers that only follow."""
        return tuple(one.layer for one in self.misreads if one.layer != self.layer)


def with_wiring(
    layer_map: LayerMap, rows: Sequence[LayerComparison], *, traced: bool, source: Source
) -> list[LayerComparison]:
    """The rows with `layer.order` where a layer reads the wrong top; one fault for layers exchanged or moved.

    Two layers exchanged may come to the same (a largest element before or after a rectifier): if what follows agrees end
    to end, it is a note; else it is a fault.
    """
    faults = list(_faults(layer_map))
    if not faults:
        return list(rows)
    found = {row.layer: row for row in rows}
    read = {top for pair in layer_map.pairs for top in pair.bottoms}
    ends = [pair.layer.name for pair in layer_map.pairs if any(cut.top not in read for cut in pair.outputs)]
    keras = {pair.layer.name: pair.main for pair in layer_map.pairs}
    agree = traced and _agree(ends, found)
    for fault in faults:
        why = {one.layer: str(one) for one in fault.misreads}
        harmless = agree or (traced and bool(fault.others) and _agree(fault.others[-1:], found))
        for name, said in why.items():
            row = found.get(name)
            if row is None:
                continue
            if harmless:
                who = "the net's outputs agree" if agree else "what follows agrees"
                found[name] = replace(row, note=f"{said}; {who} all the same")
            elif name != fault.layer and row.status is Status.MATCH and fault.layer in found:
                found[name] = replace(row, status=Status.INHERITED, inherited_from=fault.layer, note=said)
            elif row.status is Status.MATCH or not row.causes:
                right = row.status is Status.MATCH
                cause = Cause(
                    code="layer.order",
                    summary=f"{fault.summary}.",
                    evidence=f"{'; '.join(why.values())}{'. By itself it is right.' if right else '.'}",
                    fix=fault.fix,
                    proven=right and traced,
                    source=source(keras[name]),
                )
                status = Status.DIVERGES if right else row.status
                found[name] = replace(row, status=status, note=said, causes=(cause,))
    return list(found.values())


def _agree(names: Sequence[str], rows: Mapping[str, LayerComparison]) -> bool:
    """True if all these layers give end to end what Caffe gives."""
    figures = [row.end_to_end for name in names if (row := rows.get(name)) is not None]
    return all(one is not None and one.max_rel <= limits.ACCUMULATED_REL * len(rows) for one in figures)


def _faults(layer_map: LayerMap) -> Iterator[_Fault]:
    """What is wrong, each misread once: two layers exchanged, one moved, else one connected to the wrong layer."""
    pairs = {pair.layer.name: pair for pair in layer_map.pairs if pair.misread is not None}
    left = {name: pair.misread for name, pair in pairs.items() if pair.misread is not None}
    for one, other in combinations(sorted(left, key=layer_map.order.index), 2):
        if one in left and other in left:
            explained = _exchange(pairs[one], pairs[other], left)
            if explained:
                fix = f"{pairs[one].main} and {pairs[other].main} in the order of the prototxt"
                yield _Fault(one, f"{one} and {other} are exchanged", fix, explained)
                left = {name: misread for name, misread in left.items() if misread not in explained}
    for name in sorted(left, key=layer_map.order.index):
        explained = _move(pairs[name], left) if name in left else ()
        if explained:
            misread = left[name]
            fix = f"{pairs[name].main} behind what gives {misread.due}"
            yield _Fault(name, f"{name} stands behind {misread.found}, not behind {misread.due}", fix, explained)
            left = {other: one for other, one in left.items() if one not in explained}
    for name, misread in left.items():
        yield _Fault(name, str(misread), f"connect {pairs[name].main} as the prototxt does", (misread,))


def _exchange(one: Pair, other: Pair, misreads: Mapping[str, Misread]) -> tuple[Misread, ...]:
    """All misreads that two layers in each other's place explain; none if they are not, or some contradict it.

    With the tops behind the two exchanged, every layer reads what it should.
    """
    ours, theirs = misreads[one.layer.name], misreads[other.layer.name]
    unequal = [{a, b} for a, b in ((ours.found, theirs.due), (theirs.found, ours.due)) if a != b]
    behind = {one.outputs[-1].top, other.outputs[-1].top}
    tops = unequal[0] if unequal else behind
    if any(pair != tops for pair in unequal) or len(tops) != 2:
        return ()
    if tops != behind and (_move(one, misreads) or _move(other, misreads)):
        return ()  # one layer and all that should follow it: it is the one that was moved

    def exchanged(top: Top) -> Top:
        return next(iter(tops - {top})) if top in tops else top

    concerned = [one for one in misreads.values() if {one.found, one.due} & tops or one in (ours, theirs)]
    others = [one for one in concerned if one not in (ours, theirs)]
    if not all(one.found == exchanged(one.due) for one in others):
        return ()
    return (ours, theirs, *others)


def _move(pair: Pair, misreads: Mapping[str, Misread]) -> tuple[Misread, ...]:
    """All misreads that one layer in another place explains: with it taken out of both nets, they read the same."""
    top, own = pair.outputs[-1].top, misreads[pair.layer.name]
    others = [one for one in misreads.values() if one is not own and top in (one.found, one.due)]
    for one in others:
        found = own.found if one.found == top else one.found
        due = own.due if one.due == top else one.due
        if found != due:
            return ()
    return (own, *others) if others else ()
