"""Bugs put into ports that equal Caffe: found, placed at their layer, called by their name?

    make bench-bugs                                              # all of them
    python -m benchmarks.bugs --kind 'batch_norm.*'              # those of some codes
    python -m benchmarks.bugs --bug batch_norm.epsilon-resnet-bn_conv1-weak     # one again, with the whole report

Each port is first run without any bug and must be called right. Ends with 1 if a right port or a harmless change is called
wrong, if a bug is not found at its layer, or if fewer than 95 % are named first.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.bugs.bug import Bug
from benchmarks.bugs.library import all_bugs, net_of
from benchmarks.bugs.score import as_json, count, misses, table
from benchmarks.bugs.trial import Bench, Outcome
from harness.report import write


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bugs", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kind", default="*", metavar="GLOB", help="only bugs with a code like this")
    parser.add_argument("--net", default="*", metavar="GLOB", help="only bugs in nets like this")
    parser.add_argument("--bug", action="append", metavar="NAME", help="only this one, with its report (repeatable)")
    parser.add_argument("--slow", action="store_true", help="also those that take long")
    parser.add_argument("--json", metavar="OUT", help="everything, for a program to read")
    options = parser.parse_args()
    if options.bug:
        chosen = [bug for bug in all_bugs() if bug.name in options.bug]
    else:
        chosen = [bug for bug in all_bugs() if _wanted(bug, options.kind, options.net)]
    left_out = [bug.name for bug in chosen if bug.slow and not options.slow and not options.bug]
    chosen = [bug for bug in chosen if bug.name not in left_out]
    if not chosen:
        parser.error("there is no such bug")
    outcomes, alarms = _run(sorted(chosen, key=lambda bug: (bug.net, bug.port)), reported=bool(options.bug))
    wrong = [one for one in outcomes if one.bug.faults]
    ports = {(bug.net, bug.port) for bug in chosen}
    print(table(wrong))
    print(f"\n{len(ports)} right ports, {len(outcomes) - len(wrong)} harmless changes: {len(alarms)} false alarms")
    if left_out:
        print(f"left out without --slow: {', '.join(left_out)}")
    if not os.environ.get("HARNESS_MODEL_ZOO"):
        print("left out without HARNESS_MODEL_ZOO: the bugs in trained models")
    for line in (*alarms, *misses(wrong)):
        print(f"- {line}")
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(wrong, alarms, len(ports)), indent=1), encoding="utf-8")
    return 1 if alarms or not count(wrong).good else 0


def _run(bugs: Sequence[Bug], *, reported: bool) -> tuple[list[Outcome], list[str]]:
    """The outcome of each bug, and a line for each false alarm: a right port or a harmless change that is called wrong."""
    outcomes: list[Outcome] = []
    alarms: dict[str, None] = {}
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        if reported:
            bench.reports = lambda name, report: write(report, "terminal", "-")
        for bug in bugs:
            net = net_of(bug)
            if said := bench.check(net, bug.port):
                alarms[f"{bug.net}/{bug.port} without any bug: {said}"] = None
            outcome = bench.run(net, bug)
            outcomes.append(outcome)
            if not bug.faults and not outcome.right:
                alarms[f"{bug.name}: {outcome.said()}"] = None
            seconds = time.time() - begin
            print(f"{len(outcomes)}/{len(bugs)} {bug.name} ({seconds:.0f} s)", file=sys.stderr, flush=True)
    return outcomes, list(alarms)


def _wanted(bug: Bug, kind: str, net: str) -> bool:
    codes = [fault.codes[0] for fault in bug.faults] or ["harmless"]
    return any(fnmatchcase(code, kind) for code in codes) and fnmatchcase(bug.net, net)


if __name__ == "__main__":
    sys.exit(main())
