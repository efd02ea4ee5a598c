"""Time and memory of what has been built, beside the bare tools and the peers.

    make bench                                        # all of it
    python -m benchmarks.speed --only 'start*'        # the questions whose file is named so
    python -m benchmarks.speed --quick                # a smaller input, one round

Prints tables in Markdown, as they stand in benchmarks/README.md. Ratios are what to quote: machines differ.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.speed.timing import Row

QUESTIONS = ("start_up", "recordings", "one_layer", "depth", "main_job", "peers")


def main() -> None:
    """Ask the questions and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="*", metavar="GLOB", help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--quick", action="store_true", help="a smaller input, one round: to see that it runs")
    options = parser.parse_args()
    chosen = [name for name in QUESTIONS if fnmatchcase(name, options.only)]
    if not chosen:
        sys.exit(f"--only {options.only}: there is {', '.join(QUESTIONS)}")
    print(_machine(), flush=True)
    for name in chosen:
        module = importlib.import_module(f"benchmarks.speed.{name}")
        print(f"\n{(module.__doc__ or name).splitlines()[0]}\n", flush=True)
        print("| what | seconds | CPU s | peak GB | ratio | asked |\n| --- | --- | --- | --- | --- | --- |")
        for line in module.measure(quick=options.quick):
            print(_text(line), flush=True)


def _text(line: Row) -> str:
    def number(value: float) -> str:
        return f"{value:.3g}" if 0 < value < 100 else f"{value:.0f}" if value else "–"

    cells = [line.what, number(line.seconds), number(line.cpu), number(line.peak), line.ratio or "–", line.asked or "–"]
    return f"| {' | '.join(cells)} |"


def _machine() -> str:
    cpu = platform.processor() or platform.machine()
    try:
        names = {
            line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model n" in line
        }
        cpu = ", ".join(sorted(names)) or cpu
    except OSError:
        pass
    packages = []
    for name in ("numpy", "tensorflow", "tensorflow-cpu", "keras", "polygraphy"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {cpu}; {python}, {', '.join(packages)}; load before it {load:.1f}"


if __name__ == "__main__":
    main()
