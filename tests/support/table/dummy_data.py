"""DummyData."""

from __future__ import annotations

import numpy as np
from support.table import Entry, Rootless

KIND = "DummyData"

TOPS: dict[str, list[tuple[tuple[int, ...], float]]] = {}


def _entry(id: str, parameters: str, *tops: tuple[tuple[int, ...], float]) -> Entry:
    """An entry with each top's shape and number."""
    entry = Rootless(f"dummydata {id}", KIND, ((1, 2),), f"dummy_data_param {{ {parameters} }}", tops=len(tops))
    TOPS[entry.id] = list(tops)
    return entry


ENTRIES = (
    _entry("of nothing said", "shape { dim: 2 dim: 3 }", ((2, 3), 0.0)),
    _entry("an image", "shape { dim: 2 dim: 3 dim: 4 dim: 5 } data_filler { value: 0.1 }", ((2, 3, 4, 5), 0.1)),
    _entry(
        "in the old words",
        'num: 2 channels: 3 height: 4 width: 5 data_filler { type: "constant" value: -2 }',
        ((2, 3, 4, 5), -2.0),
    ),
    _entry("one shape for two", "shape { dim: 3 dim: 2 } data_filler { value: 1 }", ((3, 2), 1.0), ((3, 2), 1.0)),
    _entry(
        "each its own",
        "shape { dim: 2 } shape { dim: 1 dim: 2 dim: 3 dim: 2 } data_filler { value: 3 } data_filler { value: 1 }",
        ((2,), 3.0),
        ((1, 2, 3, 2), 1.0),
    ),
    _entry(
        "old words for two",
        "num: 2 channels: 3 channels: 1 height: 4 width: 5 width: 2",
        ((2, 3, 4, 5), 0.0),
        ((2, 1, 4, 2), 0.0),
    ),
)


def tops_of(entry: Entry, blobs, bottoms):
    """As the entry says."""
    return [np.full(shape, np.float32(value), np.float64) for shape, value in TOPS[entry.id]]
