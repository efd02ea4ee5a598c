"""Another function in its place: the kind of pooling."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import in_parameters
from harness.layers.pools import AVE, MAX


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras layer's class against what Caffe has there."""
    node, layer = clues.main, clues.pair.layer
    if node is None:
        return
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
