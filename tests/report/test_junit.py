"""JUnit XML: one test case per compared layer."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from support import reports as samples

from harness.report.junit import render, render_many


def suite(report):
    root = ElementTree.fromstring(render(report))
    assert root.tag == "testsuites"
    return root[0]


def properties(element):
    return {item.get("name"): item.get("value") for item in element.find("properties")}


def test_a_case_per_layer_and_none_for_the_folded():
    names = [case.get("name") for case in suite(samples.passing()).iter("testcase")]
    assert names == [name for name, _, _ in samples.LAYERS]


def test_a_passing_suite():
    passing = suite(samples.passing())
    assert (passing.get("tests"), passing.get("failures"), passing.get("errors")) == ("28", "0", "0")
    assert passing.get("name") == "dilation8_pascal_voc"


def test_only_the_layers_at_fault_fail():
    failing = suite(samples.failing())
    assert failing.get("failures") == "2"
    at_fault = [case.get("name") for case in failing.iter("testcase") if case.find("failure") is not None]
    assert at_fault == ["conv5_3", "ct_conv3_1"]


def test_a_failure_tells_cause_and_fix():
    failure = suite(samples.failing()).find("testcase[@name='ct_conv3_1']/failure")
    assert failure.get("type") == "diverges"
    assert (
        failure.get("message") == "weights.spatial_transpose: Kernel height and width are swapped in all 168 filters."
    )
    assert failure.text.splitlines() == [
        "ct_conv3_1 + ct_relu3_1: diverges",
        "1,130,304 of 2,260,608 beyond the limit (50.0 %); worst at (0, 3, 57, 2): Caffe 1.2, Keras 0.89",
        "",
        "weights.spatial_transpose (proven): Kernel height and width are swapped in all 168 filters.",
        "The transposed kernels equal Caffe's to the bit.",
        "fix: kernel.transpose(2, 3, 1, 0), not (3, 2, 1, 0)",
        "then: max|Δ| 3.1e-01 → 2.9e-05",
        "at: keras_model.py:58",
        "",
        "dilation: The dilation may be lost.",
        "The error grows with the distance.",
        "fix: dilation_rate=4",
        "",
        "again: harness compare dilation8_pascal_voc --layer ct_conv3_1",
    ]


def test_an_inherited_error_passes_and_names_its_source():
    case = suite(samples.failing()).find("testcase[@name='fc6']")
    assert case.find("failure") is None
    assert case.find("system-out").text == "right by itself; its end-to-end error comes from conv5_3"


def test_figures_are_properties():
    found = properties(suite(samples.failing()).find("testcase[@name='ct_conv3_1']"))
    assert found["status"] == "diverges"
    assert found["isolated.max_units"] == "84210.0"
    assert found["isolated.max_abs"] == "0.31"
    assert found["caffe"] == "ct_conv3_1 + ct_relu3_1"
    assert properties(suite(samples.passing()))["reference"].startswith("REAL CAFFE: caffe 1.0.0, docker")


def test_nothing_compared_is_a_failure():
    empty = suite(samples.report([]))
    assert (empty.get("tests"), empty.get("failures")) == ("1", "1")
    assert empty.find("testcase/failure").get("message") == "Nothing was compared, so nothing is proven."


def test_hostile_names_stay_text():
    case = suite(samples.hostile()).find("testcase")
    assert case.get("name") == r'a</script><script>alert("1")</script>\x1b[2J\n| `b` |\u202egnp.exe'


def test_several_suites_add_up():
    root = ElementTree.fromstring(render_many([samples.passing(), samples.failing()]))
    assert [element.tag for element in root] == ["testsuite", "testsuite"]
    assert (root.get("tests"), root.get("failures")) == ("56", "2")
