"""What tests everywhere may use."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent


@pytest.fixture
def models() -> Path:
    """The cases that come with the package."""
    return ROOT / "fixtures" / "models"


@pytest.fixture
def digits(tmp_path: Path, models: Path) -> Path:
    """A copy of the small trained case that a test may damage."""
    import shutil

    return Path(shutil.copytree(models / "digits_lenet", tmp_path / "digits_lenet"))


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """In the last lines: whether the real Caffe was asked at all."""
    yield
    asked = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if "engine" in report.keywords and report.when == "call"
    ]
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "engine" in report.keywords]
    if skipped:
        why = sorted({str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)})
        terminalreporter.write_line(
            f"NOT CHECKED against real Caffe: {len(skipped)} tests skipped ({'; '.join(why)})", yellow=True
        )
    if asked:
        terminalreporter.write_line(f"checked against real Caffe in a container: {len(asked)} tests")


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_works() -> None:
    """A shell that runs the tests in the background has them, and all that they start, ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
