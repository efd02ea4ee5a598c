"""What was taken apart, run once against what it was taken from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.data import Shape
from harness.engines.keras.calls import run_calls
from harness.engines.keras.functions import first_line
from harness.engines.keras.segment import same
from harness.engines.keras.trace import Trace, as_arguments
from harness.errors import CandidateError
from harness.extras import import_keras

FREE = (64, 256)
"""Pixels along an axis that is not fixed; the second where the first is too few."""


def seeded_inputs(symbols: Sequence[Any], input_shape: Shape | None, free: int) -> list[np.ndarray]:
    """Normal numbers from a seed, one image; where whole numbers are declared, zeros and ones.

    Args:
        symbols: shapes and types. Axes that are not fixed become those of `input_shape`, else `free` long.
    """
    rng = np.random.default_rng(0)
    arrays = []
    for symbol in symbols:
        batch, *rest = symbol.shape
        known = input_shape if input_shape is not None and len(input_shape) == len(rest) else (free,) * len(rest)
        shape = (batch or 1, *(own if size is None else size for size, own in zip(rest, known, strict=True)))
        array = rng.normal(size=shape) if "float" in symbol.dtype else rng.integers(0, 2, size=shape)
        arrays.append(array.astype(symbol.dtype))
    return arrays


def prove_trace(traced: Trace, model: Any, source: str, input_shape: Shape | None) -> None:
    """Run the recorded calls and the model itself; needed where code of the user's was run to record them.

    A model that depends on chance is not held to its numbers.

    Raises:
        CandidateError: they differ, or the model cannot be run.
    """
    keras = import_keras()
    symbols = [traced.tensors[number] for number in traced.graph.inputs]
    problem: Exception | None = None
    learns = any(node.arguments.get("training") is True for node in traced.graph.nodes)
    before = [(one, np.array(one)) for one in model.non_trainable_weights] if learns else []
    for free in FREE:
        feeds = [keras.ops.convert_to_tensor(one) for one in seeded_inputs(symbols, input_shape, free)]
        try:
            made = run_calls(traced.calls, dict(zip(traced.graph.inputs, feeds, strict=True)), traced.graph.outputs)
            recorded = [np.asarray(made[number]) for number in traced.graph.outputs]
            itself = _outputs(model, feeds)
            if _agree(itself, recorded) or not _agree(itself, _outputs(model, feeds)):
                return
        except Exception as error:
            problem = error
            continue
        finally:
            for variable, value in before:
                variable.assign(value)
        raise CandidateError(
            f"{source} gives a model whose layers' recorded calls compute something else than the model itself",
            fix="its call() must do the same for every input: no branching on values, on chance or on the kind of tensor",
        )
    raise CandidateError(
        f"{source} gives a model that cannot be run: {first_line(problem or ValueError('no input'))}",
        fix="give it an input of a fixed shape, or an argument input_shape",
    ) from problem


def _agree(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))


def _outputs(model: Any, feeds: Sequence[Any]) -> list[np.ndarray]:
    outputs = model(*as_arguments(model, feeds))
    return [np.asarray(one) for one in import_keras().tree.flatten(outputs)]
