"""Processes and calls by the clock, those that are compared taking turns."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "fixtures/models"


@dataclass(frozen=True)
class Cost:
    """What something took."""

    seconds: float
    cpu: float = 0.0  # user and system, all threads; what runs in a container is not in it
    peak: float = 0.0  # GB
    out: str = ""  # what a process printed


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    seconds: float
    cpu: float = 0.0
    peak: float = 0.0
    ratio: str = ""
    asked: str = ""


def process(command: Sequence[str]) -> Cost:
    """Run a process to its end. Exits if it fails; 1 is a comparison that found something."""
    begin = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    )
    out = child.stdout.read() if child.stdout else ""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)[:200]} left with {child.returncode}\n{out}")
    return Cost(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6, out)


def python(code: str, *arguments: object) -> Cost:
    """Run Python code as a process of its own."""
    return process([sys.executable, "-c", code, *map(str, arguments)])


def harness(*arguments: object) -> Cost:
    """Run a command of the harness as a process of its own."""
    return process([sys.executable, "-m", "harness", *map(str, arguments)])


def call(function: Callable[[], object]) -> Cost:
    """Call a function in this process."""
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    function()
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def in_turn(rounds: int, jobs: Mapping[str, Callable[[], Cost]]) -> dict[str, list[Cost]]:
    """Each job once a round, so that what else the machine does falls on all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            costs[name].append(job())
    return costs


def row(what: str, costs: Sequence[Cost], ratio: str = "", asked: str = "") -> Row:
    """A line with the medians."""
    return Row(
        what,
        median(cost.seconds for cost in costs),
        median(cost.cpu for cost in costs),
        median(cost.peak for cost in costs),
        ratio,
        asked,
    )


def times(ours: Sequence[Cost], theirs: Sequence[Cost], of: str = "seconds") -> float:
    """How many times theirs ours is: the median over the rounds."""
    return median(
        getattr(one, of) / getattr(other, of) for one, other in zip(ours, theirs, strict=True) if getattr(other, of)
    )


def against(ours: Sequence[Cost], theirs: Sequence[Cost]) -> str:
    """The ratio by the clock, and by processor time, which other work on the machine falsifies less."""
    return f"{times(ours, theirs):.2f}× (CPU {times(ours, theirs, 'cpu'):.2f}×)"
