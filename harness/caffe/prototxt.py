"""Prototxt files: the net as a message, the line of each layer, and errors that say where and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from google.protobuf import text_format

from harness.caffe import impostors
from harness.caffe.caffe_pb2 import DESCRIPTOR, LayerParameter, NetParameter, V1LayerParameter
from harness.errors import PrototxtError

MAX_BYTES = 16 * 2**20  # the largest public prototxts stay under 1 MiB
MAX_DEPTH = 64  # the schema itself nests six deep; beyond is an attack on the parser's stack

_PACKAGE = DESCRIPTOR.package + "."


@dataclass(frozen=True)
class Prototxt:
    """A net as its file states it, and where in the file its parts begin."""

    path: Path
    net: NetParameter
    lines: tuple[int | None, ...]  # of each `layer` (of each `layers`, in a net of an old format)
    input_line: int | None = None  # of the first `input:`


def read_prototxt(path: Path | str) -> NetParameter:
    """The net that a prototxt states, in whatever format it is written.

    Raises:
        PrototxtError: the file is missing or is no prototxt that Caffe would read.
    """
    return parse_prototxt(path).net


def parse_prototxt(path: Path | str) -> Prototxt:
    """The net that a prototxt states, with the lines of its layers.

    Raises:
        PrototxtError: the file is missing or is no prototxt that Caffe would read.
    """
    path = Path(path)
    text = _read(path)
    outline = _outline(text)
    if outline.too_deep is not None:
        raise PrototxtError(
            f"more than {MAX_DEPTH} blocks inside each other",
            file=path,
            line=outline.too_deep,
            fix="close the blocks before it with }",
        )
    if outline.bad_escape is not None:
        raise PrototxtError(
            "a text holds a backslash that begins no escape sequence",
            file=path,
            line=outline.bad_escape,
            fix=r"write \\ for a backslash",
        )
    net = NetParameter()
    try:
        text_format.Parse(text, net)
    except text_format.ParseError as error:
        raise _explain(error, text, outline, path) from None
    except (ValueError, RecursionError) as error:
        raise PrototxtError(f"cannot be read: {error}", file=path) from error
    if net.layer and net.layers:
        raise PrototxtError(
            "mixes `layer { }` with `layers { }` of the old format, where Caffe drops every `layer`",
            file=path,
            line=outline.line_of("layers"),
            fix='write all of them as layer { type: "Convolution" … }',
        )
    prototxt = Prototxt(
        path, net, outline.lines_of("layers", len(net.layers)) or outline.lines_of("layer", len(net.layer)),
        input_line=outline.line_of("input"),
    )  # fmt: skip
    incomplete = cast(Any, net).FindInitializationErrors()  # public, but not in the stubs
    if incomplete:
        raise _missing_field(incomplete[0], prototxt)
    return prototxt


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PrototxtError(f"cannot be read: {error.strerror or error}", file=path) from error
    impostor = impostors.recognise(raw[:1024])
    if impostor:
        raise PrototxtError(impostor.is_, file=path, fix=impostor.fix)
    if b"\0" in raw:
        raise PrototxtError(
            "is not text",
            file=path,
            line=raw.count(b"\n", 0, raw.index(b"\0")) + 1,
            fix="give the prototxt here; a caffemodel holds the weights only",
        )
    if len(raw) > MAX_BYTES:
        raise PrototxtError(
            f"is larger than {MAX_BYTES >> 20} MiB; a prototxt states the layers, not their weights", file=path
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # comments in old encodings are common, and Caffe does not mind them


# ------------------------------------------------------------------------------------------------------- outline

_TOKEN = re.compile(r"""\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_]\w*|[{}<>\[\]\n]""")
_ESCAPE = re.compile(
    r"""\\(?:[abfnrtv\\'"]|[0-3]?[0-7]{1,2}|[xX][0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|[^\\]"""
)
_CLOSING = {"}": "{", ">": "<", "]": "["}


@dataclass
class _Outline:
    """What can be said of a prototxt without knowing its fields: where words stand and whether blocks close."""

    words: dict[str, list[int]] = field(default_factory=dict)  # lines of each word outside all blocks
    unclosed: list[int] = field(default_factory=list)  # lines of blocks that never close, outermost first
    stray: int | None = None  # line of the first bracket that closes nothing
    too_deep: int | None = None
    bad_escape: int | None = None  # protobuf lets it pass in Python and refuses it in C++, hence in Caffe

    def line_of(self, word: str) -> int | None:
        return next(iter(self.words.get(word, ())), None)

    def lines_of(self, word: str, count: int) -> tuple[int | None, ...]:
        """The lines of `count` blocks; unknown where the file uses protobuf's list syntax."""
        lines = self.words.get(word, [])
        return tuple(lines) if len(lines) == count else (None,) * count


def _outline(text: str) -> _Outline:
    outline = _Outline()
    line = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "\n":
            line += 1
        elif token in "{<[":
            outline.unclosed.append(line)
            if len(outline.unclosed) > MAX_DEPTH:
                outline.too_deep = line
                break
        elif token in _CLOSING:
            if outline.unclosed:
                outline.unclosed.pop()
            elif outline.stray is None:
                outline.stray = line
        elif token[0] in "\"'":
            if "\\" in token and outline.bad_escape is None and _ESCAPE.sub("", token):
                outline.bad_escape = line
        elif not outline.unclosed and (token[0].isalpha() or token[0] == "_"):
            outline.words.setdefault(token, []).append(line)
    return outline


# -------------------------------------------------------------------------------------------------------- errors

_NO_FIELD = re.compile(r'Message type "(?P<type>[\w.]+)" has no field named "(?P<name>[^"]*)"')
_NO_VALUE = re.compile(r'Enum type "(?P<type>[\w.]+)" has no value (?:named|with number) (?P<name>"?[^".]*"?)\.')
_TWICE = re.compile(r'Message type "(?P<type>[\w.]+)" should not have multiple "(?P<name>\w+)" fields')
_NO_STRING = re.compile(r"Expected string but found: '(?P<found>.*)'")
_SOLVER_FIELDS = frozenset(("net", "train_net", "test_net", "base_lr", "lr_policy", "test_iter", "solver_mode"))

_FORKS = {
    ("PoolingParameter", "ceil_mode"): "a fork's; ceil_mode: false is round_mode: FLOOR, true what Caffe does anyway",
    ("ConvolutionParameter", "hole"): "a fork's name for it; write dilation",
    ("ConvolutionParameter", "hole_h"): "a fork's; write dilation twice, the one of the rows first",
    ("BNParameter", "slope_filler"): "this is PSPNet's BN, not SegNet's; write it as BatchNorm and Scale, weights too",
    ("BNParameter", "frozen"): "this is PSPNet's BN, not SegNet's; write it as BatchNorm and Scale, weights too",
}
"""Fields of forks that mean something at inference, and so cannot be passed over."""


def _explain(error: text_format.ParseError, text: str, outline: _Outline, path: Path) -> PrototxtError:
    line, column = error.GetLine(), error.GetColumn()
    message = re.sub(r"^\d+:\d+ : ", "", str(error))
    source = text.split("\n")[line - 1] if line else ""
    message = message.removeprefix(f"'{source}': ")

    no_field = _NO_FIELD.search(message)
    next_layer = no_field and no_field["name"] in ("layer", "layers") and no_field["type"] != _PACKAGE + "NetParameter"
    if outline.unclosed and (next_layer or message.startswith('Expected "}"')):
        where = f"before line {line}, where the next layer begins" if next_layer else "at the end of the file"
        return PrototxtError(
            "this block is never closed", file=path, line=outline.unclosed[-1], fix=f"write }} {where}"
        )
    if outline.stray is not None and outline.stray == line and re.search(r"got [}>\]]", message):
        return PrototxtError(
            "closes a block that was never opened", file=path, line=line, column=column, fix="leave it out"
        )

    fix: str | None = None
    if no_field:
        message, fix = _explain_field(no_field["type"].removeprefix(_PACKAGE), no_field["name"])
    elif match := _NO_VALUE.search(message):
        message, fix = _explain_value(match["type"], match["name"])
    elif match := _TWICE.search(message):
        message = f"{match['name']!r} is given twice in this {match['type'].removeprefix(_PACKAGE)}"
        fix = "keep one of them"
    elif match := _NO_STRING.search(message):
        found = match["found"]
        message = f"expected a text in quotes, found {found}"
        fix = f'write "{found}"'
        if found in V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_name:
            fix = "types in capitals belong to the old format, layers { }; in layer { } write its name in quotes"
    elif source[(column or 1) - 1 :].startswith("/"):
        message, fix = "text format has no // or /* comments", "begin a comment with #"
    return PrototxtError(message.replace(_PACKAGE, "").rstrip("."), file=path, line=line, column=column, fix=fix)


def _explain_field(message_type: str, name: str) -> tuple[str, str | None]:
    known = DESCRIPTOR.message_types_by_name[message_type].fields_by_name
    message = f"{message_type} has no field {name!r}"
    if (message_type, name) in _FORKS:
        return message, _FORKS[message_type, name]
    # The common ending would make every two of them look alike.
    meant = nearest(name.removesuffix("_param"), (field.removesuffix("_param") for field in known))
    if meant and meant not in known:
        meant += "_param"
    owners = [] if message_type == "NetParameter" else _owners(name)
    if owners and not (meant and meant.lower() == name.lower()):
        return message, f"it belongs inside {' or '.join(f'{owner} {{ }}' for owner in owners)}"
    if meant:
        return message, f"did you mean {meant!r}?"
    if message_type == "NetParameter" and name in _SOLVER_FIELDS:
        return message, "this is a solver's file; give the net's prototxt that it names"
    choice = f", or use one of {', '.join(sorted(known))}" if len(known) <= 20 else ""
    return message, f"Caffe 1.0 does not know it (a fork may); leave it out{choice}"


def _owners(name: str) -> list[str]:
    """The parameter blocks of a layer that have a field of this name."""
    return [
        block.name
        for block in LayerParameter.DESCRIPTOR.fields
        if block.message_type and block.name.endswith("_param") and name in block.message_type.fields_by_name
    ][:3]


def _explain_value(enum_type: str, name: str) -> tuple[str, str | None]:
    values = [value.name for value in DESCRIPTOR.pool.FindEnumTypeByName(enum_type).values]
    message = f"{enum_type.rsplit('.', 1)[-1]} has no value {name.strip(chr(34))!r}"
    if name.startswith('"'):
        bare = name.strip('"')
        if bare in values:
            return f"{bare} stands in quotes", f"write {bare} without quotes"
        if enum_type.endswith("LayerType"):
            return message, f"write layer {{ type: {name} }} in place of layers {{ }}, or a type in capitals"
        name = bare
    meant = nearest(name, values)
    return message, f"did you mean {meant}?" if meant else f"one of {', '.join(values)}"


def _missing_field(where: str, prototxt: Prototxt) -> PrototxtError:
    """The error for a required field, from protobuf's address of it: `layer[3].clip_param.min`."""
    match = re.match(r"layers?\[(\d+)\]\.", where)
    address: Mapping[str, Any] = {}
    if match:
        index = int(match[1])
        layers: Any = prototxt.net.layer or prototxt.net.layers
        address = {"line": prototxt.lines[index], "layer": layers[index].name}
        where = where[match.end() :]
    return PrototxtError(f"{where} is required", file=prototxt.path, fix=f"give {where}", **address)
