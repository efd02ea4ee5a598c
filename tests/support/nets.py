"""Small nets from prototxt text, with weights and inputs from a seed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.caffe import read_network
from harness.convert.plan import input_order
from harness.data import Layer, Network, Shape, Top, Weights
from harness.layers import layer_type
from harness.layers.shapes import blob_shapes, infer_shapes

Blobs = tuple[np.ndarray, ...]


def network(text: str) -> Network:
    """The net of a prototxt."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deploy.prototxt"
        path.write_text(text, encoding="utf-8")
        return read_network(path)


def data(*dims: int, name: str = "data") -> str:
    """An Input layer."""
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: {list(dims)} }} }} }}\n'


def layer(kind: str, bottom: str = "data", name: str = "layer", parameters: str = "", top: str | None = None) -> str:
    """A layer with one bottom; its top bears its name unless another is given."""
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top or name}" {parameters} }}\n'


def conv(bottom: str = "data", name: str = "conv", parameters: str = "num_output: 3 kernel_size: 3") -> str:
    """A Convolution."""
    return layer("Convolution", bottom, name, f"convolution_param {{ {parameters} }}")


def relu(blob: str, name: str = "relu", top: str | None = None) -> str:
    """A ReLU, in place unless it has a top of its own."""
    return layer("ReLU", blob, name, top=top or blob)


def single(kind: str, shape: Shape, parameters: str = "") -> Network:
    """A net of one layer, called `layer`."""
    return network(data(*shape) + layer(kind, parameters=parameters))


def random_blobs(net: Network, seed: int = 0) -> dict[str, Blobs]:
    """Normal kernels of unit gain and small biases, else what the type says, float32, in Caffe's layouts."""
    rng = np.random.default_rng(seed)
    blobs = {}
    for name, shapes in blob_shapes(net, infer_shapes(net)).items():
        ranges = layer_type(net[name]).blob_ranges(net[name])
        if ranges is not None:
            ends = zip(shapes, ranges, strict=False)  # not every layer has a bias
            blobs[name] = tuple(np.float32(rng.uniform(low, high, size=shape)) for shape, (low, high) in ends)
            continue
        kernel = rng.normal(size=shapes[0]) / np.sqrt(np.prod(shapes[0][1:]))
        blobs[name] = tuple(
            one.astype(np.float32) for one in (kernel, *(rng.normal(size=shape) / 4 for shape in shapes[1:]))
        )
    return blobs


def random_inputs(net: Network, seed: int = 1) -> dict[Top, np.ndarray]:
    """Normal numbers with a mean, float32, N, C, H, W."""
    rng = np.random.default_rng(seed)
    return {top: (rng.normal(size=shape) + 0.3).astype(np.float32) for top, shape in net.inputs.items()}


def weights(blobs: Mapping[str, Blobs]) -> Weights:
    """Blobs as if they had been read from a file."""
    return Weights(blobs, "trained", "0" * 64, Path("weights.caffemodel"))


def expected_blobs(net: Network) -> dict[str, tuple[Shape, ...]]:
    """The shapes of the learned blobs by layer."""
    return blob_shapes(net, infer_shapes(net))


def shapes_fit(layer: Layer, found: Sequence[Shape], inferred: Mapping[Top, Shape]) -> bool:
    """True if a layer's tops have the shapes that were worked out; where it drops items, as many or fewer of them."""
    expected = [inferred[top] for top in layer.tops]
    if not layer_type(layer).drops_items:
        return list(found) == expected
    return all(one[0] <= most[0] and one[1:] == most[1:] for one, most in zip(found, expected, strict=True))


def all_sites(shape: Shape) -> np.ndarray:
    """Every position of a top but for its channels: sites × (N, H, W); with less than two axes there is one channel."""
    axes = (shape[0], *shape[2:]) if len(shape) > 1 else (int(np.prod(shape)),)
    return np.stack([axis.reshape(-1) for axis in np.indices(axes)], axis=-1)


def rows(array: np.ndarray) -> np.ndarray:
    """N, C, H, W → sites × channels."""
    if array.ndim < 2:
        return array.reshape(-1, 1)
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def distance(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """|values − expected| in float64; zero for two of the same infinity and for two that are no number.

    Numbers beyond float32's largest are infinities.
    """
    ours, theirs = (np.clip(np.asarray(one, np.float64), -(2.0**128), 2.0**128) for one in (values, expected))
    apart: np.ndarray = np.where(np.isnan(ours) & np.isnan(theirs), 0.0, np.abs(ours - theirs))
    return apart


def only(net: Network) -> Layer:
    """The last layer of a net."""
    return net.layers[-1]


def define_all(
    net: Network, blobs: Mapping[str, Blobs], inputs: Mapping[Top, np.ndarray], dtype: type = np.float64
) -> dict[Top, np.ndarray]:
    """Every top, layer after layer, by the harness' own definitions; N, C, H, W.

    Args:
        dtype: what each layer's tops are kept in; float32, as Caffe does, makes each layer right by itself.
    """
    shapes = infer_shapes(net)
    tops: dict[Top, np.ndarray] = {top: array.astype(dtype) for top, array in inputs.items()}
    for one in net.layers:
        if one.type == "Input":
            continue
        for top in one.tops:
            shape = shapes[top]
            bottoms: Sequence[np.ndarray] = [tops[bottom] for bottom in one.bottoms]
            position = one.tops.index(top)
            exact = layer_type(one).define(one, blobs.get(one.name, ()), bottoms, all_sites(shape), position)
            last = exact.value.reshape(shape[0], *shape[2:], shape[1]) if len(shape) > 1 else exact.value
            tops[top] = (np.moveaxis(last, -1, 1) if len(shape) > 1 else last.reshape(shape)).astype(dtype)
    return tops


def run_keras(net: Network, blobs: Mapping[str, Blobs], inputs: Mapping[Top, np.ndarray]) -> list[np.ndarray]:
    """The converted net's outputs, float32, channels last."""
    model = keras_model(net, blobs)
    feeds = [array.transpose(input_order(array.ndim)) for array in inputs.values()]
    outputs = model(feeds[0] if len(feeds) == 1 else feeds, training=False)
    return [np.asarray(one) for one in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def keras_model(net: Network, blobs: Mapping[str, Blobs]):
    """The converted net with its weights in it."""
    from harness.convert.build import build_model
    from harness.convert.plan import plan
    from harness.convert.weights import keras_weights
    from harness.extras import import_keras

    import_keras()
    model = build_model(plan(net))
    fill(model, dict(keras_weights(net, weights(blobs))))
    return model


def fill(model, variables: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Assign variables to a Keras model's layers, by name."""
    for name, arrays in variables.items():
        own = {variable.name: variable for variable in model.get_layer(name).weights}
        for key, array in arrays.items():
            own[key].assign(array)
