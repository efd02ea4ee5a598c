"""Random nets as prototxt text: 5 to 30 layers, every shape and parameter from a seed.

A layer is drawn for blobs that are there, tried by itself, and drawn again if Caffe would refuse it. Nothing here knows
how a layer is computed; what it may be given is all that is said.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.caffe import read_network
from harness.data import Shape, Top
from harness.errors import HarnessError
from harness.layers.shapes import infer_shapes

FEWEST, MOST = 5, 30
LARGEST = 6000
"""Elements of a blob; larger ones are not read on."""


@dataclass(frozen=True)
class Drawn:
    """One layer: its type, its parameters, and how many blobs it reads and makes."""

    type: str
    parameters: str = ""
    bottoms: int = 1
    tops: int = 1
    like: Shape | None = None  # the shape of a second bottom that is made for it


@dataclass
class Net:
    """A net in the making; names begin with its own."""

    name: str
    rng: np.random.Generator
    text: list[str] = field(default_factory=list)
    blobs: dict[str, Shape] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    types: list[str] = field(default_factory=list)
    sharing: set[str] = field(
        default_factory=set
    )  # blobs that are their bottom's memory: a net must not write over them
    tame: set[str] = field(default_factory=set)  # blobs whose numbers cannot be large

    def pick(self, *choices: object) -> object:
        return choices[int(self.rng.integers(len(choices)))]


def draw_net(seed: int, number: int) -> str:
    """The prototxt of one random net; its layers are called `n<number>/…`."""
    rng = np.random.default_rng([seed, number])
    net = Net(f"n{number}", rng)
    shape = (int(rng.integers(1, 3)), int(rng.integers(2, 9)), int(rng.integers(6, 17)), int(rng.integers(6, 17)))
    _begin(net, "data", shape)
    if rng.random() < 0.2:
        _begin(net, "data2", (shape[0], int(rng.integers(2, 9)), *shape[2:]))
    wanted = int(rng.integers(FEWEST, MOST + 1))
    for _ in range(40 * wanted):
        if len(net.types) >= wanted:
            break
        _grow(net)
    return "".join(net.text)


def _begin(net: Net, name: str, shape: Shape) -> None:
    blob = f"{net.name}/{name}"
    dims = " ".join(f"dim: {size}" for size in shape)
    net.text.append(f'layer {{ name: "{blob}" type: "Input" top: "{blob}" input_param {{ shape {{ {dims} }} }} }}\n')
    # Inputs come in ±128, as pictures do; brought near 1 here, so that no exponential runs away.
    small = f"{blob}_small"
    scale = "power_param { scale: 0.02 }"
    net.text.append(f'layer {{ name: "{small}" type: "Power" bottom: "{blob}" top: "{small}" {scale} }}\n')
    net.blobs[small] = shape
    net.unread.add(small)
    net.tame.add(small)


def _grow(net: Net) -> None:
    """Add one layer, or nothing if what was drawn does not fit."""
    recent = [blob for blob in net.blobs if math.prod(net.blobs[blob]) <= LARGEST][-4:]
    preferred = [blob for blob in recent if blob in net.unread] or recent
    if not preferred:
        return
    blob = str(net.pick(*preferred))
    kind = DRAWERS[int(net.rng.integers(len(DRAWERS)))]
    drawn = kind(net, net.blobs[blob])
    # What a wild number makes of these is no number, which Caffe and Keras hand on in ways of their own.
    if drawn is None or (drawn.type in STEEP and blob not in net.tame):
        return
    others = [other for other in net.blobs if net.blobs[other] == net.blobs[blob]]
    reads = [blob]
    if drawn.like is not None:
        reads.append(_parameter(net, drawn.like))
    while len(reads) < drawn.bottoms:
        reads.append(str(net.pick(*others)))
    name = f"{net.name}/{len(net.text)}_{drawn.type.lower()}"
    in_place = drawn.type in IN_PLACE and net.rng.random() < 0.4 and blob in net.unread and "data" not in blob
    in_place = in_place and blob not in net.sharing
    tops = [blob] if in_place else [name if drawn.tops == 1 else f"{name}_{k}" for k in range(drawn.tops)]
    bottoms = " ".join(f'bottom: "{one}"' for one in reads)
    makes = " ".join(f'top: "{one}"' for one in tops)
    text = f'layer {{ name: "{name}" type: "{drawn.type}" {bottoms} {makes} {drawn.parameters} }}\n'
    shapes = _shapes(net, text, reads, tops, drawn)
    if shapes is None or max(math.prod(shape) for shape in shapes) > 4 * LARGEST or min(map(math.prod, shapes)) < 1:
        if drawn.like is not None:  # the Parameter made for it goes as well
            net.text.pop()
            net.blobs.pop(reads[1])
        return
    net.text.append(text)
    net.types.append(drawn.type)
    net.unread -= set(reads)
    for top, shape in zip(tops, shapes, strict=True):
        net.blobs.pop(top, None)
        net.blobs[top] = shape
        net.unread.add(top)
        net.tame.discard(top)
        if drawn.type in ("Flatten", "Reshape") or (drawn.type == "Concat" and len(reads) == 1):
            net.sharing.add(top)
        if drawn.type in TAMING or (drawn.type in KEEPING and net.tame.issuperset(reads)):
            net.tame.add(top)


def _parameter(net: Net, shape: Shape) -> str:
    """A learned blob as the second bottom of a layer."""
    name = f"{net.name}/{len(net.text)}_parameter"
    dims = " ".join(f"dim: {size}" for size in shape)
    net.text.append(
        f'layer {{ name: "{name}" type: "Parameter" top: "{name}" parameter_param {{ shape {{ {dims} }} }} }}\n'
    )
    net.blobs[name] = shape
    return name


def _shapes(net: Net, text: str, reads: list[str], tops: list[str], drawn: Drawn) -> list[Shape] | None:
    """The tops' shapes, None if the layer cannot be."""
    whole = ""
    for one in dict.fromkeys(reads):
        dims = " ".join(f"dim: {size}" for size in net.blobs[one])
        whole += f'layer {{ name: "{one}" type: "Input" top: "{one}" input_param {{ shape {{ {dims} }} }} }}\n'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.prototxt"
        file.write_text(whole + text, encoding="utf-8")
        try:
            found = infer_shapes(read_network(file))
        except HarnessError:
            return None
    name = text.split('"')[1]
    return [found[Top(name, top)] for top in tops]


# ------------------------------------------------------------------------------------------------------- the layers

IN_PLACE = frozenset(
    {"ReLU", "PReLU", "ELU", "Sigmoid", "TanH", "Dropout", "BatchNorm", "Scale", "Bias", "Power", "AbsVal", "BNLL"}
)

STEEP = frozenset({"Exp", "Log", "Power"})
TAMING = frozenset({"Sigmoid", "TanH", "Softmax", "Clip", "Threshold"})
KEEPING = frozenset({"Slice", "Flatten", "Reshape", "Crop", "Tile", "Concat", "ReLU", "Dropout", "AbsVal"})
"""Types that run away, types that rein in, and types that leave the size of numbers as it is."""

Drawer = Callable[[Net, Shape], Drawn | None]


def _number(net: Net, low: float, high: float) -> float:
    return round(float(net.rng.uniform(low, high)), 3)


def _sides(net: Net, shape: Shape, largest: int = 5) -> tuple[list[int], list[int], list[int]]:
    """Kernel, stride and pad of a window, for each axis."""
    kernel = [int(net.rng.integers(1, min(largest, size) + 1)) for size in shape[2:]]
    stride = [int(net.rng.integers(1, 4)) for _ in kernel]
    pad = [int(net.rng.integers(0, size)) if size > 1 else 0 for size in kernel]
    if net.rng.random() < 0.5:
        kernel, stride, pad = [kernel[0]] * 2, [stride[0]] * 2, [min(pad[0], kernel[0] - 1)] * 2
    return kernel, stride, pad


def _window(net: Net, shape: Shape, largest: int = 5) -> str:
    return _written(*_sides(net, shape, largest))


def _written(kernel: list[int], stride: list[int], pad: list[int]) -> str:
    return (
        f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} "
        f"pad_h: {pad[0]} pad_w: {pad[1]}"
    )


def _image(drawer: Drawer) -> Drawer:
    """For blobs of four axes only."""

    def draw(net: Net, shape: Shape) -> Drawn | None:
        return drawer(net, shape) if len(shape) == 4 else None

    return draw


def _plain(kind: str) -> Drawer:
    return lambda net, shape: Drawn(kind)


def _axis(net: Net, shape: Shape, first: int = 1) -> int:
    axis = int(net.rng.integers(min(first, len(shape) - 1), len(shape)))
    return axis - len(shape) if net.rng.random() < 0.3 else axis


@_image
def _convolution(net: Net, shape: Shape) -> Drawn:
    group = int(net.pick(1, 1, 1, shape[1], *(g for g in (2, 3) if shape[1] % g == 0)))
    outputs = group * int(net.rng.integers(1, 5 if group < 4 else 3))
    dilation = int(net.pick(1, 1, 1, 2, 3))
    bias = "" if net.rng.random() < 0.7 else "bias_term: false"
    more = f"num_output: {outputs} group: {group} dilation: {dilation} {bias}"
    return Drawn("Convolution", f"convolution_param {{ {more} {_window(net, shape)} }}")


@_image
def _deconvolution(net: Net, shape: Shape) -> Drawn:
    group = int(net.pick(1, 1, shape[1], *(g for g in (2, 3) if shape[1] % g == 0)))
    outputs = group * int(net.rng.integers(1, 3))
    bias = "" if net.rng.random() < 0.7 else "bias_term: false"
    more = f"num_output: {outputs} group: {group} {bias} {_window(net, shape, 4)}"
    return Drawn("Deconvolution", f"convolution_param {{ {more} }}")


def _looks_behind(size: int, kernel: int, stride: int, pad: int) -> bool:
    """True if a pool's last window lies behind the picture altogether, where Caffe's MAX is −FLT_MAX.

    No public net has such a window (kernels smaller than the stride: 0 of 1,161 nets), and what sums make of −FLT_MAX is
    infinite or no number, as the order of the terms has it.
    """
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    return (count - 1) * stride - pad >= size


@_image
def _pooling(net: Net, shape: Shape) -> Drawn | None:
    mode = net.pick("MAX", "MAX", "AVE")
    if net.rng.random() < 0.1:
        return Drawn("Pooling", f"pooling_param {{ pool: {mode} global_pooling: true }}")
    tops = 2 if mode == "MAX" and net.rng.random() < 0.1 else 1
    sides = _sides(net, shape)
    if any(_looks_behind(*one) for one in zip(shape[2:], *sides, strict=True)):
        return None
    return Drawn("Pooling", f"pooling_param {{ pool: {mode} {_written(*sides)} }}", tops=tops)


@_image
def _spp(net: Net, shape: Shape) -> Drawn:
    return Drawn("SPP", f"spp_param {{ pyramid_height: {net.pick(1, 2, 3)} pool: MAX }}")


@_image
def _im2col(net: Net, shape: Shape) -> Drawn:
    return Drawn("Im2col", f"convolution_param {{ {_window(net, shape, 3)} }}")


def _inner_product(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) < 2:
        return None
    axis = 1 if net.rng.random() < 0.7 else _axis(net, shape)
    more = f"num_output: {int(net.rng.integers(2, 20))} axis: {axis}"
    more += net.pick("", "", " bias_term: false", " transpose: true")
    return Drawn("InnerProduct", f"inner_product_param {{ {more} }}")


def _relu(net: Net, shape: Shape) -> Drawn:
    slope = net.pick(0, 0, 0, 0.1, 0.25, -0.2, 1.5)
    return Drawn("ReLU", f"relu_param {{ negative_slope: {slope} }}")


def _prelu(net: Net, shape: Shape) -> Drawn | None:
    shared = "true" if net.rng.random() < 0.3 else "false"
    return Drawn("PReLU", f"prelu_param {{ channel_shared: {shared} }}") if len(shape) > 1 else None


def _elu(net: Net, shape: Shape) -> Drawn:
    return Drawn("ELU", f"elu_param {{ alpha: {net.pick(1, 0.5, 1.3)} }}")


def _power(net: Net, shape: Shape) -> Drawn:
    power = net.pick(1, 1, 2, 3)
    scale = _number(net, -1, 1) if power == 1 else _number(net, -0.3, 0.3)
    return Drawn("Power", f"power_param {{ power: {power} scale: {scale} shift: {_number(net, -1, 1)} }}")


def _exp(net: Net, shape: Shape) -> Drawn:
    base = net.pick("", "base: 2", "base: 1.7")
    return Drawn("Exp", f"exp_param {{ {base} scale: {_number(net, -0.05, 0.05)} shift: {_number(net, -1, 1)} }}")


def _log(net: Net, shape: Shape) -> Drawn:
    base = net.pick("", "base: 2", "base: 10")
    return Drawn("Log", f"log_param {{ {base} scale: {_number(net, 0.001, 0.01)} shift: {_number(net, 4, 6)} }}")


def _clip(net: Net, shape: Shape) -> Drawn:
    low = net.pick(0, -1, -0.5)
    return Drawn("Clip", f"clip_param {{ min: {low} max: {net.pick(6, 1, 2.5)} }}")


def _threshold(net: Net, shape: Shape) -> Drawn:
    return Drawn("Threshold", f"threshold_param {{ threshold: {_number(net, -0.5, 0.5)} }}")


def _swish(net: Net, shape: Shape) -> Drawn:
    return Drawn("Swish", f"swish_param {{ beta: {net.pick(1, 0.5, 2)} }}")


def _batch_norm(net: Net, shape: Shape) -> Drawn | None:
    more = net.pick("", "eps: 0.001", "eps: 0.00002", "use_global_stats: true", "use_global_stats: false")
    return Drawn("BatchNorm", f"batch_norm_param {{ {more} }}") if len(shape) > 1 else None


def _scale(net: Net, shape: Shape) -> Drawn:
    axis = int(net.rng.integers(0, len(shape))) if net.rng.random() < 0.3 else min(1, len(shape) - 1)
    count = int(net.rng.integers(1, len(shape) - axis + 1)) if net.rng.random() < 0.2 else 1
    bias = "bias_term: true" if net.rng.random() < 0.6 else ""
    return Drawn("Scale", f"scale_param {{ axis: {axis} num_axes: {count} {bias} }}")


def _scale_by(net: Net, shape: Shape) -> Drawn:
    return Drawn("Scale", f"scale_param {{ axis: {net.pick(0, 1)} }}", bottoms=2, like=shape[net.pick(0, 1) :])


def _bias(net: Net, shape: Shape) -> Drawn:
    return Drawn("Bias", f"bias_param {{ axis: {min(1, len(shape) - 1)} }}")


def _lrn(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) != 4:
        return None
    region = net.pick("", "", "norm_region: WITHIN_CHANNEL")
    k = "" if region else f"k: {net.pick(1, 2)}"
    size = net.pick(3, 5)
    return Drawn("LRN", f"lrn_param {{ local_size: {size} alpha: {_number(net, 0.0001, 1)} beta: 0.75 {k} {region} }}")


def _mvn(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) != 4 or math.prod(shape[2:]) < 4:
        return None
    more = net.pick("", "across_channels: true", "normalize_variance: false")
    return Drawn("MVN", f"mvn_param {{ {more} }}")


def _softmax(net: Net, shape: Shape) -> Drawn:
    return Drawn("Softmax", f"softmax_param {{ axis: {_axis(net, shape)} }}")


def _concat(net: Net, shape: Shape) -> Drawn:
    return Drawn("Concat", f"concat_param {{ axis: {_axis(net, shape)} }}", bottoms=int(net.pick(1, 2, 2, 3)))


def _slice(net: Net, shape: Shape) -> Drawn | None:
    axis = _axis(net, shape)
    size = shape[axis]
    if size < 2:
        return None
    points = sorted({int(point) for point in net.rng.integers(1, size, size=net.pick(1, 1, 2))})
    text = " ".join(f"slice_point: {point}" for point in points)
    return Drawn("Slice", f"slice_param {{ axis: {axis} {text} }}", tops=len(points) + 1)


def _eltwise(net: Net, shape: Shape) -> Drawn:
    operation = net.pick("SUM", "SUM", "PROD", "MAX")
    count = int(net.pick(2, 2, 3))
    coefficients = ""
    if operation == "SUM" and net.rng.random() < 0.4:
        coefficients = " ".join(f"coeff: {_number(net, -2, 2)}" for _ in range(count))
    return Drawn("Eltwise", f"eltwise_param {{ operation: {operation} {coefficients} }}", bottoms=count)


def _flatten(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) < 3:
        return None
    more = net.pick("", "", f"axis: {len(shape) - 2}", f"end_axis: {len(shape) - 2}")
    return Drawn("Flatten", f"flatten_param {{ {more} }}")


def _reshape(net: Net, shape: Shape) -> Drawn | None:
    rest = math.prod(shape[1:])
    parts = [part for part in (2, 3, 4, 5) if rest % part == 0]
    if not parts or len(shape) < 2:
        return None
    part = net.pick(*parts)
    choices = [f"dim: 0 dim: {part} dim: -1", "dim: 0 dim: -1"]
    if len(shape) == 4 and shape[1] % 2 == 0:
        choices += ["dim: 0 dim: 2 dim: -1 dim: 0"]
    return Drawn("Reshape", f"reshape_param {{ shape {{ {net.pick(*choices)} }} }}")


def _tile(net: Net, shape: Shape) -> Drawn:
    return Drawn("Tile", f"tile_param {{ axis: {_axis(net, shape)} tiles: {net.pick(2, 3)} }}")


def _crop(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) != 4 or min(shape[2:]) < 3:
        return None
    offsets = [int(net.rng.integers(0, 2)) for _ in range(2)]
    like = (*shape[:2], *(size - 2 for size in shape[2:]))
    return Drawn("Crop", f"crop_param {{ axis: 2 offset: {offsets[0]} offset: {offsets[1]} }}", bottoms=2, like=like)


def _reduction(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) < 3:
        return None
    operation = net.pick("SUM", "ASUM", "SUMSQ", "MEAN")
    axis = int(net.rng.integers(1, len(shape)))
    return Drawn(
        "Reduction", f"reduction_param {{ operation: {operation} axis: {axis} coeff: {_number(net, 0.1, 1)} }}"
    )


def _argmax(net: Net, shape: Shape) -> Drawn | None:
    if len(shape) < 2:
        return None
    axis = int(net.rng.integers(1, len(shape)))
    value = net.pick("", "out_max_val: true")
    return Drawn("ArgMax", f"argmax_param {{ axis: {axis} top_k: {net.pick(1, 1, 2)} {value} }}")


def _dropout(net: Net, shape: Shape) -> Drawn:
    return Drawn("Dropout", f"dropout_param {{ dropout_ratio: {net.pick(0.2, 0.5)} }}")


DRAWERS: tuple[Drawer, ...] = (
    *(_convolution,) * 16,
    *(_pooling,) * 8,
    *(_relu,) * 3,
    *(_deconvolution,) * 2,
    *(_inner_product, _batch_norm, _scale, _eltwise, _concat) * 2,
    _prelu, _elu, _power, _exp, _log, _clip, _threshold, _swish, _scale_by, _bias, _lrn, _mvn, _softmax, _slice,
    _flatten, _reshape, _tile, _crop, _reduction, _argmax, _dropout, _spp, _im2col,
    _plain("AbsVal"), _plain("BNLL"), _plain("Sigmoid"), _plain("TanH"),
)  # fmt: skip


def draw_many(seed: int, numbers: range) -> Iterator[tuple[int, str]]:
    """Several nets by number."""
    for number in numbers:
        yield number, draw_net(seed, number)
