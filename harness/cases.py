"""case.toml → Case: what a comparison is about, every path resolved, every key known."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cache import write_whole
from harness.data import Case, GoldenSource, InputSource, Size, Tolerance, WeightsSource
from harness.errors import CaseError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "case.toml"

_KEYS: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "name",
            "prototxt",
            "python_layers",
            "keras",
            "keras_weights",
            "weights",
            "input",
            "golden",
            "names",
            "tolerance",
            "palette",
        }
    ),
    "weights": frozenset({"caffemodel", "url", "sha256", "seed", "synthetic"}),
    "input": frozenset({"image", "array", "seed", "mean_bgr", "scale", "margin", "size", "preprocess"}),
    "golden": frozenset({"url", "sha256"}),
    "tolerance": frozenset({"atol", "rtol"}),
}


def read_case(path: Path) -> Case:
    """Read a case.toml, or the one in a folder.

    Raises:
        CaseError: not TOML, an unknown key, a value of the wrong kind, a missing file, a contradiction.
    """
    file = path / FILE if path.is_dir() else path
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CaseError("no such file", file=file, fix="harness models lists the cases at hand") from None
    except UnicodeDecodeError:
        raise CaseError("is not UTF-8 text", file=file) from None
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"is not TOML: {error}", file=file) from None
    return _Reader(file).case(table)


def find_case(what: str, roots: list[Path]) -> Case:
    """A case by name, by folder or by file, with an optional size: `NAME@437x437`.

    Args:
        roots: folders that hold cases by name.

    Raises:
        UsageError: there is none of that name; the message lists those at hand.
    """
    name, _, size = what.partition("@")
    case = None
    for folder in (Path(name), *(root / name for root in roots)):
        if (folder / FILE).is_file() or (folder.is_file() and folder.suffix == ".toml"):
            case = read_case(folder)
            break
    if case is None:
        known = list_cases(roots)
        near = difflib.get_close_matches(name, known, 1)
        raise UsageError(
            f"no case {name!r}",
            fix=(f"did you mean {near[0]!r}? " if near else "") + f"at hand are {', '.join(known) or 'none'}",
        )
    return with_size(case, parse_size(size)) if size else case


def list_cases(roots: list[Path]) -> list[str]:
    """The names of the cases in some folders."""
    return sorted({file.parent.name for root in roots for file in root.glob(f"*/{FILE}")})


def parse_size(text: str) -> Size:
    """`437x437`, `852×1640` or `1x28x28` → (channels,) height, width. Raises UsageError."""
    found = re.fullmatch(r"(?:(\d+)[x×])?(\d+)[x×](\d+)", text)
    edges = tuple(int(edge) for edge in found.groups() if edge is not None) if found else (0,)
    if 0 in edges:
        raise UsageError(f"{text!r} is not a size", fix="write height x width: 437x437")
    return edges  # type: ignore[return-value]


def write_names(file: Path, names: Mapping[str, str]) -> None:
    """Add pairs to a case's [names], Caffe layer = Keras layer; all else in the file stays as it is written.

    Raises:
        CaseError: the file cannot be written, or its names stand in a form that cannot be added to.
    """
    if not names:
        return
    lines = [
        f"{json.dumps(caffe, ensure_ascii=False)} = {json.dumps(keras, ensure_ascii=False)}"
        for caffe, keras in names.items()
    ]
    text = file.read_text(encoding="utf-8")
    header = re.search(r"^[ \t]*\[[ \t]*names[ \t]*\][^\n]*\n?", text, re.MULTILINE)
    if header:
        before, after = text[: header.end()], text[header.end() :]
        text = before + ("" if before.endswith("\n") else "\n") + "\n".join(lines) + "\n" + after
    else:
        text = text.rstrip("\n") + "\n\n[names]\n" + "\n".join(lines) + "\n"
    try:
        added = tomllib.loads(text)["names"]
    except tomllib.TOMLDecodeError:
        added = {}
    if any(added.get(caffe) != keras for caffe, keras in names.items()):
        raise CaseError("its names cannot be added to", file=file, fix="write them in a section [names]")
    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise CaseError(f"cannot be written: {error.strerror}", file=file) from error


def with_size(case: Case, size: Size) -> Case:
    """The case at another input size."""
    asked = None if size == case.input.size else size
    return replace(case, input=replace(case.input, size=size), asked_size=asked)


class _Reader:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.folder = file.parent.resolve()

    def case(self, table: Mapping[str, Any]) -> Case:
        self._known(table, "")
        name = self._get(table, "name", str, self.folder.name)
        prototxt = self._file(self._get(table, "prototxt", str, "deploy.prototxt"), "prototxt")
        weights = self._section(table, "weights")
        source = WeightsSource(
            caffemodel=self._optional_file(weights, "caffemodel"),
            url=self._get(weights, "url", str, None),
            sha256=self._get(weights, "sha256", str, None),
            seed=self._get(weights, "seed", int, None),
            synthetic=self._get(weights, "synthetic", bool, False),
        )
        if source.caffemodel is None and source.url is None and source.seed is None:
            raise CaseError(
                "[weights] has none of caffemodel, url and seed", file=self.file, fix="write one, as seed = 0"
            )
        self._known(self._section(table, "golden"), "golden")
        if source.seed is not None and (source.caffemodel or source.url):
            raise CaseError("[weights] has a seed beside a caffemodel", file=self.file, fix="keep one of the two")
        return Case(
            name=name,
            folder=self.folder,
            file=self.file.resolve(),
            prototxt=prototxt,
            keras=self._get(table, "keras", str, "auto"),
            keras_weights=self._get(table, "keras_weights", str, None),
            weights=source,
            input=self._input(self._section(table, "input")),
            names=self._strings(table, "names"),
            tolerance=self._tolerance(self._section(table, "tolerance")),
            golden=self._golden(self._section(table, "golden")),
            python_layers=self._folder(table, "python_layers"),
            palette=tuple(tuple(colour) for colour in self._get(table, "palette", list, [])),
        )

    def _input(self, table: Mapping[str, Any]) -> InputSource:
        self._known(table, "input")
        given = [key for key in ("image", "array", "seed") if key in table]
        if len(given) > 1:
            raise CaseError(f"[input] has {' and '.join(given)}", file=self.file, fix="keep one of them")
        mean = self._get(table, "mean_bgr", list, [0.0, 0.0, 0.0])
        size = self._get(table, "size", list, None)
        if len(mean) != 3 or (size is not None and len(size) not in (2, 3)):
            raise CaseError(
                "[input] mean_bgr takes three numbers, size two (height, width) or three (channels before)",
                file=self.file,
                fix="mean_bgr = [102.93, 111.36, 116.52], size = [900, 900]",
            )
        return InputSource(
            image=self._optional_file(table, "image"),
            array=self._array(table),
            seed=self._get(table, "seed", int, None if given else 0),
            mean_bgr=(float(mean[0]), float(mean[1]), float(mean[2])),
            scale=float(self._get(table, "scale", (int, float), 1.0)),
            margin=self._get(table, "margin", int, 0),
            size=tuple(map(int, size)) if size else None,  # type: ignore[arg-type]
            preprocess=self._get(table, "preprocess", str, None),
        )

    def _array(self, table: Mapping[str, Any]) -> Path | dict[str, Path] | None:
        """One file, or a table of one for each input of the net."""
        if not isinstance(table.get("array"), Mapping):
            return self._optional_file(table, "array")
        return {name: self._file(file, f"array.{name}") for name, file in self._strings(table, "array").items()}

    def _golden(self, table: Mapping[str, Any]) -> GoldenSource | None:
        if not table:
            return None
        if set(table) != {"url", "sha256"}:
            raise CaseError("[golden] needs both url and sha256", file=self.file, fix='add sha256 = "…" of the zip')
        return GoldenSource(self._get(table, "url", str, ""), self._get(table, "sha256", str, ""))

    def _tolerance(self, table: Mapping[str, Any]) -> dict[str, Tolerance]:
        limits = {}
        for layer, values in table.items():
            if not isinstance(values, Mapping):
                raise CaseError(f'[tolerance."{layer}"] is not a table', file=self.file, fix="write atol = 1e-6 in it")
            self._known(values, "tolerance")
            limits[layer] = Tolerance(float(values.get("atol", 0.0)), float(values.get("rtol", 0.0)))
        return limits

    def _strings(self, table: Mapping[str, Any], key: str) -> dict[str, str]:
        values = self._section(table, key)
        for name, value in values.items():
            if not isinstance(value, str):
                raise CaseError(f"[{key}] {name!r} is not a text", file=self.file)
        return dict(values)

    def _section(self, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        section = self._get(table, key, dict, {})
        if key == "weights":
            self._known(section, key)
        return section  # type: ignore[no-any-return]

    def _get(self, table: Mapping[str, Any], key: str, kind: Any, default: Any) -> Any:
        if key not in table:
            return default
        value = table[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            wanted = kind.__name__ if isinstance(kind, type) else "number"
            raise CaseError(f"{key} is {value!r}, not a {wanted}", file=self.file)
        return value

    def _known(self, table: Mapping[str, Any], section: str) -> None:
        for key in table:
            if key not in _KEYS[section]:
                near = difflib.get_close_matches(key, _KEYS[section], 1)
                where = f"[{section}] " if section else ""
                raise CaseError(
                    f"{where}has no key {key!r}",
                    file=self.file,
                    fix=f"did you mean {near[0]!r}?" if near else f"keys are {', '.join(sorted(_KEYS[section]))}",
                )

    def _optional_file(self, table: Mapping[str, Any], key: str) -> Path | None:
        value = self._get(table, key, str, None)
        return None if value is None else self._file(value, key)

    def _folder(self, table: Mapping[str, Any], key: str) -> Path | None:
        value = self._get(table, key, str, None)
        path = None if value is None else (self.folder / value).resolve()
        if path is not None and not path.is_dir():
            raise CaseError(
                f"{key} = {value!r}: no such folder", file=self.file, fix=f"paths are relative to {self.folder.name}/"
            )
        return path

    def _file(self, value: str, key: str) -> Path:
        path = (self.folder / value).resolve()
        if not path.is_file():
            raise CaseError(
                f"{key} = {value!r}: no such file", file=self.file, fix=f"paths are relative to {self.folder.name}/"
            )
        return path
