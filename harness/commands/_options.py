"""The options that commands share, and the case that they make up."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.data import Case, InputSource, WeightsSource
from harness.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def case_options(function: F) -> F:
    """CASE, or what says it all: prototxt, caffemodel, Keras model, input."""
    for option in reversed(
        [
            click.argument("case", required=False),
            click.option("--prototxt", type=click.Path(path_type=Path), help="the Caffe net, in place of a case"),
            click.option("--caffemodel", type=click.Path(path_type=Path), help="its weights"),
            click.option(
                "--keras", metavar="FILE.py:FUNCTION|FILE|DIR|auto", help="the Keras model; auto: our conversion"
            ),
            click.option("--keras-weights", metavar="own|converted|FILE", help="whose weights it runs with"),
            click.option("--weights", metavar="FILE|seed:N", help="other weights: a caffemodel, or synthetic ones"),
            click.option("--input", "input_", metavar="IMAGE|ARRAY.npy|seed:N", help="another input"),
            click.option(
                "--input-size", metavar="HxW", help="run the same net at another size (CxHxW: with other channels)"
            ),
            click.option(
                "--python-layers",
                type=click.Path(path_type=Path),
                metavar="DIR",
                help="Caffe Python layers that the prototxt names",
            ),
            click.option("--fetch", is_flag=True, help="download what the case gives as a URL"),
        ]
    ):
        function = option(function)
    return function


def run_options(function: F) -> F:
    """How to compare, and where the reports go."""
    for option in reversed(
        [
            click.option(
                "--layer", "layers", multiple=True, metavar="GLOB", help="only these Caffe layers (repeatable)"
            ),
            click.option(
                "--mode",
                type=click.Choice(["both", "isolated", "end-to-end"]),
                help="feed each layer Caffe's own bottoms, its predecessors' output, or both; "
                "default: both, or isolated with --layer",
            ),
            click.option("--static", is_flag=True, help="compare definitions, shapes and weights only; nothing is run"),
            click.option("--until", metavar="LAYER", help="judge an unfinished port up to this Caffe layer"),
            click.option(
                "--witness",
                type=click.Choice(["opencv"]),
                help="ask a third voice, which is not Caffe, about each layer",
            ),
            click.option("--strict", is_flag=True, help="adjudicate every layer in float64"),
            click.option("--image", metavar="NAME", help="another Caffe image"),
            click.option("--threads", type=click.IntRange(min=1), help="threads for Caffe"),
            click.option("--timeout", type=float, default=3600.0, show_default=True, help="seconds for Caffe"),
            click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="default: reports/CASE"),
            click.option("--json", "json_", metavar="F", help="the report as JSON (- is standard output)"),
            click.option("--html", metavar="F", help="… as a page"),
            click.option("--junit", metavar="F", help="… as JUnit XML"),
            click.option("--markdown", metavar="F", help="… as Markdown"),
            click.option("--all", "show_all", is_flag=True, help="show every row"),
            click.option("--quiet", is_flag=True, help="print only the first line"),
            click.option("--debug", is_flag=True, hidden=True),
        ]
    ):
        function = option(function)
    return function


def resolve_case(
    case: str | None,
    prototxt: Path | None = None,
    caffemodel: Path | None = None,
    keras: str | None = None,
    keras_weights: str | None = None,
    weights: str | None = None,
    input_: str | None = None,
    input_size: str | None = None,
    python_layers: Path | None = None,
) -> Case:
    """The case that a command line means.

    Without CASE: what --prototxt says, else case.toml in the current folder, else the only case at hand, else the last
    one that was run from here.

    Raises:
        UsageError: none of these is given.
    """
    from harness.cases import parse_size, with_size

    found = _from_files(prototxt, caffemodel, keras, weights) if prototxt is not None and case is None else _named(case)
    changes: dict[str, Any] = {}
    if case is not None and prototxt is not None:
        changes["prototxt"] = _existing(prototxt)
    if keras is not None:
        changes["keras"] = keras if keras == "auto" else _absolute(keras)
    if keras_weights is not None:
        changes["keras_weights"] = keras_weights
    if weights is not None or (caffemodel is not None and case is not None):
        changes["weights"] = _weights(weights, caffemodel)
    if input_ is not None:
        changes["input"] = _input(found.input, input_)
    if python_layers is not None:
        if not python_layers.is_dir():
            raise UsageError("no such folder", file=python_layers, fix="--python-layers takes a folder")
        changes["python_layers"] = python_layers.resolve()
    found = replace(found, **changes)
    return with_size(found, parse_size(input_size)) if input_size else found


def case_roots() -> list[Path]:
    """Folders that hold cases by name: those of the current folder and those that the package brings."""
    from harness.resources import fixtures_folder

    roots = [Path("fixtures/models"), fixtures_folder() / "models"]
    return list(dict.fromkeys(root.resolve() for root in roots if root.is_dir()))


def remember(what: str) -> None:
    """Keep the case that was run from here, for a command without one."""
    path = _memory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(what, encoding="utf-8")
    except OSError:
        return  # a convenience only


def command_line() -> str:
    """The command as it was given, for the report."""
    import shlex

    return "harness " + shlex.join(sys.argv[1:])


def target(given: dict[str, Any]) -> str:
    """What names the same case on another command line: the case, and the options that change it."""
    import shlex

    words = [given["case"]] if given["case"] else []
    options = ("prototxt", "caffemodel", "keras", "keras_weights", "weights", "input", "input_size", "python_layers")
    for option in options:
        value = given["input_" if option == "input" else option]
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _named(case: str | None) -> Case:
    from harness.cases import find_case, list_cases

    roots = case_roots()
    if case is not None:
        return find_case(case, roots)
    if Path("case.toml").is_file():
        return find_case(".", roots)
    known = list_cases(roots)
    if len(known) == 1:
        return find_case(known[0], roots)
    try:
        last = _memory().read_text(encoding="utf-8")
    except OSError:
        raise UsageError("no case given", fix=f"name one: {', '.join(known) or 'none at hand'}") from None
    return find_case(last, roots)


def _from_files(prototxt: Path, caffemodel: Path | None, keras: str | None, weights: str | None) -> Case:
    prototxt = _existing(prototxt)
    if caffemodel is None and weights is None:
        raise UsageError(
            "--prototxt without weights", fix="give --caffemodel FILE, or --weights seed:0 for synthetic ones"
        )
    return Case(
        name=prototxt.parent.name if prototxt.stem in ("deploy", "model") else prototxt.stem,
        folder=Path.cwd(),
        prototxt=prototxt,
        keras=keras or "auto",
        weights=_weights(weights, caffemodel),
        input=InputSource(seed=0),
    )


def _weights(weights: str | None, caffemodel: Path | None) -> WeightsSource:
    if weights is not None and weights.startswith("seed:"):
        return WeightsSource(seed=_seed(weights))
    file = Path(weights) if weights is not None else caffemodel
    assert file is not None
    return WeightsSource(caffemodel=_existing(file))


def _input(source: InputSource, given: str) -> InputSource:
    if given.startswith("seed:"):
        return replace(source, image=None, array=None, seed=_seed(given))
    file = _existing(Path(given))
    if file.suffix == ".npy":
        return replace(source, image=None, array=file, seed=None)
    return replace(source, image=file, array=None, seed=None)


def _seed(text: str) -> int:
    try:
        return int(text.removeprefix("seed:"))
    except ValueError:
        raise UsageError(f"{text!r} is not a seed", fix="write seed:0") from None


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError("no such file", file=path)
    return path.resolve()


def _absolute(keras: str) -> str:
    """A Keras file is meant from where the command is given, not from the case's folder."""
    path, colon, function = keras.partition(":")
    return f"{Path(path).resolve()}{colon}{function}"


def _memory() -> Path:
    from harness.cache import root

    return root() / "last" / hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:16]
