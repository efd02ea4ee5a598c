"""What the first stage's limits are chosen from: the rounding of right layers, and small errors that must be found.

    make limits            # the table of layers, random nets, the trained nets of HARNESS_MODEL_ZOO; then known errors

The first table is of layers that are right: by type, the largest figures that the first stage looks at, and how many layers
it sends on to float64. The second is of errors: the definition of a layer with one thing changed, computed by Keras, is
held against the definition of the layer as it is. `effect` is the difference of the two definitions, without any rounding:
its root mean square in the channel where it is largest, in units. An error of more than a unit that is let through is
MISSED, and the exit status is 1; one below is less than what summing in another order does, and not all are found.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import nets  # noqa: E402
from support.goldens import Goldens  # noqa: E402
from support.small_errors import errors, judge_error  # noqa: E402
from support.table import CONVERTIBLE  # noqa: E402
from support.verdicts import judge_pair  # noqa: E402

from benchmarks.random_nets.__main__ import run_nets  # noqa: E402
from harness import pipeline  # noqa: E402
from harness.compare import limits  # noqa: E402
from harness.data import Case, InputSource, LayerComparison, WeightsSource  # noqa: E402
from harness.engines import docker  # noqa: E402
from harness.engines.reference import Reference  # noqa: E402

RANDOM_NETS = 50
FIGURES = {
    "max_units": limits.MAX_UNITS,
    "rms_units": limits.RMS_UNITS,
    "channel_rms_units": limits.CHANNEL_RMS_UNITS,
    "systematic_units": limits.SYSTEMATIC_UNITS,
    "relative_rms": limits.RELATIVE,
}
"""What the first stage looks at, and its limits."""


@dataclass
class Figures:
    """The largest of each figure over the layers of one type."""

    layers: int = 0
    adjudicated: int = 0
    largest: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, row: LayerComparison) -> None:
        self.layers += 1
        self.adjudicated += row.judged_by == "float64"
        for name in FIGURES:
            self.largest[name] = max(self.largest[name], getattr(row.isolated, name) or 0.0)


# ---------------------------------------------------------------------------------------------- layers that are right


def right_layers() -> Iterator[LayerComparison]:
    """The table of layers against what Caffe gave; nets too, if the Caffe image is at hand."""
    goldens = Goldens(CONVERTIBLE)
    for entry in CONVERTIBLE:
        one, net = goldens[entry.id], entry.net
        blobs = {"layer": one.blobs} if one.blobs else {}
        model = nets.keras_model(net, blobs)
        if "layer" in {layer.name for layer in model.layers}:
            tops = {top.blob: array for top, array in zip(net["layer"].tops, one.tops, strict=True)}
            yield judge_pair(net, model, blobs, dict(zip(net.inputs, one.bottoms, strict=True)), tops)
    if docker.available(None) is not None:
        print("no container engine: the table of layers alone, without nets")
        return
    with tempfile.TemporaryDirectory() as folder:
        yield from run_nets(0, list(range(RANDOM_NETS)), Path(folder), "docker").layers
    options = pipeline.Options(reference=Reference(engine="docker"), mode="isolated")
    for case in trained():
        yield from pipeline.compare(case, options).layers


def trained() -> Iterable[Case]:
    """The trained nets that HARNESS_MODEL_ZOO names."""
    for prototxt in sorted(Path(os.environ.get("HARNESS_MODEL_ZOO", "/nowhere")).glob("*/deploy.prototxt")):
        weights = WeightsSource(caffemodel=prototxt.parent / "weights.caffemodel")
        yield Case(prototxt.parent.name, prototxt.parent, prototxt, "auto", weights, InputSource(seed=0))


def _beyond(rows: list[LayerComparison]) -> str:
    """How many right layers are beyond each limit."""
    rounded = [row.isolated for row in rows if row.isolated is not None and row.isolated.max_units]
    beyond = (
        f"{sum((getattr(one, name) or 0.0) > limit for one in rounded)} beyond {name} {limit:g}"
        for name, limit in FIGURES.items()
    )
    return f"{len(rows)} right layers, {len(rounded)} of them differ at all: {', '.join(beyond)}"


def main() -> int:
    """Print both tables; 1 if an error that float32 shows is let through."""
    figures: dict[str, Figures] = defaultdict(Figures)
    rows = list(right_layers())
    for row in rows:
        if row.isolated is not None:
            figures[row.type].add(row)
    print(f"| right layers | | in float64 | {' | '.join(FIGURES)} |")
    print("| --- | ---: | ---: |" + " ---: |" * len(FIGURES))
    print(f"| limit | | | {' | '.join(f'{limit:g}' for limit in FIGURES.values())} |")
    for kind, one in sorted(figures.items()):
        cells = " | ".join(f"{value:.2g}" for value in one.largest.values())
        print(f"| {kind} | {one.layers} | {one.adjudicated} | {cells} |")
    print(f"\n{_beyond(rows)}\n")
    print(f"| wrong layers | | effect | {' | '.join(FIGURES)} | |")
    print("| --- | --- | ---: |" + " ---: |" * len(FIGURES) + " --- |")
    missed = 0
    for error in errors():
        row, effect = judge_error(error)
        missed += not row.status.fails and effect > 1
        verdict = row.status.value if row.judged_by == "float64" else "MISSED" if effect > 1 else "let through"
        cells = " | ".join(f"{getattr(row.isolated, name) or 0:.2g}" for name in FIGURES)
        print(f"| {error.kind} | {error.what} | {effect:.2g} | {cells} | {verdict} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
