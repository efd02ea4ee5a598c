"""How much memory Caffe will need, estimated before it is started."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from harness.data import Network, Shape, Top
from harness.layers import layer_type

FLOAT = 4
PROCESS = 300 * 2**20
"""Python, NumPy, Caffe's libraries."""


def estimate(network: Network, shapes: Mapping[Top, Shape]) -> int:
    """Bytes that one forward pass takes in BVLC Caffe on a CPU.

    Every blob once; every convolution its own column buffer (im2col: C·k_h·k_w × H_out·W_out floats, none for a 1×1
    kernel with stride 1 and no pad); the weights twice, since the file's message is still there while they are copied.
    """
    blobs = sum(math.prod(shapes[top]) for layer in network.layers for top in layer.tops if not layer.in_place)
    weights = columns = 0
    for layer in network.layers:
        bottoms = [shapes[bottom] for bottom in layer.bottoms]
        learned = layer_type(layer).blob_shapes(layer, bottoms)
        weights += sum(map(math.prod, learned))
        if layer.type == "Convolution":
            kernel, out = learned[0], shapes[layer.tops[0]]
            if math.prod(kernel[2:]) > 1:
                columns += bottoms[0][1] * math.prod(kernel[2:]) * math.prod(out[2:])
        elif layer.type == "Deconvolution":
            columns += math.prod(learned[0][1:]) * math.prod(bottoms[0][2:])
    return PROCESS + FLOAT * (blobs + columns + 2 * weights)


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
