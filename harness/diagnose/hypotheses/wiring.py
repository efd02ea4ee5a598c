"""A layer that reads one tensor twice, where Caffe's reads two blobs: a shortcut from the wrong layer."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import in_bottoms


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Suspect the bottom that is not read. Where all are, but of other layers, the layer itself is right."""
    pair, misread = clues.pair, clues.pair.misread
    if misread is None or misread.found not in pair.bottoms or misread.due not in pair.bottoms:
        return
    found, due = pair.bottoms.index(misread.found), pair.bottoms.index(misread.due)
    yield Suspicion(
        "layer.order",
        str(misread),
        f"{clues.place} reads the same tensor twice; Caffe's definition with {misread.found} in the place of {misread.due} "
        "gives what it gives",
        f"connect {clues.place} as the prototxt does",
        clues.place,
        stated=True,
        mistake=in_bottoms(
            lambda bottoms: [bottoms[found] if place == due else one for place, one in enumerate(bottoms)]
        ),
    )
