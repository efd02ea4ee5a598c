"""The user's own functions: a file imported, a function called, and what their errors say."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import CandidateError
from harness.extras import import_keras

LONGEST = 240
"""Characters of Keras' own words in a message; it prints whole tensors at times."""

MODULE = "harness_candidate_"
"""Before the name that a file of the user's has as a module."""

DEPTH = 20_000
"""Python calls within calls while Keras walks a graph: it does so by recursion, one call a layer."""


def call_function(what: str, folder: Path, default: str, *arguments: Any, **offered: Any) -> Any:
    """Call `file.py:function` of the user's.

    Args:
        what: the file is taken relative to `folder`.
        default: the function's name where none is given.
        offered: handed over where the function has a parameter of that name.

    Raises:
        CandidateError: no such file or function, or it fails; with the line, and the Keras layer that was being built.
    """
    path, _, function = what.partition(":")
    file = (folder / path).resolve()
    if not file.is_file():
        raise CandidateError("no such file", file=file)
    module, function = _import_file(file), function or default
    build: Callable[..., Any] | None = getattr(module, function, None)
    if build is None:
        public = [name for name, value in vars(module).items() if inspect.isfunction(value) and name[0] != "_"]
        raise CandidateError(
            f"has no function {function!r}",
            file=file,
            fix=f"it has {', '.join(public) or 'none'}: give FILE.py:FUNCTION",
        )
    keras = import_keras()
    keras.utils.clear_session(free_memory=False)  # unnamed layers are numbered from the start again
    keras.config.disable_traceback_filtering()  # Keras drops its own frames, and with them which layer it was
    parameters = inspect.signature(build).parameters
    try:
        taken = {key: value for key, value in offered.items() if key in parameters and value is not None}
        with deep_graphs():
            return build(*arguments, **taken)
    except Exception as error:
        raise CandidateError(
            f"{function}() fails: {first_line(error)}",
            file=file,
            line=line_in(error, file),
            layer=_layer_being_built(error),
        ) from error


@contextmanager
def deep_graphs() -> Iterator[None]:
    """Room for Keras' recursion: a chain of 1,000 layers is over Python's own limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def first_line(error: BaseException) -> str:
    """The sentence of an error that says something; Keras begins some with an empty line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    sentence = lines[0] if lines else type(error).__name__
    return sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}…"


def line_in(error: BaseException, file: Path) -> int | None:
    """The last line of the user's file that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _import_file(file: Path) -> ModuleType:
    """A Python file as a module, its folder importable for what stands beside it."""
    name = f"{MODULE}{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CandidateError("is not a Python file", file=file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CandidateError(
            f"cannot be imported: {first_line(error)}", file=file, line=line_in(error, file)
        ) from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _layer_being_built(error: BaseException) -> str | None:
    """The name of the Keras layer that the error came out of; Keras' own message often leaves it out."""
    keras = import_keras()
    name = None
    trace = error.__traceback__
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, keras.layers.Layer) and not isinstance(owner, keras.Model):
            name = str(owner.name)
        trace = trace.tb_next
    return name
