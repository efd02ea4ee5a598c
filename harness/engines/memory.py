"""How much memory Caffe will need, estimated before it is started."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.data import Network, Shape, Top
from harness.layers import layer_type

FLOAT = 4
PROCESS = 145_000_000
"""Python, NumPy, Caffe's libraries, measured with nets of a few KB."""

UNROLLED = {"LSTM": (1, 19), "RNN": (3, 8)}
"""Of the net that Caffe unrolls: how many of the last learned blobs each step has, and how many numbers it makes of each
output: for the LSTM W_hc, and 4 of x twice, 4 of h, 4 of their sum, and h·cont, c, h."""


def estimate(network: Network, shapes: Mapping[Top, Shape]) -> int:
    """Bytes that one forward pass takes in BVLC Caffe on a CPU.

    Every blob once; every convolution its own column buffer (im2col: C·k_h·k_w × H_out·W_out floats, none for a 1×1
    kernel with stride 1 and no pad), every recurrent layer a net of its own; the weights. While these are read, before
    the first layer runs, they are there twice, in the net and in the file's message, and of the largest blob a part once
    more: protobuf reads it into memory that doubles as it fills, and copies.
    """
    blobs = sum(math.prod(shapes[top]) for layer in network.layers for top in layer.tops if not layer.in_place)
    weights = largest = columns = 0
    for layer in network.layers:
        bottoms = [shapes[bottom] for bottom in layer.bottoms]
        learned = layer_type(layer).blob_shapes(layer, bottoms)
        weights += sum(map(math.prod, learned))
        largest = max(largest, *map(math.prod, learned), 0)
        if layer.type == "Convolution":
            kernel, out = learned[0], shapes[layer.tops[0]]
            if math.prod(kernel[2:]) > 1:
                columns += bottoms[0][1] * math.prod(kernel[2:]) * math.prod(out[2:])
        elif layer.type == "Deconvolution":
            columns += math.prod(learned[0][1:]) * math.prod(bottoms[0][2:])
        elif layer.type in UNROLLED:
            columns += _unrolled(layer.type, bottoms[0], learned)
    halfway = 1 << (largest - 1).bit_length() - 1 if largest > 1 else 0
    return PROCESS + FLOAT * (weights + max(weights + halfway, blobs + columns))


def _unrolled(kind: str, x: Shape, learned: Sequence[Shape]) -> int:
    """Numbers in the net that Caffe unrolls over x, T × N × …

    While it is made, each step fills recurrent weights of its own, which are given back when they come to be shared.
    """
    repeated, made = UNROLLED[kind]
    outputs = learned[-1][-1]
    return max(x[0] * sum(map(math.prod, learned[-repeated:])), made * x[0] * x[1] * outputs)


def available() -> int | None:
    """Bytes that this machine could give now; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def fitting_size(size: tuple[int, int], needed: int, at_hand: int) -> tuple[int, int]:
    """The input size, in the same proportions, at which the estimate would fit; memory goes with the area."""
    ratio = math.sqrt(at_hand / needed) * 0.95
    return int(size[0] * ratio), int(size[1] * ratio)
