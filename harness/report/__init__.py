"""A ParityReport as text or file: one module per format, discovered.

To add a format, add `harness/report/<name>.py` with

    FORMAT = "csv"                                what the format is called
    FILE_NAME = "report.csv"                      what its file is called in reports/CASE/
    def render(report: ParityReport) -> str: ...
    def render_many(reports: Sequence[ParityReport]) -> str: ...    (only if several reports fit into one file)

Modules whose name begins with an underscore are shared parts, not formats.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.data import ParityReport
from harness.errors import HarnessError, UsageError


@dataclass(frozen=True)
class Format:
    """One way to show a report."""

    name: str
    file_name: str
    render: Callable[..., str]
    render_many: Callable[[Sequence[ParityReport]], str] | None


@cache
def formats() -> Mapping[str, Format]:
    """Every format at hand, by name.

    Raises:
        HarnessError: two modules claim one name, or a module lacks a part of the interface.
    """
    import importlib
    import pkgutil

    found: dict[str, Format] = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        add(found, module)
    return found


def add(found: dict[str, Format], module: Any) -> None:
    """Put the format that `module` defines into `found`; a duplicate is refused."""
    absent = [part for part in ("FORMAT", "FILE_NAME", "render") if not hasattr(module, part)]
    if absent:
        raise HarnessError(
            f"the report format lacks {', '.join(absent)}",
            file=module.__file__,
            fix="define FORMAT, FILE_NAME and render(report), or begin the file's name with an underscore",
        )
    if module.FORMAT in found:
        raise HarnessError(
            f"there is a report format {module.FORMAT!r} already", file=module.__file__, fix="give it another FORMAT"
        )
    found[module.FORMAT] = Format(module.FORMAT, module.FILE_NAME, module.render, getattr(module, "render_many", None))


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none; the message lists those that exist.
    """
    try:
        return formats()[name]
    except KeyError:
        raise UsageError(
            f"no report format {name!r}; there are {', '.join(formats())}",
            fix=f"choose one of them, or add harness/report/{name}.py",
        ) from None


def write(report: ParityReport | Sequence[ParityReport], format: str, target: Path | str, **options: Any) -> None:
    """Write one report, or several on one page, in a format to a file; `-` is standard output.

    The file is written whole or not at all. `options` go to the format's `render`.

    Raises:
        UsageError: an unknown format, a format that cannot hold several reports, or a target that cannot be written.
    """
    chosen = format_named(format)
    if isinstance(report, ParityReport):
        text = chosen.render(report, **options)
    elif chosen.render_many is not None:
        text = chosen.render_many(report)
    else:
        raise UsageError(f"a {format} file holds one report, not {len(report)}", fix="write one file for each")
    if str(target) == "-":
        _to_standard_output(text)
    else:
        _to_file(text, Path(target))


def _to_standard_output(text: str) -> None:
    # A pipe gets UTF-8 whatever the locale says: JSON and XML promise it.
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        buffer.write(text.encode("utf-8"))
    sys.stdout.flush()


def _to_file(text: str, target: Path) -> None:
    path = Path(os.path.realpath(target))  # a link keeps pointing; what it points to is replaced
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a pipe or a device cannot be replaced; a folder is refused here
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.part")
        try:
            with draft.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"the report cannot be written: {reason}", file=target, fix="name a file in a folder that you may write to"
        ) from error
