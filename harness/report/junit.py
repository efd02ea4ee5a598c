"""JUnit XML: one test case per compared layer, as CI servers show it. Folded layers are not test cases."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence

from harness.data import LayerComparison, ParityReport, Status
from harness.report import _rows, _summary, _text

FORMAT = "junit"
FILE_NAME = "junit.xml"


def render(report: ParityReport) -> str:
    """The report as JUnit XML."""
    return render_many([report])


def render_many(reports: Sequence[ParityReport]) -> str:
    """Several reports as one file, a test suite each."""
    suites = [_suite(report) for report in reports]
    root = ElementTree.Element("testsuites", name="parity")
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.extend(suites)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(report: ParityReport) -> ElementTree.Element:
    summary = _summary.summarize(report)
    cases = [_case(report, row) for row in report.layers]
    if not cases:
        # A suite without a test case counts as success with most readers, and an empty comparison is none.
        case = ElementTree.Element("testcase", classname=_text.printable(report.case), name="coverage")
        ElementTree.SubElement(case, "failure", type="coverage", message=summary.sentence)
        cases = [case]
    failures = sum(case.find("failure") is not None for case in cases)
    suite = ElementTree.Element(
        "testsuite",
        name=_text.printable(report.case),
        tests=str(len(cases)),
        failures=str(failures),
        errors="0",
        skipped="0",
    )
    if report.environment.get("date"):
        suite.set("timestamp", _text.printable(report.environment["date"]))
    properties = [("verdict", summary.verdict), ("sentence", summary.sentence), ("coverage", summary.coverage)]
    properties += [("reference", f"{summary.badges[0].text}: {_summary.described(report.reference)}")]
    properties += [("candidate", _summary.described(report.candidate)), ("weights", summary.badges[1].text)]
    properties += [("remark", remark) for remark in summary.remarks]
    properties += [("folded", ", ".join(report.folded)), ("command", report.command)]
    _add_properties(suite, properties)
    suite.extend(cases)
    return suite


def _case(report: ParityReport, row: LayerComparison) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_text.printable(report.case), name=_text.printable(row.layer))
    properties = [
        ("status", row.status.value),
        ("type", row.type),
        ("judged_by", row.judged_by),
        ("caffe", " + ".join(row.caffe)),
        ("keras", " + ".join(row.keras)),
    ]
    properties += _rows.figures("isolated", row.isolated) + _rows.figures("end_to_end", row.end_to_end)
    properties += [("cause", cause.code) for cause in row.causes]
    _add_properties(case, properties)
    if row.status.fails:
        failure = ElementTree.SubElement(case, "failure", type=row.status.value, message=_message(row))
        failure.text = _rows.account(report, row)
    elif row.status is Status.INHERITED:
        output = ElementTree.SubElement(case, "system-out")
        output.text = f"right by itself; its end-to-end error comes from {_text.printable(row.inherited_from)}"
    return case


def _message(row: LayerComparison) -> str:
    if row.causes:
        cause = row.causes[0]
        return f"{_text.printable(cause.code)}: {_text.printable(cause.summary)}"
    return _rows.detail(row) or row.status.value


def _add_properties(parent: ElementTree.Element, properties: Iterable[tuple[str, str]]) -> None:
    element = ElementTree.SubElement(parent, "properties")
    for name, value in properties:
        ElementTree.SubElement(element, "property", name=name, value=_text.printable(value))
