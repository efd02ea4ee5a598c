"""How a window is written in a prototxt, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.errors import UnsupportedError
from harness.layers.shapes import infer_shapes
from harness.layers.window import Window, read_window, square, square_sums


def window(kind: str, text: str) -> Window:
    key = "pooling_param" if kind == "Pooling" else "convolution_param"
    net = nets.single(kind, (1, 4, 9, 9), f"{key} {{ {text} }}")
    parameters = getattr(net["layer"].parameters, key)
    return read_window(net["layer"], parameters, dilated=kind != "Pooling")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kernel_size: 3", Window((3, 3))),
        ("kernel_size: 3 kernel_size: 2", Window((3, 2))),
        ("kernel_h: 3 kernel_w: 2", Window((3, 2))),
        ("kernel_size: 1 pad: 2", Window((1, 1), pad=(2, 2))),
        ("kernel_size: 1 pad: 2 pad: 0", Window((1, 1), pad=(2, 0))),
        ("kernel_size: 1 pad_h: 1", Window((1, 1), pad=(1, 0))),
        ("kernel_size: 1 stride_h: 1 stride_w: 4", Window((1, 1), stride=(1, 4))),
        ("kernel_size: 1 stride: 2", Window((1, 1), stride=(2, 2))),
        ("kernel_size: 1 dilation: 3", Window((1, 1), dilation=(3, 3))),
        ("kernel_size: 1 dilation: 1 dilation: 2", Window((1, 1), dilation=(1, 2))),
    ],
)
def test_convolution_window(text: str, expected: Window) -> None:
    assert window("Convolution", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kernel_size: 3 stride: 2 pad: 1", Window((3, 3), (2, 2), (1, 1))),
        ("kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 1", Window((3, 2), (2, 1), (0, 1))),
    ],
)
def test_pooling_window(text: str, expected: Window) -> None:
    assert window("Pooling", text) == expected


def test_extent_of_a_dilated_window() -> None:
    # A 3×2 kernel whose taps lie 4 and 5 apart covers rows 0, 4, 8 and columns 0, 5.
    assert Window((3, 2), dilation=(4, 5)).extent == (9, 6)
    assert list(Window((2, 2)).taps()) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("kind", "shape", "parameters", "said"),
    [
        ("Convolution", (1, 4, 5, 5), "num_output: 3", "no kernel_size\n  → give kernel_size"),
        ("Convolution", (1, 4, 5, 5), "kernel_size: 3", "no num_output"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: [1, 1, 1]", "kernel_size has 3 values: only two"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 stride: 0", "stride is 0×0\n  → give stride"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 stride_h: 2", "stride is 2×0\n  → give stride"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_h: 3", "kernel_size is 3×0"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 axis: 2", "axis 2: only axis 1 is supported"),
        (
            "Convolution",
            (1, 4, 5, 5),
            "num_output: 4 kernel_size: 3 group: 3",
            "group 3 does not divide 4 input and 4 output channels",
        ),
        ("Convolution", (1, 4, 5), "num_output: 3 kernel_size: 3", "reads a blob of 3 axes: only N, C, H, W"),
        (
            "Convolution",
            (1, 4, 5, 4),
            "num_output: 3 kernel_size: 3 dilation: 2",
            "a window of 5×5 does not fit into (1, 4, 5, 4)\n  → give a larger --input-size",
        ),
        ("Deconvolution", (1, 4, 2, 2), "num_output: 3 kernel_size: 2 pad: 4", "a window of 2×2 does not fit"),
        ("Deconvolution", (1, 4, 2, 2), "num_output: 3 kernel_size: 2 group: 2", "group 2 does not divide 4 input"),
        ("Pooling", (1, 4, 2, 5), "kernel_size: 9 stride: 2", "a window of 9×9 does not fit into (1, 4, 2, 5)"),
        ("Pooling", (1, 4, 5, 5), "kernel_size: 2 pad: 2", "pad is as large as the kernel, which Caffe refuses too"),
        ("Pooling", (1, 4, 5), "kernel_size: 2", "reads a blob of 3 axes"),
        (
            "Pooling",
            (1, 4, 5, 5),
            "kernel_size: 2 pool: STOCHASTIC",
            "STOCHASTIC pooling draws at random while it trains and has no inference in Caffe's CPU code\n"
            "  → write pool: MAX or pool: AVE",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_at_its_line(
    kind: str, shape: tuple[int, ...], parameters: str, said: str
) -> None:
    key = "pooling_param" if kind == "Pooling" else "convolution_param"
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.single(kind, shape, f"{key} {{ {parameters} }}"))
    assert f"deploy.prototxt:2, layer 'layer': {said}" in str(caught.value)


def test_square_sums_per_group() -> None:
    x = np.arange(2 * 4 * 2 * 3, dtype=np.float32).reshape(2, 4, 2, 3)
    sums = square_sums(x, 2)
    assert sums.shape == (2, 2, 2, 3)
    for n, g, y, left in np.ndindex(sums.shape):
        assert sums[n, g, y, left] == sum(float(x[n, c, y, left]) ** 2 for c in (2 * g, 2 * g + 1))


def test_square_sums_beyond_float32() -> None:
    x = np.full((1, 2, 1, 1), 1e30, np.float32)
    assert float(square_sums(x, 1)[0, 0, 0, 0]) == pytest.approx(2e60, rel=1e-6)


def test_a_pair_is_written_as_a_person_would() -> None:
    assert square((3, 3)) == 3
    assert square((3, 2)) == (3, 2)
