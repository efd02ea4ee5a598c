"""Which Keras layers compute which Caffe layers, worked out from both graphs; never guessed from shapes.

A Keras layer is taken for the Caffe layer of the same name (or of the name that the case gives); one with another name
for the first Caffe layer not yet taken that reads what it reads and is of a type that its class can stand for. A fused
activation moves the point of comparison behind the Caffe layer that it stands for. Everything else in the Keras model
(padding, reshaping, dropout) belongs to the segment of the layer that it feeds. So does, on Caffe's side, a layer that only
moves numbers and has no namesake in Keras.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.data import KerasGraph, LayerMap, Network
from harness.errors import MappingError
from harness.mapping.nodes import GLUE, activation_of
from harness.mapping.walk import Walk

__all__ = ["GLUE", "activation_of", "map_layers"]


def map_layers(
    network: Network,
    graph: KerasGraph,
    names: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> LayerMap:
    """Pair the layers of a Caffe net with those of a Keras model.

    Args:
        names: Caffe layer → Keras layer, where the case says so; goes before everything else.
        reasons: why a pair of `names` was taken, where it was not the case that said so.

    Raises:
        MappingError: `names` speaks of layers that do not exist, or the two nets have different inputs.
        UnsupportedError: the net's shapes cannot be worked out.
    """
    names = dict(names or {})
    _check_names(network, graph, names)
    walk = Walk(network, graph, names, dict(reasons or {}))
    for node in graph.nodes:
        walk.visit(node)
    return walk.result()


def _check_names(network: Network, graph: KerasGraph, names: Mapping[str, str]) -> None:
    caffe, keras = {layer.name for layer in network.layers}, {node.name for node in graph.nodes}
    for ours, theirs in names.items():
        if ours not in caffe:
            raise MappingError(f"[names] speaks of Caffe layer {ours!r}, which the net does not have", layer=ours)
        if theirs not in keras:
            raise MappingError(f"[names] speaks of Keras layer {theirs!r}, which the model does not have", layer=ours)
