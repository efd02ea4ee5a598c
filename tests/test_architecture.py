"""Imports go one way, and what must start fast imports nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import harness

PACKAGE = Path(harness.__file__).parent

ORDER: tuple[tuple[str, ...], ...] = (
    ("errors", "data", "progress"),
    ("extras", "layout", "resources", "cache", "keras_layers"),
    ("recording",),
    ("caffe",),
    ("layers",),
    ("convert",),
    ("inputs", "sources", "cases", "pictures", "mapping"),
    ("engines",),
    ("compare",),
    ("diagnose", "environment"),
    ("pipeline",),
    ("static",),
    ("report",),
    ("reproduce",),
    ("commands", "cli", "__main__", "pytest_plugin", "pytest_session"),
)
"""From the bottom to the top: a module may import those above its line in this table, and its own neighbours."""

HEAVY = ("tensorflow", "keras", "cv2", "rich", "h5py", "PIL")


def imports_of(source: str, module: str, *, package: bool = False) -> Iterator[tuple[int, str]]:
    """Every import in a module's text, wherever it stands: line, absolute name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".") if package else module.split(".")[:-1]
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            for alias in node.names:
                yield node.lineno, f"{name}.{alias.name}"


def part_of(name: str) -> str | None:
    """`harness.layers.relu.ReLU` → `layers`; None for what is not ours or is the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "harness" and len(parts) > 1 else None


def violations(files: Mapping[str, str], order: Sequence[Sequence[str]]) -> list[str]:
    """Imports that go up, of modules given as name → text."""
    rank = {part: level for level, parts in enumerate(order) for part in parts}
    found = []
    for module, source in sorted(files.items()):
        own = part_of(module)
        if own is None:
            continue
        if own not in rank:
            found.append(f"{module}: {own!r} has no place in ORDER")
            continue
        for line, name in imports_of(source, module):
            other = part_of(name)
            if other is not None and other != own and rank.get(other, -1) > rank[own]:
                found.append(f"{module}:{line}: {own} imports {name}, which comes after it")
    return found


def modules() -> dict[str, str]:
    """Every module of the package with its text."""
    return {
        ".".join(("harness", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.name.endswith("_pb2.py")
    }


def test_imports_go_one_way() -> None:
    assert violations(modules(), ORDER) == []


def test_table_names_only_what_exists() -> None:
    existing = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {part for parts in ORDER for part in parts} <= existing


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        (
            "harness.layers.relu",
            "import os\nfrom harness.compare.measure import measure\n",
            "harness.layers.relu:2: layers imports harness.compare.measure.measure, which comes after it",
        ),
        (
            "harness.data",
            "def late():\n    import harness.report\n",
            "harness.data:2: data imports harness.report, which comes after it",
        ),
        (
            "harness.caffe.network",
            "from harness import pipeline\n",
            "harness.caffe.network:1: caffe imports harness.pipeline, which comes after it",
        ),
        (
            "harness.caffe.network",
            "from ..cli import main\n",
            "harness.caffe.network:1: caffe imports harness.cli.main, which comes after it",
        ),
        ("harness.novelty", "", "harness.novelty: 'novelty' has no place in ORDER"),
    ],
)
def test_a_violation_is_found(module: str, source: str, said: str) -> None:
    assert violations({module: source}, ORDER) == [said]


@pytest.mark.parametrize(
    "source", ["from harness.data import Layer", "import numpy", "from harness.layers import base"]
)
def test_what_is_allowed_is_not_found(source: str) -> None:
    assert violations({"harness.layers.relu": source}, ORDER) == []


def forbidden(source: str, module: str, names: Sequence[str]) -> list[str]:
    return [
        f"{module}:{line} imports {name}"
        for line, name in imports_of(source, module)
        if any(name == one or name.startswith(f"{one}.") for one in names)
    ]


def test_compare_knows_neither_keras_nor_containers() -> None:
    banned = ("keras", "tensorflow", "tf_keras", "subprocess", "harness.engines", "os.system")
    found = [
        line
        for module, source in modules().items()
        if module.startswith("harness.compare")
        for line in forbidden(source, module, banned)
    ]
    assert found == []
    assert forbidden("def late():\n    import keras.layers\n", "harness.compare.judge", banned) == [
        "harness.compare.judge:2 imports keras.layers"
    ]


def loaded_by(statement: str) -> set[str]:
    """The top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}\nimport sys\nprint(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["harness", "harness.cli", "harness.report", "harness.pytest_plugin", "harness.data"]
)
def test_start_is_light(module: str) -> None:
    assert loaded_by(f"import {module}") & set(HEAVY) == set()


def test_the_comparison_itself_is_light() -> None:
    """`harness compare` of two recordings runs neither net."""
    assert loaded_by("import harness.compare.stream, harness.compare.folders") & {"tensorflow", "keras", "cv2"} == set()


def test_a_heavy_import_is_found() -> None:
    assert "h5py" in loaded_by("import harness.cli, h5py")
