"""Layers with parameters that tell height from width, inside from border, and one group from another.

The unit tests hold each against plain loops, and the engine test runs all of them through Caffe in one net.
"""

from __future__ import annotations

from dataclasses import dataclass

from support import nets

from harness.data import Shape

Two = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """One layer of the table."""

    id: str
    kind: str
    shape: Shape
    parameters: str

    @property
    def net(self):
        """A net of this layer alone."""
        return nets.single(self.kind, self.shape, self.parameters)


@dataclass(frozen=True)
class Sliding(Entry):
    """A layer with a window; each pair is height, width."""

    kernel: Two = (1, 1)
    stride: Two = (1, 1)
    pad: Two = (0, 0)
    dilation: Two = (1, 1)
    group: int = 1
    bias: bool = True
    average: bool = False
    floor: bool = False


def _window(kind: str, key: str, id: str, shape: Shape, kernel: Two, outputs: int = 0, **more) -> Sliding:
    stride, pad = more.get("stride", (1, 1)), more.get("pad", (0, 0))
    dilation, group, bias = more.get("dilation", (1, 1)), more.get("group", 1), more.get("bias", True)
    text = f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} "
    text += f"pad_h: {pad[0]} pad_w: {pad[1]}"
    if kind == "Pooling":
        text += f" pool: {'AVE' if more.get('average') else 'MAX'}"
        text += " round_mode: FLOOR" if more.get("floor") else ""
    else:
        text += f" num_output: {outputs} group: {group} bias_term: {str(bias).lower()}"
        text += f" dilation: {dilation[0]} dilation: {dilation[1]}"
    return Sliding(id, kind, shape, f"{key} {{ {text} }}", kernel, **more)


def _conv(id: str, shape: Shape, outputs: int, kernel: Two, **more) -> Sliding:
    return _window("Convolution", "convolution_param", f"conv {id}", shape, kernel, outputs, **more)


def _deconv(id: str, shape: Shape, outputs: int, kernel: Two, **more) -> Sliding:
    return _window("Deconvolution", "convolution_param", f"deconv {id}", shape, kernel, outputs, **more)


def _pool(id: str, shape: Shape, kernel: Two, **more) -> Sliding:
    return _window("Pooling", "pooling_param", f"pool {id}", shape, kernel, **more)


CONVOLUTIONS = (
    _conv("1x1", (1, 5, 4, 6), 3, (1, 1)),
    _conv("batch of two", (2, 3, 5, 4), 2, (3, 3)),
    _conv("kernel 3x2", (1, 2, 6, 5), 3, (3, 2)),
    _conv("kernel 2x5, even and odd", (1, 2, 6, 7), 3, (2, 5)),
    _conv("no bias", (1, 3, 5, 5), 2, (3, 3), bias=False),
    _conv("pad 2x0", (1, 2, 5, 6), 3, (3, 3), pad=(2, 0)),
    _conv("pad 0x1, even kernel", (1, 2, 5, 6), 3, (2, 4), pad=(0, 1)),
    _conv("pad as same", (1, 2, 6, 7), 3, (3, 5), pad=(1, 2)),
    _conv("pad larger than kernel", (1, 1, 2, 3), 2, (2, 2), pad=(3, 4)),
    _conv("stride 2x3", (1, 2, 9, 8), 3, (3, 2), stride=(2, 3)),
    _conv("stride 2, pad 1, even size", (1, 2, 8, 8), 3, (3, 3), stride=(2, 2), pad=(1, 1)),
    _conv("stride 3x1, pad 1x2", (1, 2, 7, 6), 3, (3, 4), stride=(3, 1), pad=(1, 2)),
    _conv("stride 4, kernel 2", (1, 2, 11, 10), 2, (2, 2), stride=(4, 4)),
    _conv("dilation 2x3", (1, 2, 8, 10), 3, (3, 3), dilation=(2, 3)),
    _conv("dilation 1x2, pad 2x1", (1, 2, 6, 7), 2, (2, 3), dilation=(1, 2), pad=(2, 1)),
    _conv("dilation as same", (1, 2, 7, 9), 2, (3, 3), dilation=(2, 4), pad=(2, 4)),
    _conv("groups of unequal sides", (1, 6, 5, 6), 9, (3, 2), group=3),
    _conv("group 2, stride 2x1, pad 0x2", (2, 4, 7, 5), 6, (2, 3), group=2, stride=(2, 1), pad=(0, 2)),
    _conv("group 2, dilation 2x1", (1, 4, 7, 5), 2, (3, 2), group=2, dilation=(2, 1)),
    _conv("depthwise", (1, 4, 6, 5), 4, (3, 2), group=4, pad=(1, 0)),
    _conv("depthwise, two filters per channel", (1, 3, 6, 5), 6, (2, 3), group=3),
    _conv("depthwise, stride 2", (1, 4, 7, 6), 4, (3, 3), group=4, stride=(2, 2), pad=(1, 1)),
    _conv("depthwise, dilation 2", (1, 3, 8, 7), 3, (3, 3), group=3, dilation=(2, 2)),
    _conv("depthwise, stride 2 and dilation 2", (1, 3, 9, 9), 3, (3, 2), group=3, stride=(2, 2), dilation=(2, 2)),
    _conv("many terms", (1, 40, 5, 5), 8, (3, 3), pad=(1, 1)),
)

CONVOLUTIONS_KERAS_LACKS = (
    _conv("stride 2x1 and dilation 1x3", (1, 2, 9, 9), 2, (3, 3), stride=(2, 1), dilation=(1, 3)),
    _conv("stride 2 and dilation 2", (1, 2, 9, 9), 2, (3, 3), stride=(2, 2), dilation=(2, 2)),
    _conv("depthwise, stride 2x1", (1, 2, 7, 7), 2, (3, 3), group=2, stride=(2, 1)),
)

DECONVOLUTIONS = (
    _deconv("kernel 2, stride 2", (1, 2, 3, 4), 3, (2, 2), stride=(2, 2)),
    _deconv("kernel 3x2", (1, 2, 4, 3), 2, (3, 2)),
    _deconv("bilinear, pad 1", (1, 3, 4, 5), 3, (4, 4), stride=(2, 2), pad=(1, 1), bias=False),
    _deconv("odd kernel, even pad", (1, 2, 4, 5), 2, (5, 3), stride=(2, 3), pad=(2, 0)),
    _deconv("stride 1x3, pad 0x1", (1, 2, 4, 3), 2, (2, 4), stride=(1, 3), pad=(0, 1)),
    _deconv("stride 3 > kernel 2", (2, 2, 3, 4), 3, (2, 2), stride=(3, 3)),
    _deconv("stride 4x1 > kernel 2x1", (1, 2, 3, 4), 2, (2, 1), stride=(4, 1)),
    _deconv("stride 3 > kernel 2, pad 1", (1, 2, 4, 3), 2, (2, 2), stride=(3, 3), pad=(1, 1)),
    _deconv("kernel - stride odd", (1, 2, 4, 5), 2, (4, 5), stride=(3, 2), pad=(1, 1)),
    _deconv("group 2", (1, 4, 3, 4), 6, (3, 2), stride=(2, 1), group=2),
    _deconv("group of one channel each", (1, 3, 4, 4), 3, (4, 4), stride=(2, 2), pad=(1, 1), group=3, bias=False),
    _deconv("no bias, pad 2x1", (1, 2, 5, 4), 3, (6, 4), stride=(3, 2), pad=(2, 1), bias=False),
)

DECONVOLUTIONS_KERAS_LACKS = (
    _deconv("dilation 2x3", (1, 2, 4, 3), 2, (3, 2), dilation=(2, 3)),
    _deconv("dilation 2, pad 1x2", (1, 2, 4, 4), 2, (3, 3), dilation=(2, 2), pad=(1, 2)),
    _deconv("stride 2 and dilation 2", (1, 2, 3, 4), 2, (3, 2), stride=(2, 2), dilation=(2, 2)),
)

POOLINGS = (
    _pool("max 2, even size", (2, 3, 6, 8), (2, 2), stride=(2, 2)),
    _pool("max 2, odd size, over the edge", (1, 3, 7, 9), (2, 2), stride=(2, 2)),
    _pool("max 3, stride 2, even size, over the edge", (1, 3, 8, 6), (3, 3), stride=(2, 2)),
    _pool("max 3x2, stride 1x2", (1, 2, 6, 8), (3, 2), stride=(1, 2)),
    _pool("max 2x3, stride 2x3, over one edge", (1, 2, 7, 9), (2, 3), stride=(2, 3)),
    _pool("max 3, pad 1, stride 1", (1, 2, 5, 6), (3, 3), pad=(1, 1)),
    _pool("max 3, pad 1, stride 2, odd size", (1, 2, 7, 9), (3, 3), stride=(2, 2), pad=(1, 1)),
    _pool("max 5x3, pad 2x1", (1, 2, 6, 7), (5, 3), pad=(2, 1)),
    _pool("max, FLOOR, odd size", (1, 2, 7, 9), (2, 2), stride=(2, 2), floor=True),
    _pool("max, FLOOR, kernel 3x2, stride 3x2", (1, 2, 8, 7), (3, 2), stride=(3, 2), floor=True),
    _pool("ave 2x3", (2, 3, 5, 7), (2, 3), stride=(1, 2), average=True),
    _pool("ave 3, stride 3", (1, 2, 9, 6), (3, 3), stride=(3, 3), average=True),
    _pool("ave, FLOOR, odd size", (1, 2, 7, 9), (2, 2), stride=(2, 2), average=True, floor=True),
)

POOLINGS_KERAS_LACKS = (
    _pool("max 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1)),
    _pool("max 2, pad 1, stride 2, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1)),
    _pool("max 3x2, over one edge only", (1, 2, 6, 7), (3, 2), stride=(1, 2)),
    _pool("max 3x2, pad 0x1", (1, 2, 6, 6), (3, 2), stride=(2, 2), pad=(0, 1)),
    _pool("max 3x3, pad 2x1, stride 3x2", (1, 2, 8, 7), (3, 3), stride=(3, 2), pad=(2, 1)),
    _pool("ave 2, odd size, over the edge", (1, 2, 7, 9), (2, 2), stride=(2, 2), average=True),
    _pool("ave 3, stride 2, even size, over the edge", (1, 2, 8, 6), (3, 3), stride=(2, 2), average=True),
    _pool("ave 3, pad 1, stride 1", (1, 2, 5, 6), (3, 3), pad=(1, 1), average=True),
    _pool("ave 3, pad 1, stride 2, even size", (1, 2, 8, 6), (3, 3), stride=(2, 2), pad=(1, 1), average=True),
    _pool("ave 2, pad 1, dropped window", (1, 2, 5, 7), (2, 2), stride=(2, 2), pad=(1, 1), average=True),
    _pool("ave 4x3, pad 2x1, stride 3x2", (1, 2, 9, 8), (4, 3), stride=(3, 2), pad=(2, 1), average=True),
    _pool("ave, FLOOR, pad 1x0", (1, 2, 8, 7), (3, 2), stride=(2, 2), pad=(1, 0), average=True, floor=True),
    _pool("max, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3)),
    _pool("ave, windows behind the image", (1, 2, 5, 8), (1, 1), stride=(3, 3), average=True),
    _pool("max, kernel larger than the image", (1, 2, 3, 4), (4, 4), stride=(2, 2)),
)


def _plain(kind: str, id: str, shape: Shape, parameters: str = "") -> Entry:
    return Entry(f"{kind.lower()} {id}", kind, shape, parameters)


GLOBAL_POOLINGS = (
    _plain("Pooling", "global max", (2, 3, 4, 5), "pooling_param { global_pooling: true }"),
    _plain("Pooling", "global ave", (2, 3, 4, 5), "pooling_param { global_pooling: true pool: AVE }"),
)

INNER_PRODUCTS = (
    _plain("InnerProduct", "of a vector", (2, 5), "inner_product_param { num_output: 4 }"),
    _plain("InnerProduct", "of a sequence", (2, 3, 4), "inner_product_param { num_output: 4 }"),
    _plain("InnerProduct", "of an image", (2, 3, 4, 5), "inner_product_param { num_output: 6 }"),
    _plain("InnerProduct", "no bias", (1, 4, 3, 2), "inner_product_param { num_output: 3 bias_term: false }"),
    _plain("InnerProduct", "transposed", (2, 3, 2, 4), "inner_product_param { num_output: 5 transpose: true }"),
    _plain("InnerProduct", "many terms", (1, 64, 4, 3), "inner_product_param { num_output: 7 }"),
)

RELUS = (
    _plain("ReLU", "plain", (2, 3, 4, 5)),
    _plain("ReLU", "of a vector", (2, 7)),
    _plain("ReLU", "slope", (1, 3, 4, 5), "relu_param { negative_slope: 0.1 }"),
    _plain("ReLU", "slope above one", (1, 3, 4, 5), "relu_param { negative_slope: 1.5 }"),
)

RELUS_KERAS_LACKS = (_plain("ReLU", "slope below zero", (1, 3, 4, 5), "relu_param { negative_slope: -0.3 }"),)

SOFTMAXES = (
    _plain("Softmax", "over pixels", (2, 5, 3, 4)),
    _plain("Softmax", "of a vector", (3, 7)),
    _plain("Softmax", "axis from behind", (1, 4, 3, 2), "softmax_param { axis: -3 }"),
    _plain("Softmax", "many classes", (1, 300, 2, 2)),
)

CONVERTIBLE = (
    *CONVOLUTIONS,
    *DECONVOLUTIONS,
    *POOLINGS,
    *GLOBAL_POOLINGS,
    *INNER_PRODUCTS,
    *RELUS,
    *SOFTMAXES,
)

UNCONVERTIBLE = (
    *CONVOLUTIONS_KERAS_LACKS,
    *DECONVOLUTIONS_KERAS_LACKS,
    *POOLINGS_KERAS_LACKS,
    *RELUS_KERAS_LACKS,
)

ALL = (*CONVERTIBLE, *UNCONVERTIBLE)
