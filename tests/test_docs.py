"""What the documents say of the commands is so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from harness import cli
from harness.errors import UnsupportedError
from harness.layers import layer_types

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme():
    for command in cli.COMMANDS:
        assert f"harness {command}" in README


def test_every_described_layer_type_is_in_the_table_of_layers():
    said = (ROOT / "docs/layers.md").read_text(encoding="utf-8")
    measured = re.findall(r"^\| (\w+) \| \d+ \|", said, re.MULTILINE)
    idle = re.search(r"compute nothing at inference: ([\w, \n]+)\.", said)
    assert idle is not None
    assert sorted([*measured, *re.split(r",\s+", idle[1])]) == sorted(layer_types())


def test_the_table_of_layers_counts_what_the_tests_hold():
    from support.table import ALL

    counted = re.findall(r"^\| (\w+) \| (\d+) \|", (ROOT / "docs/layers.md").read_text("utf-8"), re.MULTILINE)
    assert {kind: int(count) for kind, count in counted} == dict(Counter(entry.kind for entry in ALL))


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = [
        README,
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        (ROOT / "docs/formats.md").read_text("utf-8"),
    ]
    for target in set(re.findall(r"`?make ([a-z]+)`?", " ".join(texts))) - {"its", "the"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_option_that_the_readme_names_exists(capsys):
    with pytest.raises(SystemExit):
        cli.main(["compare", "--help"])
    known = capsys.readouterr().out
    for group in ("image build", "report", "convert", "dump", "inspect", "cache", "map"):
        with pytest.raises(SystemExit):
            cli.main([*group.split(), "--help"])
        known += capsys.readouterr().out
    for option in set(re.findall(r"--[a-z][a-z-]+", README)) - {"--model"}:
        assert option in known, option


def test_every_dependency_has_its_reason():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project[project.index("dependencies = [") : project.index("[project.optional-dependencies]")]
    for package in re.findall(r'^  "([a-z0-9-]+)', block, re.MULTILINE):
        assert re.search(rf"^\| {package} ", contributing, re.MULTILINE), package


def test_the_error_tree_in_the_docstring_is_the_tree():
    from harness import errors

    for name in re.findall(r"[├└]── (\w+)", errors.__doc__ or ""):
        assert issubclass(getattr(errors, name), errors.HarnessError)
    assert issubclass(UnsupportedError, errors.HarnessError)


def test_every_cause_has_its_line():
    said = (ROOT / "docs/causes.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([a-z_.]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", said, re.MULTILINE))))
    families = "|".join({code.split(".")[0] for code in listed if "." in code})
    named: set[str] = set()
    for part in ("compare", "diagnose"):
        for file in (ROOT / "harness" / part).rglob("*.py"):
            named |= set(re.findall(rf'"((?:{families})\.[a-z_]+)"', file.read_text(encoding="utf-8")))
    assert len(named) > 20
    assert named <= listed
