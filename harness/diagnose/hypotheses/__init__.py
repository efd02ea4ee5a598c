"""Families of hypotheses, one file each, found by being there: `suspect(clues)` yields suspicions, likely ones first."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache

from harness.diagnose.clues import Clues, Suspicion


@cache
def families() -> tuple[Callable[[Clues], Iterator[Suspicion]], ...]:
    """Every family's `suspect`, by the name of its module."""
    modules = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return tuple(module.suspect for module in modules)
