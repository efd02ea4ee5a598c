"""Keras source text as a person would write it."""

from __future__ import annotations

import json
import keyword
import re
from collections import Counter
from typing import Any

from harness.convert.plan import Plan, Ref, Step
from harness.layers.base import KerasCall

WIDTH = 120


def write_source(plan: Plan) -> str:
    """A Python file with `get_model()`: Sequential for a chain, the functional API otherwise; formatted as ruff would."""
    body = _sequential(plan) if plan.sequential else _functional(plan)
    title = re.sub(r'[\\"\x00-\x1f\x7f]', "_", plan.name)  # a name must not be able to end the docstring
    custom = sorted({step.call.class_name for step in plan.steps if step.call.custom})
    own = "\n" + _import("harness.keras_layers", custom) if custom else ""
    stock = "from keras import layers\n" if any(not step.call.custom for step in plan.steps) else ""
    return f'"""{title}, converted from its Caffe prototxt."""\n\nimport keras\n{stock}{own}\n\n{body}'


def write_call(call: KerasCall, name: str | None = None) -> str:
    """One Keras layer as a person would write it, on one line: `layers.ReLU(name="relu1")`."""
    step = Step(call, name, ())
    return f"{_class(step)}({', '.join(_arguments(step))})"


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return f"{line}\n"
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"]) + "\n"


def _sequential(plan: Plan) -> str:
    (_, shape), *_ = plan.inputs
    lines = [f"def get_model(input_shape={shape!r}):", "    return keras.Sequential(", "        ["]
    lines.append("            keras.Input(input_shape),")
    for step in plan.steps:
        lines += _commented(step, _fitted(" " * 12, _class(step), _arguments(step), ","))
    lines += ["        ],", f"        name={_literal(_identifier(plan.name))},", "    )"]
    return "\n".join(lines) + "\n"


def _class(step: Step) -> str:
    return step.call.class_name if step.call.custom else f"layers.{step.call.class_name}"


def _functional(plan: Plan) -> str:
    readers = Counter(ref for step in plan.steps for ref in step.reads) + Counter(plan.outputs)
    names: dict[Ref, str] = {}
    taken: set[str] = {"x", "keras", "layers", "input_shape", "get_model", "_"}
    taken |= {step.call.class_name for step in plan.steps if step.call.custom}

    def fresh(name: str) -> str:
        name = _identifier(name)
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    single = len(plan.inputs) == 1
    arguments = f"input_shape={plan.inputs[0][1]!r}" if single else ""
    lines = [f"def get_model({arguments}):"]
    for index, (name, shape) in enumerate(plan.inputs):
        names[Ref(-1 - index)] = fresh(name)
        given = ["input_shape" if single else repr(shape), f"name={_literal(name)}"]
        lines += _fitted("    ", f"{names[Ref(-1 - index)]} = keras.Input", given)
    called_again = {step.shares: "" for step in plan.steps if step.shares is not None}
    for index, step in enumerate(plan.steps):
        next_reads = plan.steps[index + 1].reads if index + 1 < len(plan.steps) else ()
        own = [Ref(index, position) for position in range(step.outputs)]
        for ref in own:
            passing = step.outputs == 1 and readers[ref] == 1 and next_reads == (ref,)
            stem = step.name or f"{names[step.reads[0]]}_{step.call.class_name}".lower()
            unread = step.outputs > 1 and not readers[ref]
            number = f"_{ref.output + 1}" if step.outputs > 1 else ""
            names[ref] = "x" if passing else "_" if unread else fresh(f"{stem}{number}")
        reads = [names[read] for read in step.reads]
        left = ", ".join(names[ref] for ref in own)
        if index in called_again:
            called_again[index] = fresh(f"{step.name}_layer")
            made = _fitted("    ", f"{called_again[index]} = {_class(step)}", _arguments(step))
            lines += [*_commented(step, made), f"    {left} = {called_again[index]}({_one_or_list(reads)})"]
        elif step.shares is not None:
            lines.append(f"    {left} = {called_again[step.shares]}({_one_or_list(reads)})")
        else:
            lines += _commented(step, _applied(f"{left} = {_class(step)}", step, _one_or_list(reads)))
    ends = [names[ref] for ref in plan.outputs]
    begins = [names[Ref(-1 - index)] for index in range(len(plan.inputs))]
    given = [_one_or_list(begins), _one_or_list(ends), f"name={_literal(_identifier(plan.name))}"]
    lines += _fitted("    ", "return keras.Model", given)
    return "\n".join(lines) + "\n"


def _applied(layer: str, step: Step, feeds: str) -> list[str]:
    """A layer applied to what it reads; broken at the last brackets first, as ruff does."""
    head = f"{layer}({', '.join(_arguments(step))})"
    if len(f"    {head}(") <= WIDTH:
        return _fitted("    ", head, [feeds])
    return _fitted("    ", layer, _arguments(step), f"({feeds})")


def _arguments(step: Step) -> list[str]:
    parts = []
    for position, (key, value) in enumerate(step.call.arguments.items()):
        parts.append(_literal(value) if position < step.call.positional else f"{key}={_literal(value)}")
    if step.name is not None:
        parts.append(f"name={_literal(step.name)}")
    return parts


def _fitted(indent: str, function: str, arguments: list[str], end: str = "") -> list[str]:
    """A call on one line, else its arguments on a line of their own, else each on its own."""
    inner = f"{indent}    "
    whole = f"{indent}{function}({', '.join(arguments)}){end}"
    if len(whole) <= WIDTH or not arguments:
        return [whole]
    together = f"{inner}{', '.join(arguments)}"
    if len(together) <= WIDTH:
        return [f"{indent}{function}(", together, f"{indent}){end}"]
    comma = "," if len(arguments) > 1 else ""
    broken = [line for argument in arguments for line in _broken(inner, argument, comma)]
    return [f"{indent}{function}(", *broken, f"{indent}){end}"]


def _broken(indent: str, argument: str, comma: str) -> list[str]:
    """An argument on a line of its own; a list of names that is too long for one has a line for each."""
    whole = f"{indent}{argument}{comma}"
    if len(whole) <= WIDTH or not argument.startswith("["):
        return [whole]
    names = argument[1:-1].split(", ")
    return [f"{indent}[", *(f"{indent}    {name}," for name in names), f"{indent}]{comma}"]


def _commented(step: Step, lines: list[str]) -> list[str]:
    """A short comment behind the call, a long one above it."""
    if not step.call.comment:
        return lines
    behind = f"{lines[0]}  # {step.call.comment}"
    if len(lines) == 1 and len(behind) <= WIDTH:
        return [behind]
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return [f"{indent}# {step.call.comment}", *lines]


def _literal(value: Any) -> str:
    """A value as source text, a text in the quotes that need no escapes."""
    if not isinstance(value, str):
        return repr(value)
    single = '"' in value and "'" not in value
    return repr(value) if single else json.dumps(value)


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _identifier(name: str) -> str:
    name = re.sub(r"\W+", "_", name).strip("_") or "net"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name
