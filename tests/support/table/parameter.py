"""Parameter."""

from __future__ import annotations

import numpy as np
from support.table import Entry, Rootless

KIND = "Parameter"


def _entry(id: str, *dims: int) -> Entry:
    return Rootless(f"parameter {id}", KIND, ((1, 2),), f"parameter_param {{ shape {{ dim: {list(dims)} }} }}")


ENTRIES = (
    _entry("an image", 2, 3, 4, 5),
    _entry("a vector", 3, 4),
    _entry("numbers", 6),
    _entry("a sequence", 2, 3, 4),
)


def tops_of(entry: Entry, blobs, bottoms):
    """The blob as it is."""
    return [np.asarray(blobs[0], np.float64)]
