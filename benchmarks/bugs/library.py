"""All bugs and all nets: the files of `kinds/` and `historical/` are found by being there."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType

from benchmarks.bugs import historical, kinds
from benchmarks.bugs.bug import Bug
from benchmarks.bugs.net import Net, find_net


@functools.cache
def all_bugs() -> tuple[Bug, ...]:
    """Every bug, made up and historical. Raises ValueError for two of one name."""
    found = [bug for package in (kinds, historical) for module in _modules(package) for bug in module.BUGS]
    names = [bug.name for bug in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two bugs of one name: {', '.join(sorted(twice))}")
    return tuple(found)


def net_of(bug: Bug) -> Net:
    """The net that a bug is put into."""
    return _own_nets().get(bug.net) or find_net(bug.net)


@functools.cache
def _own_nets() -> dict[str, Net]:
    """Nets that are defined beside their bugs."""
    return {
        net.name: net
        for package in (kinds, historical)
        for module in _modules(package)
        for net in getattr(module, "NETS", ())
    }


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]
