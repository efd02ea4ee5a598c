"""The live Keras model of a plan."""

from __future__ import annotations

from typing import Any

from harness.convert.plan import Plan
from harness.extras import import_keras


def build_model(plan: Plan) -> Any:
    """A `keras.Model` made of the same calls that the source text is written from. Its weights are Keras' initial ones."""
    keras = import_keras()
    inputs = [keras.Input(shape, name=name) for name, shape in plan.inputs]
    tensors: dict[int, Any] = {-1 - index: tensor for index, tensor in enumerate(inputs)}
    for index, step in enumerate(plan.steps):
        named = {"name": step.name} if step.name else {}
        layer = getattr(keras.layers, step.call.class_name)(**step.call.arguments, **named)
        reads = [tensors[read] for read in step.reads]
        tensors[index] = layer(reads[0] if len(reads) == 1 else reads)
    outputs = [tensors[index] for index in plan.outputs]
    # A list of one would be a model that warns when it is called with an array.
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0])
