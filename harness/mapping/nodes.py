"""What a layer of a Keras graph is: one that only moves numbers, one with an activation, one that can be Caffe's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from harness.data import KerasNode, Layer
from harness.layers import layer_type, layer_types
from harness.layers.base import LayerType
from harness.layers.window import only_picks

GLUE = frozenset(
    {
        "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D", "Reshape", "Flatten",
        "Permute", "Dropout", "SpatialDropout2D", "InputLayer", "Identity", "ReshapeBatch", "Transpose",
    }
)  # fmt: skip
"""Keras classes that only move numbers; they are folded into the segment they stand in."""

WITHIN = frozenset({"Activation", "LSTM", "GRU", "SimpleRNN"})
"""Keras classes whose `activation` is what they are or stands inside of them: none of Caffe's layers is fused behind."""


def only_moves(node: KerasNode) -> bool:
    """True for a Keras layer that moves numbers and computes none; so does a pool of one pixel, which picks some."""
    return node.class_name in GLUE or only_picks(node)


def activation_of(node: KerasNode) -> str | None:
    """The name of the activation in a Keras layer's configuration, None where it is linear."""
    activation = node.config.get("activation")
    if isinstance(activation, Mapping):
        activation = activation.get("config", activation.get("class_name"))
    if isinstance(activation, Mapping):
        activation = activation.get("name")
    return None if activation in (None, "linear") else str(activation).lower()


def is_of_ones_own(node: KerasNode) -> bool:
    """True for a Lambda and for a class that no Caffe layer has as its counterpart: nobody knows how much it does."""
    return not node.operation and not only_moves(node) and node.class_name not in _counterparts()


@cache
def _counterparts() -> frozenset[str]:
    return frozenset(name for kind in layer_types().values() for name in kind.keras_classes)


def follows(layer: Layer) -> bool:
    """True for a Caffe layer that looks at one site at a time, and so can be judged together with the one before it."""
    return type(layer_type(layer)).follow is not LayerType.follow and len(layer.bottoms) == 1


def stands_for(node: KerasNode, layer: Layer) -> bool:
    """True if a Keras layer is of a class that can be a Caffe layer's counterpart, wherever it stands."""
    described = layer_type(layer)
    if node.class_name not in described.keras_classes:
        return False
    if layer.bottoms and len(set(node.inputs)) > len(layer.bottoms):
        return False  # a product of two tensors is not the layer that multiplies one by what it has learned
    return node.class_name != "Activation" or activation_of(node) in described.fuses
