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

FILE = Path(__file__).parent.parent.parent / "fixtures" / "golden" / "layers.npz"
RENEW = "record them with the real Caffe: make goldens"


def write_goldens(computed: Iterable[Computed], file: Path = FILE) -> None:
    """Keep what Caffe gave."""
    arrays = {}
    for one in computed:
        key = digest(one.entry)
        arrays |= {f"{one.entry.id}/{key}/{position}": top for position, top in enumerate(one.tops)}
    np.savez_compressed(file, **arrays)


def read_goldens(entries: Iterable[Entry], file: Path = FILE) -> dict[str, Computed]:
    """What Caffe gave for these entries, by id. Raises LookupError for one that is missing or stale."""
    found = {}
    with np.load(file, allow_pickle=False) as arrays:
        for entry in entries:
            keys = [f"{entry.id}/{digest(entry)}/{position}" for position in range(entry.tops)]
            lacking = [key for key in keys if key not in arrays]
            if lacking:
                raise LookupError(f"the goldens of {entry.id!r} are missing or stale; {RENEW}")
            net = entry.net
            tops = [arrays[key] for key in keys]
            found[entry.id] = Computed(entry, net["layer"], entry.blobs(net), entry.inputs(), tops)
    return found


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
