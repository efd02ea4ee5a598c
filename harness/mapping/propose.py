"""Pairs of layers whose names differ, proposed because their weights are the same numbers.

Equal weights are a proof, under the known layouts; equal shapes would be a guess. What bears no weights follows from its
place in the graph, which `map_layers` reads off by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.data import KerasGraph, KerasNode, Layer, Network, Shape, Top, Weights
from harness.layers import layer_type
from harness.layers.base import keras_name
from harness.layers.folding import read_tops
from harness.layout import Held, caffe_order, last_order

Variables = Callable[[str], Mapping[str, np.ndarray]]
"""A Keras layer's variables by name."""


@dataclass(frozen=True)
class Proposal:
    """A Keras layer for a Caffe layer, and why."""

    keras: str
    reason: str


def propose(
    network: Network,
    graph: KerasGraph,
    weights: Weights,
    shapes: Mapping[Top, Shape],
    variables: Variables,
    names: Mapping[str, str],
) -> dict[str, Proposal]:
    """Pairs for the layers that learn and have no namesake, by equal weights.

    Several layers of equal weights (zeros, a shared kernel) are paired in the order of the graphs if both sides have as
    many of them.

    Args:
        variables: the model's own; they must not be ones that were filled in by name.
        names: Caffe layer → Keras layer, what is known already.
    """
    loose = [
        layer
        for layer in network.layers
        if weights.shapes_of(layer.name) and layer.name not in names and not _namesake(layer, graph)
    ]
    caffe = {keras_name(layer.name) for layer in network.layers}
    nodes = [node for node in graph.nodes if node.name not in caffe and node.name not in names.values()]
    if not loose or not nodes:
        return {}
    theirs: dict[str, list[KerasNode]] = {}
    for node in nodes:
        for key in _node_keys(node, variables(node.name)):
            theirs.setdefault(key, []).append(node)
    classes = {node.class_name for node in nodes}
    ours: dict[str, list[Layer]] = {}
    reads = read_tops(network)
    for layer in loose:
        bottoms = [shapes[top] for top in reads[layer.name]]
        same = next((key for key in _layer_keys(layer, weights, bottoms, classes) if key in theirs), None)
        if same is not None:
            ours.setdefault(same, []).append(layer)
    found = {}
    for key, layers in ours.items():
        if len(layers) != len(theirs[key]):
            continue
        why = "equal weights" if len(layers) == 1 else "equal weights, in the order of the graphs"
        for layer, node in zip(layers, theirs[key], strict=True):
            found[layer.name] = Proposal(node.name, why)
    return found


def _namesake(layer: Layer, graph: KerasGraph) -> bool:
    return any(node.name == keras_name(layer.name) for node in graph.nodes)


def _node_keys(node: KerasNode, variables: Mapping[str, np.ndarray]) -> Iterator[str]:
    """One key of all variables; one of those alone that a layer before its Scale would have."""
    if not variables:
        return
    yield _key(node.class_name, variables)
    statistics = {name: array for name, array in variables.items() if name.startswith("moving_")}
    if statistics and len(statistics) < len(variables):
        yield _key(node.class_name, statistics)


def _layer_keys(layer: Layer, weights: Weights, bottoms: Sequence[Shape], classes: set[str]) -> Iterator[str]:
    """The layer's weights as each Keras class at hand would hold them, in either order of axes."""
    kind = layer_type(layer)
    for keras_class in kind.keras_classes:
        if keras_class not in classes:
            continue
        for order in (last_order, caffe_order):
            held = [Held(shape, order(len(shape))) for shape in bottoms]
            converted = kind.keras_weights(layer, weights.of(layer.name), held, keras_class)
            if converted:
                yield _key(keras_class, converted)


def _key(keras_class: str, variables: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(keras_class.encode())
    for name in sorted(variables):
        array = np.ascontiguousarray(variables[name], "<f4")
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
