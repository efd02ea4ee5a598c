"""Caffe's weights into a Keras model that has none of its own, along the map of the layers."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from harness.convert.weights import fill_layer
from harness.data import KerasGraph, LayerMap, Network, Pair, Shape, Top, Weights
from harness.errors import WeightsError
from harness.layers import layer_type
from harness.layers.base import keras_name
from harness.layout import Held, caffe_order


class Model(Protocol):
    """What is asked of the candidate."""

    @property
    def graph(self) -> KerasGraph: ...

    def layer(self, name: str) -> Any:
        """The live Keras layer of a node of the graph."""


def fill_weights(
    candidate: Model,
    layer_map: LayerMap,
    network: Network,
    weights: Weights,
    shapes: Mapping[Top, Shape],
    unfinished: Collection[str] = (),
    is_run: Callable[[str], bool] = lambda layer: True,
) -> None:
    """Give every Keras layer that is run the weights of the Caffe layers that it stands for.

    Args:
        unfinished: Caffe layers that the model need not have yet.
        is_run: of a Caffe layer; the counterparts of others stay as they are.

    Raises:
        WeightsError: a Caffe layer that learns has no counterpart though some Keras layer may be it, or the model ends before
            it; a Keras layer that learns has none; or a shape does not fit. Nothing is run with its initial weights in
            silence.
    """
    left_out = _left_out(candidate, layer_map, network, weights, unfinished)
    classes = {node.name: node.class_name for node in candidate.graph.nodes}
    paired = {id(candidate.layer(pair.main)) for pair in layer_map.pairs}
    for pair in layer_map.pairs:
        if not any(is_run(one.name) for one in pair.caffe):
            continue
        arrays = _arrays(pair, weights, shapes, classes[pair.main])
        layer = candidate.layer(pair.main)
        if arrays or _learns(layer):
            try:
                fill_layer(layer, arrays, pair.layer.name, network)
            except WeightsError as error:
                if left_out:  # the likelier reason for a size that does not fit
                    raise _no_place_for(left_out[0], network, list(classes)) from error
                raise
    empty = [
        node.name
        for node in candidate.graph.nodes
        if id(candidate.layer(node.name)) not in paired and _learns(candidate.layer(node.name))
    ]
    if empty:
        raise WeightsError(
            f"Keras layers {', '.join(map(repr, dict.fromkeys(empty)))} have weights, but the Caffe net has none for them",
            layer=empty[0],
            fix='give them the Caffe layers\' names, or write [names] "caffe layer" = "keras layer" into the case',
        )


def _arrays(pair: Pair, weights: Weights, shapes: Mapping[Top, Shape], keras_class: str) -> dict[str, np.ndarray]:
    """What the pair's Caffe layers have learned, in the layouts of its Keras layer."""
    held = [Held(shapes[top], pair.read_as.get(top, caffe_order(len(shapes[top])))) for top in pair.bottoms]
    arrays: dict[str, np.ndarray] = {}
    for layer in pair.caffe:
        arrays |= layer_type(layer).keras_weights(layer, weights.of(layer.name), held, keras_class)
    return arrays


def _learns(layer: Any) -> bool:
    return bool(getattr(layer, "weights", None))  # an operation of keras.ops has none


def _left_out(
    candidate: Model, layer_map: LayerMap, network: Network, weights: Weights, unfinished: Collection[str]
) -> list[str]:
    """The Caffe layers that learn and were left out of the middle of the model, where no other layer can be their own.

    Raises:
        WeightsError: one has no counterpart though a Keras layer is left that learns, or the model ends before it.
    """
    names = [node.name for node in candidate.graph.nodes]
    mapped = {name for pair in layer_map.pairs for name in pair.keras}
    spare = any(_learns(candidate.layer(name)) for name in names if name not in mapped)
    last = max((layer_map.order.index(one.name) for pair in layer_map.pairs for one in pair.caffe), default=-1)
    lacking = [name for name in layer_map.missing if weights.shapes_of(name) and name not in unfinished]
    for name in lacking:
        if spare or layer_map.order.index(name) > last:
            raise _no_place_for(name, network, names)
    return lacking


def _no_place_for(name: str, network: Network, names: Sequence[str]) -> WeightsError:
    near = difflib.get_close_matches(keras_name(name), names, 1)
    hint = f"; the nearest name is {near[0]!r}" if near else ""
    return WeightsError(
        f"the Keras model has no layer {keras_name(name)!r} to take its weights{hint}",
        file=network.path,
        line=network[name].line,
        layer=name,
        fix=f'name the Keras layer {keras_name(name)!r}, or write [names] "{name}" = "…" into the case; '
        "--until LAYER judges an unfinished port",
    )
