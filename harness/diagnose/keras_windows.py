"""A Keras layer's window, as its configuration and the padding layers in front of it state it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.data import KerasNode
from harness.diagnose.clues import Clues
from harness.diagnose.windows import Borders, same_borders
from harness.layers import layer_type
from harness.layers.convolution import Convolution
from harness.layers.pooling import Pooling
from harness.layers.window import Sides, Window, read_window
from harness.mapping import GLUE


@dataclass(frozen=True)
class KerasWindow:
    """What a Keras layer and those in front of it say."""

    node: KerasNode
    window: Window  # without a pad; where the layer does not say, as Caffe's
    padding: str  # "valid", "same", "causal"
    before: Borders  # put there by layers in front
    value: str  # what those hold: "constant" for zeros, or another mode of `keras.ops.pad`
    padder: KerasNode | None  # the layer in front that puts them there

    def own(self, sizes: Sequence[int], window: Window | None = None) -> Borders:
        """What the layer itself puts around a bottom of these sizes, with its own window or another one."""
        window = window or self.window
        if self.padding == "causal":
            return tuple((extent - 1, 0) for extent in window.extent)
        if self.padding != "same":
            return ((0, 0),) * len(sizes)
        inner = [size + sum(border) for size, border in zip(sizes, self.before, strict=True)]
        return same_borders(inner, window)


def read_keras_window(clues: Clues, ours: Window) -> KerasWindow | None:
    """The window of the main Keras layer; None where its class is not one of Keras' own or an unknown layer is about it."""
    node, axes = clues.main, len(ours.kernel)
    if node is None or node.class_name not in layer_type(clues.pair.layer).keras_classes or node.class_name == "Dense":
        return None
    if node.config.get("padding") not in ("valid", "same", "causal"):
        return None
    total: Borders = ((0, 0),) * axes
    padder, value = None, "constant"
    for one in clues.nodes:
        if one is node:
            continue
        borders = borders_of(one, axes, node.config.get("data_format") == "channels_first")
        if borders is not None:
            total = added(total, borders)
            padder, value = one, str(one.config.get("mode", "constant"))
        elif one.class_name not in GLUE:
            return None  # what it does to the borders cannot be told, nor a stride that a pool of one pixel does
    window = Window(
        kernel=sides(node.config.get("kernel_size") or node.config.get("pool_size"), axes) or ours.kernel,
        stride=sides(node.config.get("strides"), axes) or ours.stride,
        pad=(0,) * axes,
        dilation=sides(node.config.get("dilation_rate"), axes) or ours.dilation,
    )
    return KerasWindow(node, window, str(node.config["padding"]), total, value, padder)


def borders_of(node: KerasNode, axes: int, channels_first: bool = False) -> Borders | None:
    """What a padding or cropping layer puts around its input; None for every other layer."""
    if node.class_name in (f"ZeroPadding{axes}D", f"Cropping{axes}D"):
        sign = 1 if node.class_name.startswith("Zero") else -1
        value = node.config["padding" if sign > 0 else "cropping"]
        pairs = [value] if axes == 1 else value
        return tuple((sign * int(before), sign * int(behind)) for before, behind in pairs)
    width = node.config.get("pad_width")
    if node.class_name != "Pad" or not node.operation or not isinstance(width, Sequence) or len(width) != axes + 2:
        return None
    if node.arguments.get("constant_values"):
        return None
    return tuple((int(one[0]), int(one[1])) for one in (width[2:] if channels_first else width[1:-1]))


def added(first: Borders, second: Borders) -> Borders:
    """Borders around borders."""
    return tuple((a + c, b + d) for (a, b), (c, d) in zip(first, second, strict=True))


def sides(value: Any, axes: int) -> Sides | None:
    """A number for each spatial axis, from a Keras argument; None where there is none."""
    if value is None or isinstance(value, Mapping):
        return None
    return tuple(int(one) for one in value) if isinstance(value, Sequence) else (int(value),) * axes


def text_of(borders: Borders) -> str:
    """Borders in words."""
    numbers = {number for border in borders for number in border}
    if len(numbers) == 1:
        (number,) = numbers
        return f"{number} on each side" if number else "nothing"
    names = (("before", "behind"),) if len(borders) == 1 else (("above", "below"), ("left", "right"))
    if len(borders) > 2:
        return " and ".join(f"{before}, {behind}" for before, behind in borders)
    return ", ".join(
        f"{n} {name}" for pair, said in zip(borders, names, strict=True) for n, name in zip(pair, said, strict=True)
    )


def caffe_window(clues: Clues) -> Window | None:
    """The window of a Convolution or a Pooling; None for other layers, and for a pool of the whole picture."""
    layer, axes = clues.pair.layer, len(clues.bottoms[0]) - 2 if clues.bottoms else 0
    described = layer_type(layer)
    if isinstance(described, Pooling):
        spec = layer.parameters.pooling_param
        return None if spec.global_pooling or axes != 2 else read_window(layer, spec, dilated=False)
    if isinstance(described, Convolution) and 1 <= axes <= 3:
        return read_window(layer, layer.parameters.convolution_param, dilated=True, axes=axes)
    return None


def caffe_borders(clues: Clues, window: Window) -> Borders:
    """Pad, and behind it as much more as the last window of a pool reaches over the edge."""
    bottom = clues.bottoms[0]
    out = layer_type(clues.pair.layer).output_shapes(clues.pair.layer, [bottom])[0][2:]
    reach = [
        (count - 1) * stride + extent - pad - size
        for count, stride, extent, pad, size in zip(
            out, window.stride, window.extent, window.pad, bottom[2:], strict=True
        )
    ]
    pooling = clues.pair.layer.type == "Pooling"
    return tuple((pad, max(0, over) if pooling else pad) for pad, over in zip(window.pad, reach, strict=True))


def times(sizes: Sequence[int]) -> str:
    """Sizes in words: 3×3."""
    return "×".join(map(str, sizes))
