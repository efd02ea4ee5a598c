"""The live Keras model of a plan."""

from __future__ import annotations

from typing import Any

from harness.convert.plan import Plan, Ref
from harness.extras import import_keras, import_keras_layers
from harness.layers.base import KerasCall


def build_model(plan: Plan) -> Any:
    """A `keras.Model` made of the same calls that the source text is written from. Its weights are Keras' initial ones."""
    keras = import_keras()
    inputs = [keras.Input(shape, name=name) for name, shape in plan.inputs]
    tensors: dict[Ref, Any] = {Ref(-1 - index): tensor for index, tensor in enumerate(inputs)}
    layers: dict[int, Any] = {}
    for index, step in enumerate(plan.steps):
        named = {"name": step.name} if step.name else {}
        if step.shares is None:
            layers[index] = layer_class(step.call)(**step.call.arguments, **named)
        layer = layers[index if step.shares is None else step.shares]
        reads = [tensors[read] for read in step.reads]
        made = layer(reads[0] if len(reads) == 1 else reads)
        for position, tensor in enumerate(made if isinstance(made, (list, tuple)) else [made]):
            tensors[Ref(index, position)] = tensor
    outputs = [tensors[ref] for ref in plan.outputs]
    # A list of one would be a model that warns when it is called with an array.
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0])


def layer_class(call: KerasCall) -> Any:
    """The class of a call: Keras' own, or one of the harness' layers."""
    if call.custom:
        return getattr(import_keras_layers(), call.class_name)
    return getattr(import_keras().layers, call.class_name)
