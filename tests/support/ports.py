"""A Keras model that somebody wrote, with random weights, beside the Caffe net that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.data import Layer, Network
from harness.layers.base import keras_name


def counterparts(net: Network, model: Any) -> Iterator[tuple[Layer, Any]]:
    """Each Keras layer that bears a Caffe layer's name, and the Caffe layer whose tops it gives.

    That is the one behind it where a rectifier is fused into the Keras layer.
    """
    layers = {layer.name: layer for layer in model.layers}
    for caffe in net.layers:
        if keras_name(caffe.name) in layers:
            layer = layers[keras_name(caffe.name)]
            if layer.get_config().get("activation") == "relu":
                (caffe,) = net.consumers(caffe.tops[0])
                assert caffe.type == "ReLU"
            yield caffe, layer


def outputs_of(layer: Any) -> list[Any]:
    """A Keras layer's outputs, always as a list."""
    return [*layer.output] if isinstance(layer.output, (list, tuple)) else [layer.output]


def fill(layer: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Give a Keras layer random weights, float32. Returns them as Caffe's blobs."""
    values = []
    for variable in layer.weights:
        shape = tuple(variable.shape)
        if len(shape) == 4:
            value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:3]))
        else:
            value = rng.normal(size=shape) / 4 + (variable.name == "scale")
        values.append(value.astype(np.float32))
    layer.set_weights(values)
    # H, W, in, out of a convolution is out, in, H, W in Caffe; H, W, out, in of a transposed one is in, out, H, W.
    return [value.transpose(3, 2, 0, 1) if value.ndim == 4 else value for value in values]
