"""The Keras layers that a Caffe net becomes, as data: both the source text and the live model are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.data import Layer, Network, Shape, Top
from harness.layers import layer_type
from harness.layers.base import KerasCall, keras_name
from harness.layers.shapes import infer_shapes, refusals_in
from harness.layout import last_shape

FUSIBLE = frozenset({"Conv2D", "DepthwiseConv2D", "Dense", "Conv2DTranspose"})


@dataclass(frozen=True)
class Step:
    """One Keras layer in its place: what it is, its name if it has one, and the steps (or inputs) it reads."""

    call: KerasCall
    name: str | None
    reads: tuple[int, ...]  # indices into Plan.steps; −1 − i is input i


@dataclass(frozen=True)
class Plan:
    """The Keras model, channels last."""

    name: str
    inputs: tuple[tuple[str, Shape], ...]  # name → H, W, C
    steps: tuple[Step, ...] = field(default_factory=tuple)
    outputs: tuple[int, ...] = ()

    @property
    def sequential(self) -> bool:
        """True if every layer reads just the one before it."""
        chain = all(step.reads == (index - 1,) for index, step in enumerate(self.steps))
        return chain and len(self.inputs) == 1 and self.outputs == (len(self.steps) - 1,)


def plan(network: Network) -> Plan:
    """Lay out the Keras layers of a net.

    Raises:
        UnsupportedError: a layer that Keras cannot express; it names the layer, its line and what to add.
    """
    shapes = infer_shapes(network)
    inputs = list(network.inputs)
    holds: dict[Top, int] = {top: -1 - index for index, top in enumerate(inputs)}
    steps: list[Step] = []
    for layer in network.layers:
        with refusals_in(network):
            calls = layer_type(layer).keras_calls(layer, [shapes[bottom] for bottom in layer.bottoms])
        reads = tuple(holds[bottom] for bottom in layer.bottoms)
        if _fuses(layer, network, steps, holds, reads):
            before = steps[reads[0]]
            fused = {**before.call.arguments, "activation": layer_type(layer).fuses[0]}
            steps[reads[0]] = replace(before, call=replace(before.call, arguments=fused))
        else:
            for call in calls:
                steps.append(Step(call, keras_name(layer.name) if call.main else None, reads))
                reads = (len(steps) - 1,)
        for top in layer.tops:
            if layer.type != "Input":
                holds[top] = reads[0]
    named = tuple((keras_name(top.blob), _without_batch(shapes[top])) for top in inputs)
    return Plan(network.name or "net", named, tuple(steps), _outputs(network, holds))


def _fuses(layer: Layer, network: Network, steps: list[Step], holds: Mapping[Top, int], reads: tuple[int, ...]) -> bool:
    """True if the layer can be the `activation` of the one before, which nobody else reads without it."""
    if layer.type != "ReLU" or layer.parameters.relu_param.negative_slope or reads[0] < 0:
        return False
    call = steps[reads[0]].call
    return (
        call.class_name in FUSIBLE
        and call.main
        and "activation" not in call.arguments
        and len(network.consumers(layer.bottoms[0])) == 1
        and _is_sole_reader(network, holds, reads[0])
    )


def _is_sole_reader(network: Network, holds: Mapping[Top, int], step: int) -> bool:
    """True if one layer alone reads a step, Splits looked through, and it is no output as it stands."""
    tops = [top for top, index in holds.items() if index == step]
    readers = [layer for layer in network.layers if layer.type != "Split" and any(top in layer.bottoms for top in tops)]
    return len(readers) == 1 and all(network.consumers(top) for top in tops)


def _outputs(network: Network, holds: Mapping[Top, int]) -> tuple[int, ...]:
    """The tops that nobody reads and nobody overwrites, in the order of execution."""
    read = {bottom for layer in network.layers for bottom in layer.bottoms}
    left = [top for layer in network.layers for top in layer.tops if top not in read and layer.type != "Input"]
    return tuple(holds[top] for top in left)


def _without_batch(shape: Shape) -> Shape:
    return last_shape(shape)[1:]
