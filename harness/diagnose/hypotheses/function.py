"""Another function in its place: the activation, or the kind of pooling."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import in_parameters
from harness.layers import layer_type
from harness.layers.pools import AVE, MAX
from harness.mapping import activation_of


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras layer's activation and class against what Caffe has there."""
    node, layer = clues.main, clues.pair.layer
    if node is None:
        return
    yield from _activation(clues)
    if layer.type == "Pooling":
        kind = "Max" if layer.parameters.pooling_param.pool == MAX else "Average"
        other = "Average" if kind == "Max" else "Max"
        if other in node.class_name:
            yield Suspicion(
                "pooling.mode",
                f"Keras takes {node.class_name}, Caffe {'the largest' if kind == 'Max' else 'the mean'}",
                f"{layer.name}: pool: {'MAX' if kind == 'Max' else 'AVE'} in the prototxt, {node.class_name} in Keras",
                node.class_name.replace(other, kind),
                node.name,
                stated=True,
                mistake=in_parameters("pooling_param", pool=AVE if kind == "Max" else MAX),
            )


def _activation(clues: Clues) -> Iterator[Suspicion]:
    node, caffe = clues.main, clues.pair.caffe
    if node is None or node.class_name in ("Activation", "ReLU", "LeakyReLU", "Softmax"):
        return
    theirs = activation_of(node)
    ours = layer_type(caffe[1]).fuses if len(caffe) > 1 else ()
    if theirs is not None and not ours:
        yield Suspicion(
            "activation.extra",
            f'Keras applies "{theirs}", Caffe nothing',
            f"no layer of the prototxt follows {caffe[0].name} that {theirs} could stand for",
            f'no activation="{theirs}"',
            node.name,
            stated=True,
            edits={node.name: {"activation": "linear"}},
        )
    elif theirs is not None and theirs not in ours:
        yield Suspicion(
            "activation.kind",
            f'Keras applies "{theirs}", Caffe {caffe[1].type}',
            f"{caffe[1].name} is a {caffe[1].type}",
            f'activation="{ours[0]}"',
            node.name,
            stated=True,
            edits={node.name: {"activation": ours[0]}},
        )
