"""What tests everywhere may use."""

from __future__ import annotations

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
