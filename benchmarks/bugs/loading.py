"""How the ports load their weights: by name from an .npz of Caffe's blobs, with axes turned as Keras has them.

Written for the ports alone and independent of the harness' conversion: the two must agree where a port is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = list[np.ndarray]


def load_weights(
    model: Any,
    port: str,
    *,
    scales: Mapping[str, str] | None = None,
    flattened: Mapping[str, tuple[int, int, int]] | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Set every layer's weights from `weights.npz` beside the port, whose keys are `layer/0`, `layer/1` …

    Args:
        port: the port's `__file__`.
        scales: BatchNormalization → the Caffe Scale layer that is merged into it; all others have none.
        flattened: Dense behind a Flatten → channels, height and width of what was flattened.
        names: Keras layer → Caffe layer, where they differ by more than `/` written as `__`.

    Raises:
        KeyError: a layer with weights that the file has nothing for.
    """
    with np.load(Path(port).with_name("weights.npz"), allow_pickle=False) as file:
        blobs = {key: file[key] for key in file.files}
    for layer in _leaves(model):
        shapes = [tuple(weight.shape) for weight in layer.weights if "seed_generator" not in weight.path]
        if not shapes:
            continue
        own = _blobs_of(blobs, (names or {}).get(layer.name, layer.name.replace("__", "/")))
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            scale = (scales or {}).get(layer.name)
            layer.set_weights(_batch_norm(own, _blobs_of(blobs, scale) if scale else []))
        elif kind == "Dense":
            layer.set_weights([_matrix(own[0], (flattened or {}).get(layer.name)), *own[1:]][: len(shapes)])
        elif kind == "Conv2DTranspose":
            layer.set_weights([_transposed(own[0], shapes[0]), *own[1:]][: len(shapes)])
        elif kind == "DepthwiseConv2D":
            layer.set_weights([own[0].transpose(2, 3, 0, 1), *own[1:]][: len(shapes)])
        elif kind == "Conv2D":
            layer.set_weights([_kernel(own[0], shapes[0]), *own[1:]][: len(shapes)])
        elif kind == "PReLU":
            layer.set_weights([np.resize(own[0], shapes[0])])
        else:  # the ports' own layers: numbers per channel and kernels, in Caffe's order of blobs
            turned = [blob.transpose(2, 3, 1, 0) if blob.ndim == 4 else blob for blob in own]
            layer.set_weights([np.broadcast_to(blob, shape) for blob, shape in zip(turned, shapes, strict=True)])


def change(model: Any, name: str, how: Callable[..., Any]) -> None:
    """Put what `how` makes of a layer's weights in their place: `change(model, "conv1", lambda k, b: (k * 2, b))`."""
    layer = next(layer for layer in _leaves(model) if layer.name == name)
    made = how(*layer.get_weights())
    layer.set_weights(list(made) if isinstance(made, tuple) else [made])


def exchanged(array: np.ndarray, axis: int, one: int = 0, other: int = 1) -> np.ndarray:
    """The array with two of its channels exchanged: the weakest permutation there is."""
    order = np.arange(array.shape[axis])
    order[[one, other]] = order[[other, one]]
    return np.take(array, order, axis)


def initial(shape: tuple[int, ...], seed: int = 7) -> np.ndarray:
    """What a layer that was never loaded has: Glorot's uniform kernel."""
    receptive = int(np.prod(shape[:-2]))
    limit = np.sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
    return np.random.default_rng(seed).uniform(-limit, limit, shape).astype(np.float32)


def _leaves(model: Any) -> Iterator[Any]:
    """The layers, those of nested models among them."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaves(layer)
        else:
            yield layer


def _blobs_of(blobs: Mapping[str, np.ndarray], layer: str) -> Arrays:
    found: Arrays = []
    while f"{layer}/{len(found)}" in blobs:
        found.append(blobs[f"{layer}/{len(found)}"])
    if not found:
        raise KeyError(f"there are no weights of {layer!r}")
    return found


def _batch_norm(own: Arrays, scale: Arrays) -> Arrays:
    mean, variance, factor = own
    divisor = np.float32(0.0 if factor[0] == 0 else 1.0 / factor[0])
    return [*scale, mean * divisor, variance * divisor]


def _matrix(blob: np.ndarray, flattened: tuple[int, int, int] | None) -> np.ndarray:
    """N × K to K × N; behind a Flatten, K counts rows, columns, channels in Keras and channels, rows, columns in Caffe."""
    if flattened is not None:
        blob = blob.reshape(len(blob), *flattened).transpose(0, 2, 3, 1).reshape(len(blob), -1)
    return blob.T


def _kernel(blob: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Out, in, height, width to height, width, in, out; for a layer without groups, groups as blocks among zeros."""
    turned = blob.transpose(2, 3, 1, 0)
    groups = shape[2] // turned.shape[2]
    blocks = np.repeat(np.repeat(np.eye(groups, dtype=np.float32), shape[2] // groups, 0), shape[3] // groups, 1)
    return np.tile(turned, (1, 1, groups, 1)) * blocks


def _transposed(blob: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """In, out, height, width to height, width, out, in; a kernel per channel becomes the diagonal of a dense one."""
    turned = blob.transpose(2, 3, 1, 0)
    return turned if turned.shape == shape else turned * np.eye(shape[2], dtype=np.float32)
