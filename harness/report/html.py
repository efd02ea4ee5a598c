"""The report as one HTML file that needs nothing else: no network, no library, readable without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from harness.data import ParityReport

FORMAT = "html"
FILE_NAME = "index.html"
TEMPLATES = Path(__file__).with_name("templates")


def render(report: ParityReport) -> str:
    """The report as an HTML page."""
    return render_many([report])


def render_many(reports: Sequence[ParityReport]) -> str:
    """Several reports as one page, with a list of them on top."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    from harness.report import _page, _text

    def shown(value: object) -> object:
        return _text.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    def prose(value: object) -> Markup:
        return escape(_text.printable(value, keep="\n"))

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["prose"] = prose
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    pages = [
        _page.page(report, prefix=f"r{position}-" if len(reports) > 1 else "")
        for position, report in enumerate(reports, start=1)
    ]
    text: str = environment.get_template("report.html.j2").render(
        pages=pages,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        # The page may run this script and no other, and may fetch nothing: the browser sees to it.
        script_digest=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
    )
    return text + "\n"
