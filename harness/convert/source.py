"""Keras source text as a person would write it."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from typing import Any

from harness.convert.plan import Plan, Step

WIDTH = 110


def write_source(plan: Plan) -> str:
    """A Python file with `get_model()`: Sequential for a chain, the functional API otherwise."""
    body = _sequential(plan) if plan.sequential else _functional(plan)
    title = f'"""{plan.name}, converted from its Caffe prototxt."""'
    return f"{title}\n\nimport keras\nfrom keras import layers\n\n\n{body}"


def _sequential(plan: Plan) -> str:
    (_, shape), *_ = plan.inputs
    lines = [f"def get_model(input_shape={shape!r}):", "    return keras.Sequential(", "        ["]
    lines.append("            keras.Input(input_shape),")
    for step in plan.steps:
        lines.append(f"            {_call(step)},{_comment(step)}")
    lines += ["        ],", f"        name={_identifier(plan.name)!r},".replace("'", '"'), "    )"]
    return "\n".join(lines) + "\n"


def _functional(plan: Plan) -> str:
    readers = Counter(index for step in plan.steps for index in step.reads) + Counter(plan.outputs)
    names: dict[int, str] = {}
    taken: set[str] = {"x", "keras", "layers"}

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
        names[-1 - index] = fresh(name)
        lines.append(
            f'    {names[-1 - index]} = keras.Input({"input_shape" if single else repr(shape)}, name="{name}")'
        )
    for index, step in enumerate(plan.steps):
        next_reads = plan.steps[index + 1].reads if index + 1 < len(plan.steps) else ()
        passing = readers[index] == 1 and next_reads == (index,)
        names[index] = "x" if passing else fresh(step.name or f"{names[step.reads[0]]}_{step.call.class_name}".lower())
        reads = [names[read] for read in step.reads]
        feeds = reads[0] if len(reads) == 1 else f"[{', '.join(reads)}]"
        lines.append(f"    {names[index]} = {_call(step)}({feeds}){_comment(step)}")
    ends = [names[index] for index in plan.outputs]
    begins = [names[-1 - index] for index in range(len(plan.inputs))]
    lines.append(
        f'    return keras.Model({_one_or_list(begins)}, {_one_or_list(ends)}, name="{_identifier(plan.name)}")'
    )
    return "\n".join(lines) + "\n"


def _call(step: Step) -> str:
    parts = []
    for position, (key, value) in enumerate(step.call.arguments.items()):
        parts.append(_literal(value) if position < step.call.positional else f"{key}={_literal(value)}")
    if step.name is not None:
        parts.append(f'name="{step.name}"')
    return f"layers.{step.call.class_name}({', '.join(parts)})"


def _comment(step: Step) -> str:
    return f"  # {step.call.comment}" if step.call.comment else ""


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _identifier(name: str) -> str:
    name = re.sub(r"\W+", "_", name).strip("_") or "net"
    name = f"_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name
