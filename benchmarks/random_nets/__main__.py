"""Random nets of 5 to 30 layers through the whole line: conversion, real Caffe, comparison.

    make random-nets                                             # 1000 nets
    python -m benchmarks.random_nets --count 20 --seed 7         # another twenty
    python -m benchmarks.random_nets --seed 0 --net 412          # one of them again, with the whole table

Many nets stand side by side in one prototxt, so that Caffe is started once for each batch. Ends with 1 if a layer of any
net does not match; the net's number repeats it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.random_nets.draw import draw_net
from harness import pipeline
from harness.data import Case, InputSource, LayerComparison, ParityReport, Status, WeightsSource
from harness.engines.reference import Reference
from harness.errors import HarnessError
from harness.report import write

BATCH = 25


@dataclass
class Tally:
    """What was seen."""

    nets: int = 0
    layers: int = 0
    adjudicated: int = 0
    types: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, LayerComparison]] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)
    worst: dict[str, tuple[float, int]] = field(default_factory=dict)  # type → largest error in units, its net

    def add(self, report: ParityReport) -> None:
        for row in report.layers:
            number = int(row.layer.replace("__", "/").partition("/")[0].removeprefix("n"))
            self.layers += 1
            self.types[row.type] += 1
            self.adjudicated += row.judged_by == "float64"
            if row.status is not Status.MATCH:
                self.bad.append((number, row))
            units = row.isolated.max_units if row.isolated is not None and row.isolated.max_units is not None else 0.0
            if units >= self.worst.get(row.type, (0.0, number))[0]:
                self.worst[row.type] = (units, number)


def run_nets(seed: int, numbers: list[int], folder: Path, engine: str) -> ParityReport:
    """Convert, run and compare some nets at once."""
    prototxt = folder / "nets.prototxt"
    prototxt.write_text("".join(draw_net(seed, number) for number in numbers), encoding="utf-8")
    case = Case(
        name="random_nets",
        folder=folder,
        prototxt=prototxt,
        keras="auto",
        weights=WeightsSource(seed=seed),
        input=InputSource(seed=seed),
    )
    return pipeline.run(case, pipeline.Options(reference=Reference(engine=engine), mode="isolated"))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--net", type=int, action="append", help="only this one (repeatable)")
    parser.add_argument("--engine", default="auto")
    options = parser.parse_args()
    numbers = options.net or list(range(options.count))
    tally, begin = Tally(), time.time()
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        _run_batch(tally, options.seed, batch, options.engine)
        tally.nets += len(batch)
        done = f"{tally.nets} of {len(numbers)} nets, {tally.layers} layers, {len(tally.bad)} wrong"
        print(f"{done}, {time.time() - begin:.0f} s", file=sys.stderr, flush=True)
    print(f"{tally.nets} nets of seed {options.seed}, {tally.layers} layers of {len(tally.types)} types")
    print(
        f"match: {tally.layers - len(tally.bad)}; by float64: {tally.adjudicated}; could not run: {len(tally.broken)}"
    )
    for kind, (units, number) in sorted(tally.worst.items(), key=lambda item: -item[1][0]):
        print(f"{kind:<16} {tally.types[kind]:>6} layers  worst {units:10.2f} units  --net {number}")
    for number, row in tally.bad:
        print(f"--net {number}: {row.layer} {row.type} {row.status.value} {row.note or ''}")
    for number, why in tally.broken:
        print(f"--net {number}: {why}")
    return 1 if tally.bad or tally.broken else 0


def _run_batch(tally: Tally, seed: int, numbers: list[int], engine: str) -> None:
    """A batch; one net at a time if together they cannot be run, so that the one at fault is named."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = run_nets(seed, numbers, Path(folder), engine)
        except HarnessError as error:
            if len(numbers) == 1:
                tally.broken.append((numbers[0], str(error)))
                return
            for number in numbers:
                _run_batch(tally, seed, [number], engine)
            return
        tally.add(report)
        if len(numbers) == 1:
            write(report, "terminal", "-", show_all=True)


if __name__ == "__main__":
    sys.exit(main())
