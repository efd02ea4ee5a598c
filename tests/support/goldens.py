"""What the real Caffe gave for every layer of the table, kept beside the tests.

One compressed file of arrays, so that the table is held against Caffe's numbers where no container engine runs. Each entry
carries the digest of its prototxt, blobs and bottoms: an entry that has changed since is stale, and a stale or missing one
is an error and never passed over. `make goldens` records them anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from support.caffe_table import Computed
from support.table import Entry

FILE = Path(__file__).parent / "layers.npz"
RENEW = "record them with the real Caffe: make goldens"


def write_goldens(computed: Iterable[Computed], file: Path = FILE) -> None:
    """Keep what Caffe gave."""
    arrays = {}
    for one in computed:
        key = digest(one.entry)
        arrays |= {f"{one.entry.id}/{key}/{position}": top for position, top in enumerate(one.tops)}
    np.savez_compressed(file, **arrays)


class Goldens:
    """What Caffe gave, by the entry's id."""

    def __init__(self, entries: Iterable[Entry], file: Path = FILE) -> None:
        self.entries = {entry.id: entry for entry in entries}
        with np.load(file, allow_pickle=False) as arrays:
            self.arrays = dict(arrays)

    def __getitem__(self, id: str) -> Computed:
        """One entry. Raises LookupError if it is missing or stale."""
        entry = self.entries[id]
        keys = [f"{id}/{digest(entry)}/{position}" for position in range(entry.tops)]
        if not self.arrays.keys() >= set(keys):
            raise LookupError(f"the goldens of {id!r} are missing or stale; {RENEW}")
        net = entry.net
        return Computed(entry, net["layer"], entry.blobs(net), entry.inputs(), [self.arrays[key] for key in keys])


def digest(entry: Entry) -> str:
    """Of all that Caffe's result depends on."""
    found = hashlib.sha256(entry.text("layer", entry.bottom_names).encode())
    for array in (*entry.blobs(entry.net), *entry.inputs()):
        found.update(f"{array.shape}".encode())
        found.update(np.ascontiguousarray(array, "<f4").tobytes())
    return found.hexdigest()[:12]


if __name__ == "__main__":
    import tempfile

    from support.caffe_table import run_caffe
    from support.table import ALL

    with tempfile.TemporaryDirectory() as folder:
        write_goldens(run_caffe(Path(folder), ALL).values())
    print(f"{len(ALL)} layers: {FILE.name}, {FILE.stat().st_size >> 10} KB")
