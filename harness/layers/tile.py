"""Tile: a blob several times along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import axis_argument, canonical_axis, check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("Tile")
class Tile(Whole):
    """The bottom `tiles` times, one after the other along `axis`. Source: BVLC Caffe 1.0, tile_layer.cpp."""

    exact = True
    keras_classes = ("Tile", "Concatenate", "UpSampling1D", "UpSampling2D", "UpSampling3D")

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        axis, tiles = _parameters(layer, len(bottoms[0]))
        return ((*bottoms[0][:axis], bottoms[0][axis] * tiles, *bottoms[0][axis + 1 :]),)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        axis, tiles = _parameters(layer, bottoms[0].rank)
        if tiles == 1:
            return ()
        arguments = {"tiles": tiles, **axis_argument(bottoms[0], axis)}
        return (KerasCall("Tile", arguments, positional=1, main=True, custom=True),)

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        return bottom.order if _parameters(layer, bottom.rank)[1] == 1 else None

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        axis, tiles = _parameters(layer, bottoms[0].ndim)
        return (np.concatenate([bottoms[0]] * tiles, axis=axis),)


def _parameters(layer: Layer, rank: int) -> tuple[int, int]:
    """The axis, from the front, and how many tiles."""
    spec = layer.parameters.tile_param
    if not spec.HasField("tiles") or spec.tiles < 1:
        said = f"tiles is {spec.tiles}" if spec.HasField("tiles") else "no tiles"
        raise UnsupportedError(said, layer=layer.name, line=layer.line, fix="give tiles, 1 or more")
    return canonical_axis(layer, int(spec.axis), rank), int(spec.tiles)
