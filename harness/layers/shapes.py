"""The shape of every top, worked out without running anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from harness.data import Network, Shape, Top
from harness.errors import UnsupportedError
from harness.layers import layer_type


@contextmanager
def refusals_in(network: Network) -> Iterator[None]:
    """What a layer type refuses, it refuses of a file: a layer knows its line, but not where it was read."""
    try:
        yield
    except UnsupportedError as error:
        if error.file is None and network.path is not None:
            error.file = str(network.path)
        raise


def infer_shapes(network: Network) -> dict[Top, Shape]:
    """Every top's shape as Caffe would allocate it, N, C, H, W.

    Raises:
        UnsupportedError: a layer type that is not described, or a window that does not fit.
    """
    shapes: dict[Top, Shape] = dict(network.inputs)
    for layer in network.layers:
        if layer.type == "Input":
            continue
        with refusals_in(network):
            tops = layer_type(layer).output_shapes(layer, [shapes[bottom] for bottom in layer.bottoms])
        shapes.update(zip(layer.tops, tops, strict=True))
    return shapes


def blob_shapes(network: Network, shapes: Mapping[Top, Shape]) -> dict[str, tuple[Shape, ...]]:
    """The learned blobs that Caffe allocates for each layer that has any."""
    expected = {
        layer.name: layer_type(layer).blob_shapes(layer, [shapes[bottom] for bottom in layer.bottoms])
        for layer in network.layers
    }
    return {name: blobs for name, blobs in expected.items() if blobs}
