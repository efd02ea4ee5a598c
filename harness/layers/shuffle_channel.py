"""ShuffleChannel: the channels of several groups, taken from each group in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import check_blobs, check_not_in_place
from harness.layers.base import Blobs, KerasCall
from harness.layers.whole import Whole
from harness.layout import Held


@register("ShuffleChannel")
class ShuffleChannel(Whole):
    """Channel j · group + i of the top is channel i · (channels / group) + j of the bottom.

    Source: shuffle_channel_layer.cpp of the ShuffleNet fork (farmingyard/ShuffleNet); BVLC Caffe has it not.
    """

    exact = True
    moves = True

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=1)
        check_not_in_place(layer)
        group = int(layer.parameters.shuffle_channel_param.group)
        if len(bottoms[0]) < 2 or group < 1 or bottoms[0][1] % group:
            raise UnsupportedError(
                f"group {group} does not divide the channels of {bottoms[0]}",
                layer=layer.name,
                line=layer.line,
                fix="give a group that does",
            )
        return (bottoms[0],)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        (bottom,) = bottoms
        if self.renames(layer, bottom) is not None:
            return ()
        group, at, shape = int(layer.parameters.shuffle_channel_param.group), bottom.axis(1), bottom.keras_shape
        split = (*shape[1:at], group, shape[at] // group, *shape[at + 1 :])
        dims = [*range(1, len(split) + 1)]
        dims[at - 1], dims[at] = at + 1, at
        return (
            KerasCall("Reshape", {"target_shape": split}, positional=1, comment=f"the channels of {group} groups …"),
            KerasCall("Permute", {"dims": tuple(dims)}, positional=1),
            KerasCall("Reshape", {"target_shape": shape[1:]}, positional=1, comment="… in turn", main=True),
        )

    def renames(self, layer: Layer, bottom: Held) -> Order | None:
        """A single group, and groups of one channel, stay as they are."""
        group = int(layer.parameters.shuffle_channel_param.group)
        return bottom.order if group in (1, bottom.shape[1]) else None

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        (x,) = bottoms
        group = int(layer.parameters.shuffle_channel_param.group)
        return (x.reshape(x.shape[0], group, -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape),)
