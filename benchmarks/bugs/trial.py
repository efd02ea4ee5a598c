"""Running a port, right or wrong, through the harness, and what came of it."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.bugs.bug import Bug, Fault
from benchmarks.bugs.net import FUNCTION, PREPROCESS, Net
from harness import pipeline
from harness.data import Case, LayerComparison, ParityReport
from harness.errors import HarnessError


@dataclass(frozen=True)
class Outcome:
    """What the harness said of one bug."""

    bug: Bug
    failing: tuple[LayerComparison, ...] = ()
    error: str = ""  # nothing could be compared

    @property
    def right(self) -> bool:
        """True if the harness calls the port right."""
        return not self.failing and not self.error

    @property
    def found(self) -> bool:
        """The run fails, and shows layers that do."""
        return bool(self.failing)

    @property
    def placed(self) -> bool:
        """The rows that fail are those of the layers at fault, all of them and no other."""
        rows = [set(row.caffe) | {row.layer} for row in self.failing]
        places = [set(fault.layers) for fault in self.bug.faults]
        return all(any(row & place for place in places) for row in rows) and all(
            any(row & place for row in rows) for place in places
        )

    def named_first(self, fault: Fault) -> bool:
        """Its code is the first cause of its row; of k bugs in one layer, one of the first k."""
        return any(code in fault.codes for row in self._rows(fault) for code in _codes(row)[: self._at(row)])

    def named(self, fault: Fault) -> bool:
        """Its code is among the causes of its row."""
        return any(code in fault.codes for row in self._rows(fault) for code in _codes(row))

    def said(self) -> str:
        """In a line: every layer that failed, and what was called its causes."""
        if self.error:
            return self.error.splitlines()[0]
        said = [f"{row.layer} {row.status.value}: {', '.join(_codes(row)) or 'no cause'}" for row in self.failing]
        return "; ".join(said) or "parity"

    def _rows(self, fault: Fault) -> list[LayerComparison]:
        return [row for row in self.failing if {row.layer, *row.caffe} & set(fault.layers)]

    def _at(self, row: LayerComparison) -> int:
        return sum(1 for fault in self.bug.faults if {row.layer, *row.caffe} & set(fault.layers))


@dataclass
class Bench:
    """Runs ports in a folder; a net is laid out once, and its recording is kept by the harness."""

    folder: Path
    reports: Callable[[str, ParityReport], None] = lambda name, report: None
    _cases: dict[str, Case] = field(default_factory=dict)
    _checked: dict[tuple[str, str], str] = field(default_factory=dict)

    def check(self, net: Net, port: str) -> str:
        """Why the port without any bug is not called right, so that its bugs are no test; empty if it is."""
        key = (net.name, port)
        if key not in self._checked:
            self._checked[key] = self.run(net, Bug(f"right-{net.name}.{port}", net.name, port, ())).said()
        said = self._checked[key]
        return "" if said == "parity" else said

    def run(self, net: Net, bug: Bug) -> Outcome:
        """The outcome of one bug, whose port must be right without it. Raises ValueError for an edit that does not fit."""
        source = bug.apply(net.ports[bug.port])
        laid_out = self.folder / net.name
        if net.name not in self._cases:
            self._cases[net.name] = net.lay_out(laid_out)
        case = self._cases[net.name]
        folder = self.folder / "ports" / bug.name[:120]
        folder.mkdir(parents=True)
        try:
            (folder / "port.py").write_text(source, encoding="utf-8")
            for weights in (laid_out / "weights.npz", laid_out / "weights.h5"):
                if weights.exists():
                    (folder / weights.name).symlink_to(weights)
            preprocess = f"port.py:{PREPROCESS}" if f"def {PREPROCESS}(" in source else None
            fed = replace(case.input, preprocess=preprocess)
            case = replace(case, folder=folder, keras=f"port.py:{FUNCTION}", input=fed)
            report = pipeline.compare(case)
        except HarnessError as error:
            return Outcome(bug, error=str(error))
        finally:
            shutil.rmtree(folder)
            _forget()
        self.reports(bug.name, report)
        return Outcome(bug, tuple(row for row in report.layers if row.status.fails))


def _codes(row: LayerComparison) -> list[str]:
    return [cause.code for cause in row.causes]


def _forget() -> None:
    """Keras keeps names and graphs of models that are gone."""
    import keras

    keras.backend.clear_session(free_memory=False)
    gc.collect()
