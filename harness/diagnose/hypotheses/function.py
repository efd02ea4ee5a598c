"""Another activation in its place."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnose.clues import Clues, Suspicion
from harness.layers import layer_type
from harness.mapping import activation_of


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras layer's activation against what Caffe has there."""
    yield from _activation(clues)


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
