"""Layers that are right by themselves and read something else than Caffe's do: exchanged, moved, or connected wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.compare.judge import agrees_as_before
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
    code: str = "layer.order"

    @property
    def others(self) -> tuple[str, ...]:
        """The layers that only follow."""
        return tuple(one.layer for one in self.misreads if one.layer != self.layer)


def with_wiring(
    layer_map: LayerMap, rows: Sequence[LayerComparison], *, traced: bool, source: Source
) -> list[LayerComparison]:
    """The rows with `layer.order` where a layer reads the wrong top; one fault for layers exchanged or moved.

    Two layers exchanged may come to the same (a largest element before or after a rectifier): if what follows them agrees
    end to end as well as what stands before them, it is a note; else it is a fault. The net's outputs do not tell: a
    saturated softmax agrees whatever comes.
    """
    faults = list(_faults(layer_map))
    if not faults:
        return list(rows)
    found = {row.layer: row for row in rows}
    keras = {pair.layer.name: pair.main for pair in layer_map.pairs}
    for fault in faults:
        why = {one.layer: str(one) for one in fault.misreads}
        follower = fault.others[-1] if fault.others else fault.layer
        begins = min(layer_map.order.index(name) for name in why)
        harmless = traced and agrees_as_before(
            found.get(follower), [found[name] for name in layer_map.order[:begins] if name in found]
        )
        for name, said in why.items():
            row = found.get(name)
            if row is None:
                continue
            if harmless:
                found[name] = replace(row, note=f"{said}; what follows agrees all the same")
            elif name != fault.layer and row.status is Status.MATCH and fault.layer in found:
                found[name] = replace(row, status=Status.INHERITED, inherited_from=fault.layer, note=said)
            elif row.status is Status.MATCH or not row.causes:
                right = row.status is Status.MATCH
                cause = Cause(
                    code=fault.code,
                    summary=f"{fault.summary}.",
                    evidence=f"{'; '.join(why.values())}{'. By itself it is right.' if right else '.'}",
                    fix=fault.fix,
                    proven=right and traced,
                    source=source(keras[name]),
                )
                status = Status.DIVERGES if right else row.status
                found[name] = replace(row, status=status, note=said, causes=(cause,))
    return list(found.values())


def _faults(layer_map: LayerMap) -> Iterator[_Fault]:
    """What is wrong, each misread once: two layers exchanged, one moved, else one connected to the wrong layer."""
    pairs = {pair.layer.name: pair for pair in layer_map.pairs if pair.misread is not None}
    left = {name: pair.misread for name, pair in pairs.items() if pair.misread is not None}
    for explain in (_exchange, _move, _exchange_of_blocks):
        for one, other in combinations(sorted(left, key=layer_map.order.index), 2):
            if one in left and other in left and (explained := explain(pairs[one], pairs[other], left)):
                name, summary, fix = _described(explain is _move, pairs, explained)
                yield _Fault(name, summary, fix, explained)
                left = {name: misread for name, misread in left.items() if misread not in explained}
    for name, misread in left.items():
        main = pairs[name].main
        if misread.found.blob == misread.due.blob:
            summary = f"{main} reads {misread.due.blob} before {misread.due.layer} has written over it"
            yield _Fault(
                name, summary, f"let {main} read what {misread.due.layer} gives", (misread,), "blob.overwritten"
            )
        else:
            yield _Fault(name, str(misread), f"connect {main} as the prototxt does", (misread,))


def _described(moved: bool, pairs: Mapping[str, Pair], misreads: Sequence[Misread]) -> tuple[str, str, str]:
    """The layer at fault, what is wrong, and what to do."""
    first, second, *_ = misreads
    if moved:
        summary = f"{first.layer} stands behind {first.found}, not behind {first.due}"
        return first.layer, summary, f"{pairs[first.layer].main} behind what gives {first.due}"
    mains = f"{pairs[first.layer].main} and {pairs[second.layer].main}"
    return first.layer, f"{first.layer} and {second.layer} are exchanged", f"{mains} in the order of the prototxt"


def _exchange(one: Pair, other: Pair, misreads: Mapping[str, Misread]) -> tuple[Misread, ...]:
    """All misreads that two layers in each other's place explain; none if they are not, or some contradict it.

    With the tops behind the two exchanged, every layer reads what it should.
    """
    tops = _exchanged_tops(one, other, misreads)
    return _if_exchanged(one, other, misreads, tops) if tops == {one.outputs[-1].top, other.outputs[-1].top} else ()


def _exchange_of_blocks(one: Pair, other: Pair, misreads: Mapping[str, Misread]) -> tuple[Misread, ...]:
    """The same of two layers that take some that follow them along."""
    return _if_exchanged(one, other, misreads, _exchanged_tops(one, other, misreads))


def _exchanged_tops(one: Pair, other: Pair, misreads: Mapping[str, Misread]) -> set[Top]:
    """The two tops that have to be exchanged so that each of two layers reads what the other should; empty if none do."""
    ours, theirs = misreads[one.layer.name], misreads[other.layer.name]
    unequal = [{a, b} for a, b in ((ours.found, theirs.due), (theirs.found, ours.due)) if a != b]
    tops = unequal[0] if unequal else {one.outputs[-1].top, other.outputs[-1].top}
    return tops if all(pair == tops for pair in unequal) else set()


def _if_exchanged(one: Pair, other: Pair, misreads: Mapping[str, Misread], tops: set[Top]) -> tuple[Misread, ...]:
    if len(tops) != 2:
        return ()
    own = (misreads[one.layer.name], misreads[other.layer.name])
    others = [misread for misread in misreads.values() if misread not in own and {misread.found, misread.due} & tops]
    swap = dict(zip(tops, reversed(tuple(tops)), strict=True))
    return (*own, *others) if all(each.found == swap.get(each.due, each.due) for each in others) else ()


def _move(one: Pair, other: Pair, misreads: Mapping[str, Misread]) -> tuple[Misread, ...]:
    """All misreads that one of two layers in another place explains: with it taken out of both nets, they read the same."""
    for pair in (one, other):
        top, own = pair.outputs[-1].top, misreads[pair.layer.name]
        others = [
            misread for misread in misreads.values() if misread is not own and top in (misread.found, misread.due)
        ]
        without = [
            (own.found if each.found == top else each.found, own.due if each.due == top else each.due)
            for each in others
        ]
        if others and all(found == due for found, due in without):
            return (own, *others)
    return ()
