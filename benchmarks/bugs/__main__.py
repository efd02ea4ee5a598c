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
import sys
import tempfile
import time
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
        chosen = [bug for bug in all_bugs() if _wanted(bug, options.kind, options.net, options.slow)]
    if not chosen:
        parser.error("there is no such bug")
    chosen.sort(key=lambda bug: (bug.net, bug.port))
    outcomes: list[Outcome] = []
    alarms: list[str] = []
    right = 0
    begin = time.time()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        if options.bug:
            bench.reports = lambda name, report: write(report, "terminal", "-")
        for bug in chosen:
            net = net_of(bug)
            key = (bug.net, bug.port)
            wrong = bench.check(net, bug.port, bug.image)
            right += 1 if not outcomes or key != (outcomes[-1].bug.net, outcomes[-1].bug.port) else 0
            alarm = f"{bug.net}/{bug.port} without any bug: {wrong}"
            if wrong and alarm not in alarms:
                alarms.append(alarm)
            outcomes.append(bench.run(net, bug))
            if not bug.faults and not outcomes[-1].right:
                alarms.append(f"{bug.name}: {outcomes[-1].said()}")
            print(
                f"{len(outcomes)}/{len(chosen)} {bug.name} ({time.time() - begin:.0f} s)", file=sys.stderr, flush=True
            )
    wrong = [one for one in outcomes if one.bug.faults]
    harmless = len(outcomes) - len(wrong)
    print(table(wrong))
    print(f"\n{right} right ports and {harmless} harmless changes: {len(alarms)} false alarms")
    for line in (*alarms, *misses(wrong)):
        print(f"- {line}")
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(wrong, alarms, right), indent=1), encoding="utf-8")
    return 1 if alarms or not count(wrong).good else 0


def _wanted(bug: Bug, kind: str, net: str, slow: bool) -> bool:
    codes = [fault.codes[0] for fault in bug.faults] or ["harmless"]
    return any(fnmatchcase(code, kind) for code in codes) and fnmatchcase(bug.net, net) and (slow or not bug.slow)


if __name__ == "__main__":
    sys.exit(main())
