"""DummyData: blobs that are the same number everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.axes import check_blobs
from harness.layers.base import Blobs, KerasCall, U
from harness.layers.whole import Whole
from harness.layout import Held, caffe_order, last_order


@register("DummyData")
class DummyData(Whole):
    """Every top is filled once with its filler's `value`: one filler for all tops, one for each, or none, which is 0.

    Fillers other than "constant" are run again in every pass, and all but "bilinear" draw at random.
    Source: BVLC Caffe 1.0, dummy_data_layer.cpp.
    """

    exact = True
    parameter_rounding = 2 * U
    keras_classes = ("DummyData",)

    def output_shapes(self, layer: Layer, bottoms: Sequence[Shape]) -> tuple[Shape, ...]:
        check_blobs(layer, bottoms=0, tops=None)
        _values(layer)
        return _shapes(layer)

    def keras_calls(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[KerasCall, ...]:
        shapes, values = _shapes(layer), [float(f"{value:.8g}") for value in _values(layer)]
        held = [Held(shape, order) for shape, order in zip(shapes, self.gives(layer, bottoms), strict=True)]
        arguments = {"shapes": [one.keras_shape for one in held], "values": values}
        return (KerasCall("DummyData", arguments, positional=2, main=True, custom=True),)

    def gives(self, layer: Layer, bottoms: Sequence[Held]) -> tuple[Order, ...]:
        """As a converted net takes its inputs."""
        ranks = [len(shape) for shape in _shapes(layer)]
        return tuple(last_order(rank) if rank > 3 else caffe_order(rank) for rank in ranks)

    def compute(self, layer: Layer, blobs: Blobs, bottoms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return [np.full(shape, value) for shape, value in zip(_shapes(layer), _values(layer), strict=True)]


def _shapes(layer: Layer) -> tuple[Shape, ...]:
    """A shape for each top, from `shape` or from the four old fields."""
    spec, tops = layer.parameters.dummy_data_param, len(layer.tops)
    shapes = [tuple(int(dim) for dim in shape.dim) for shape in spec.shape] * (tops if len(spec.shape) == 1 else 1)
    old = [list(getattr(spec, name)) for name in ("num", "channels", "height", "width")]
    wrong = len(shapes) != tops
    if any(old):
        wrong = bool(shapes) or any(len(sizes) not in (1, tops) for sizes in old)
        shapes = list(zip(*(sizes * tops if len(sizes) == 1 else sizes for sizes in old), strict=False))
    if wrong:
        raise UnsupportedError(
            f"its shapes do not say how large {'the top is' if tops == 1 else f'each of the {tops} tops is'}",
            layer=layer.name,
            line=layer.line,
            fix="write dummy_data_param { shape { dim: … } }, one for all tops or one for each",
        )
    return tuple(shapes)


def _values(layer: Layer) -> list[float]:
    """The number that fills each top."""
    spec, tops = layer.parameters.dummy_data_param, len(layer.tops)
    fillers = list(spec.data_filler)
    if len(fillers) not in (0, 1, tops):
        raise UnsupportedError(
            f"{len(fillers)} data_filler for {tops} tops",
            layer=layer.name,
            line=layer.line,
            fix="give none, one for all tops, or one for each",
        )
    for filler in fillers:
        if filler.type != "constant":
            bilinear = filler.type == "bilinear"
            why = "is not supported" if bilinear else "draws at random in every pass: no run would be like another"
            raise UnsupportedError(
                f"a data_filler of type {filler.type!r} {why}",
                layer=layer.name,
                line=layer.line,
                fix='make the blob an input, with an Input layer, or give a filler of type "constant"',
            )
    values = [float(filler.value) for filler in fillers] or [0.0]
    return values * tops if len(values) == 1 else values
