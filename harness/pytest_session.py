"""`pytest --model CASE`: one test item per compared layer, one report for all of them, under pytest-xdist too."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import cache
from harness.cases import FILE, find_case
from harness.commands._options import case_roots
from harness.data import Case, LayerComparison, ParityReport, Status
from harness.errors import HarnessError, UsageError


class ParitySession:
    """The cases of one pytest run. Registered as a plugin when there are any."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        try:
            self.cases = [find_case(what, case_roots()) for what in config.getoption("parity_models")]
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from error
        self.run = _run_id(config)
        self.reports: dict[str, ParityReport] = {}
        self._choose_paths()

    def _choose_paths(self) -> None:
        """With no path given, only the cases run."""
        files = [str(case.folder / FILE) for case in self.cases]
        given = self.config.args_source is pytest.Config.ArgsSource.ARGS
        paths = list(self.config.args) if given else []
        named = {Path(path.split("::")[0]).resolve() for path in paths}
        self.config.args[:] = [*paths, *(file for file in dict.fromkeys(files) if Path(file) not in named)]

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CaseFile | None:
        """A case.toml that was asked for is a collector; at two sizes, it is one for both."""
        cases = [case for case in self.cases if case.folder / FILE == file_path.resolve()]
        if not cases:
            return None
        # pytest has no name for a file outside of its root, as a case that came with the package is.
        name = Path(os.path.relpath(file_path, self.config.rootpath)).as_posix()
        return CaseFile.from_parent(parent, path=file_path, nodeid=name, session_cases=cases, parity=self)

    def layers(self, case: Case) -> list[str]:
        """The layers to be compared, worked out once per run, however many workers it has."""
        from harness.pipeline import compared_layers, title

        folder = cache.folder("pytest")
        with cache.locked(f"pytest/{self.run}-{title(case)}"):
            file = folder / f"{self.run}-{title(case)}.layers.json"
            if file.exists():
                return list(json.loads(file.read_text("utf-8")))
            found = compared_layers(case)
            order = {layer: index for index, layer in enumerate(found.order)}
            names = [pair.layer.name for pair in found.pairs] + list(found.missing)
            names.sort(key=order.__getitem__)
            cache.write_whole(file, json.dumps(names).encode())
            return names

    def report(self, case: Case) -> ParityReport:
        """The report of a case: computed by the first that asks, read by all others."""
        from harness import pipeline, report
        from harness.report.json import load

        title = pipeline.title(case)
        if title in self.reports:
            return self.reports[title]
        file = cache.folder("pytest") / f"{self.run}-{title}.report.json"
        with cache.locked(f"pytest/{self.run}-{title}"):
            if not file.exists():
                made = self._compute(case)
                out = self.config.invocation_params.dir / pipeline.default_out(case)
                for name in ("html", "json", "junit"):
                    report.write(made, name, out / report.format_named(name).file_name)
                report.write(made, "json", file)
        self.reports[title] = load(file)
        return self.reports[title]

    def _compute(self, case: Case) -> ParityReport:
        from harness import pipeline
        from harness.engines.reference import Reference

        engine = self.config.getoption("parity_reference") or "auto"
        command = " ".join(["pytest", *map(str, self.config.invocation_params.args)])
        return pipeline.compare(case, pipeline.Options(reference=Reference(engine=engine), command=command))

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A layer that inherits an error is no failure, but no plain success either."""
        if report.when == "call" and report.passed and ("status", Status.INHERITED.value) in _pairs(report):
            return "inherited", "i", ("INHERITED", {"yellow": True})
        return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where the pages are, and what was the reference."""
        from harness import pipeline
        from harness.report.json import load

        for case in self.cases:
            out = pipeline.default_out(case)
            file = self.config.invocation_params.dir / out / "report.json"
            kept = cache.root() / "pytest" / f"{self.run}-{pipeline.title(case)}.report.json"
            if kept.exists() and file.exists():
                made = load(file)
                by = f"{made.reference['version']}, {made.reference['engine']}"
                terminalreporter.write_line(f"parity: {made.case} against {by}: {out}/index.html")

    def pytest_unconfigure(self) -> None:
        """What the workers shared goes when the run ends."""
        if not hasattr(self.config, "workerinput"):
            for file in (cache.root() / "pytest").glob(f"{self.run}-*"):
                file.unlink(missing_ok=True)


class CaseFile(pytest.File):
    """A case.toml: collects one item per compared layer."""

    def __init__(self, *, session_cases: list[Case], parity: ParitySession, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cases = session_cases
        self.parity = parity

    def collect(self) -> Iterator[LayerItem]:
        """The items, in the order of execution; at another size than the case's, it stands in the name."""
        for case in self.cases:
            try:
                layers = self.parity.layers(case)
            except HarnessError as error:
                raise self.CollectError(f"could not compare: {error}") from error
            size = f"[{'x'.join(map(str, case.asked_size))}]" if case.asked_size else ""
            for layer in layers:
                yield LayerItem.from_parent(self, name=f"{layer}{size}", layer=layer, case=case)


class LayerItem(pytest.Item):
    """One layer of one case."""

    def __init__(self, *, layer: str, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.case = case

    def runtest(self) -> None:
        """Fail if the layer is at fault."""
        from harness.report import _rows

        parent = self.parent
        assert isinstance(parent, CaseFile)
        report = parent.parity.report(self.case)
        try:
            row = report[self.layer]
        except KeyError:
            raise UsageError("was not compared", layer=self.layer) from None
        self.user_properties += [
            ("status", row.status.value),
            ("judged_by", row.judged_by),
            *_rows.figures("isolated", row.isolated),
            *_rows.figures("end_to_end", row.end_to_end),
            *(("cause", cause.code) for cause in row.causes),
        ]
        if row.status.fails:
            raise LayerAtFault(report, row)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The cause and the fix; no traceback into the harness."""
        if isinstance(excinfo.value, LayerAtFault):
            return str(excinfo.value)
        if isinstance(excinfo.value, HarnessError):
            return f"could not compare: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the item comes from."""
        return self.path, None, self.name


class LayerAtFault(Exception):
    """A layer that computes something else than Caffe's."""

    def __init__(self, report: ParityReport, row: LayerComparison) -> None:
        from harness.report import _rows

        super().__init__(_rows.account(report, row))


def _run_id(config: pytest.Config) -> str:
    """What this process and its workers, if pytest-xdist makes any, know the run by."""
    given: str | None = getattr(config, "workerinput", {}).get("testrunuid") or config.getoption("testrunuid", None)
    run = given or uuid.uuid4().hex
    if hasattr(config.option, "testrunuid"):
        config.option.testrunuid = run
    return run


def _pairs(report: pytest.TestReport) -> list[tuple[str, object]]:
    return [(str(name), value) for name, value in report.user_properties]
