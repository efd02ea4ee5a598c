"""Every layer type against the real Caffe: what is covered, and the worst error in rounding units.

    make layers            # run in Caffe now, if a container engine runs; else what Caffe gave when it was recorded

Caffe's error is that of its float32 against our float64 definition, Keras' that of the converted layer against Caffe. Types
that only move or choose numbers must agree to the bit.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import nets  # noqa: E402
from support.caffe_table import Computed, run_caffe  # noqa: E402
from support.goldens import Goldens  # noqa: E402
from support.table import ALL, Entry  # noqa: E402
from support.verdicts import judge_pair  # noqa: E402

from harness.data import Status  # noqa: E402
from harness.engines import docker  # noqa: E402
from harness.layers import layer_type  # noqa: E402
from harness.layers.shapes import infer_shapes  # noqa: E402


@dataclass
class Row:
    """One type of the table."""

    entries: int = 0
    parameters: set[str] = field(default_factory=set)
    caffe: float = 0.0
    keras: float | None = None
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    exact: bool = True


def set_parameters(entry: Entry) -> set[str]:
    """The fields that an entry's prototxt sets, fillers left out."""
    found = set()
    for block, value in entry.net["layer"].parameters.ListFields():
        if block.message_type is not None and block.name.endswith("_param"):
            found |= {one.name for one, _ in value.ListFields() if not one.name.endswith("filler")}
    return found


def caffe_units(one: Computed) -> tuple[float, bool]:
    """Caffe's largest error against our definition, in units; and whether the type rounds nothing."""
    largest, exact = 0.0, True
    for position, top in enumerate(one.tops):
        kind = layer_type(one.layer)
        defined = kind.define(one.layer, one.blobs, one.bottoms, nets.all_sites(top.shape), position)
        unit = kind.unit(one.layer, one.blobs, one.bottoms, top, position)
        exact = exact and unit.dense is None and unit.site is None
        units = nets.distance(nets.rows(top), defined.value) / unit.rows(0, len(defined.value))
        largest = max(largest, float(units.max(initial=0.0)))
    return largest, exact


def measure(computed: Mapping[str, Computed] | Goldens) -> dict[str, Row]:
    """The table, by type."""
    rows: dict[str, Row] = defaultdict(Row)
    for entry in ALL:
        one, row = computed[entry.id], rows[entry.kind]
        row.entries += 1
        row.parameters |= set_parameters(entry)
        if not nets.shapes_fit(one.layer, [top.shape for top in one.tops], infer_shapes(entry.net)):
            row.wrong.append(f"{entry.id}: Caffe gives {', '.join(str(top.shape) for top in one.tops)}")
            continue
        units, exact = caffe_units(one)
        row.caffe, row.exact = max(row.caffe, units), row.exact and exact
        if not entry.keras:
            row.refused += 1
            continue
        net = entry.net
        model = nets.keras_model(net, {"layer": one.blobs} if one.blobs else {})
        if "layer" not in {layer.name for layer in model.layers}:  # Keras holds the top already
            row.keras = row.keras or 0.0
            continue
        blobs = {"layer": one.blobs} if one.blobs else {}
        bottoms = dict(zip(net.inputs, one.bottoms, strict=True))
        tops = {top.blob: array for top, array in zip(net["layer"].tops, one.tops, strict=True)}
        found = judge_pair(net, model, blobs, bottoms, tops)
        if found.status is not Status.MATCH:
            row.wrong.append(entry.id)
        largest = found.isolated.max_units if found.isolated is not None else None
        row.keras = max(row.keras or 0.0, largest or 0.0)
    return dict(rows)


def main() -> int:
    """Print the table; 1 if a layer does not match."""
    if docker.available(None) is None:
        with tempfile.TemporaryDirectory() as folder:
            computed, where = run_caffe(Path(folder), ALL), "BVLC Caffe 1.0.0, run now"
    else:
        computed, where = Goldens(ALL), "BVLC Caffe 1.0.0, as it was recorded"
    rows = measure(computed)
    print(f"{len(ALL)} layers of {len(rows)} types against {where}; errors in rounding units, 0 is equal to the bit\n")
    print("| type | layers | parameters | Caffe | Keras | |")
    print("| --- | ---: | --- | ---: | ---: | --- |")
    for kind, row in sorted(rows.items()):
        caffe = "0" if row.exact else f"{row.caffe:.1f}"
        keras = "–" if row.keras is None else "0" if row.exact else f"{row.keras:.1f}"
        verdict = f"WRONG: {', '.join(row.wrong)}" if row.wrong else f"{row.refused} refused" if row.refused else ""
        print(f"| {kind} | {row.entries} | {', '.join(sorted(row.parameters))} | {caffe} | {keras} | {verdict} |")
    return 1 if any(row.wrong for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
