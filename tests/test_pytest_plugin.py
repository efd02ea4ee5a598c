"""`pytest --model CASE`, tried by running pytest inside pytest."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

GOLDEN = ("--reference", "golden")


@pytest.fixture
def inner(pytester, monkeypatch):
    """Run pytest in an empty project."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments):
        return (
            pytester.runpytest_subprocess(*arguments, "-p", "no:cacheprovider")
            if "--lf" not in arguments
            else (pytester.runpytest_subprocess(*arguments))
        )

    return run


@pytest.fixture
def broken(digits):
    file = digits / "keras_model.py"
    file.write_text(file.read_text().replace("MaxPooling2D(2, strides=2", "AveragePooling2D(2, strides=2"))
    return digits


def test_one_item_per_layer_and_only_these(inner, pytester, digits):
    pytester.makepyfile("def test_of_the_project(): pass")
    result = inner("--model", digits, *GOLDEN, "-v")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*case.toml::conv1 PASSED*", "*case.toml::ip2 PASSED*"])
    result.stdout.fnmatch_lines(["parity: digits_lenet against caffe 1.0.0, golden: reports/digits_lenet/index.html"])
    assert (pytester.path / "reports/digits_lenet/report.json").is_file()


def test_only_the_layer_at_fault_fails_and_says_why(inner, broken):
    result = inner("--model", broken, *GOLDEN)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*2 inherited*"])
    result.stdout.fnmatch_lines(["pool2: diverges", "*beyond the limit*", "again: harness compare * --layer pool2"])
    assert "Traceback" not in result.stdout.str()


def test_k_x_and_lf_work(inner, broken):
    inner("--model", broken, *GOLDEN, "-k", "conv").assert_outcomes(passed=2, deselected=4)
    inner("--model", broken, *GOLDEN, "-x").assert_outcomes(passed=3, failed=1)
    inner("--model", broken, *GOLDEN, "--lf").assert_outcomes(passed=3, failed=1)
    inner("--model", broken, *GOLDEN, "--lf").assert_outcomes(failed=1)


def test_two_workers_share_one_report(inner, pytester, broken, monkeypatch):
    pytest.importorskip("xdist")
    monkeypatch.setenv("HARNESS_CACHE", str(pytester.path / "cache"))
    result = inner("--model", broken, *GOLDEN, "-n", "2")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["parity: digits_lenet against caffe 1.0.0, golden: *", "*2 inherited*"])
    assert list((pytester.path / "cache" / "pytest").iterdir()) == []


def test_tests_of_the_project_run_too_when_their_path_is_given(inner, pytester, digits):
    file = pytester.makepyfile("def test_of_the_project(): pass")
    inner(file, "--model", digits, *GOLDEN).assert_outcomes(passed=7)


def test_an_item_can_be_named(inner, digits):
    inner(f"{digits}/case.toml::conv2", "--model", digits, *GOLDEN).assert_outcomes(passed=1)


def test_figures_are_in_the_junit_file(inner, pytester, digits):
    inner("--model", digits, *GOLDEN, "--junitxml", "out.xml")
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "out.xml").iter("testcase")}
    figures = {prop.get("name"): prop.get("value") for prop in cases["conv1"].iter("property")}
    assert figures["status"] == "match"
    assert 0 < float(figures["isolated.max_units"]) < 8


def test_an_unknown_case_is_a_usage_error(inner):
    result = inner("--model", "nosuch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no case 'nosuch'*"])


def test_what_cannot_be_compared_is_one_clear_line(inner, digits):
    (digits / "weights.caffemodel").write_bytes(b"")
    result = inner("--model", digits, *GOLDEN)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*could not compare: *weights.caffemodel: is empty*"])


def test_without_the_option_nothing_happens_and_nothing_heavy_is_imported(inner, pytester):
    pytester.makepyfile(
        """
        import sys

        def test_light():
            heavy = {"tensorflow", "keras", "numpy", "rich", "h5py", "PIL", "jinja2", "harness.pytest_session"}
            assert not heavy & set(sys.modules)
        """
    )
    inner("-p", "no:hypothesispytest", "-p", "no:xdist").assert_outcomes(passed=1)


def test_a_conftest_with_a_model_of_its_own_keeps_it(inner, pytester, digits):
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--model", action="store")
        """
    )
    pytester.makepyfile("def test_theirs(pytestconfig): assert pytestconfig.getoption('model') == 'theirs'")
    inner("--model", "theirs").assert_outcomes(passed=1)
    inner("--parity-model", digits, "--parity-reference", "golden", f"{digits}/case.toml").assert_outcomes(passed=6)


def test_another_size_stands_in_the_name(inner, pytester, models):
    result = inner("--model", f"{models / 'dilation_mini'}@61x61", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*case.toml::front/conv1*61x61*"])
