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
        (
            "Convolution",
            (1, 4, 5, 5),
            "num_output: 3 kernel_size: [1, 1, 1]",
            "kernel_size has 3 values for 2 spatial axes\n  → ",
        ),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 stride: 0", "stride is 0×0\n  → give stride"),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 stride_h: 2", "stride is 2×0\n  → give stride"),
        (
            "Convolution",
            (1, 4, 5, 5),
            "num_output: 3 kernel_h: 3",
            "kernel_size is 3×0\n  → give kernel_size, or all of its sides, as 1 or more",
        ),
        ("Convolution", (1, 4, 5, 5), "num_output: 3 kernel_size: 3 axis: 2", "axis 2: only axis 1 is supported"),
        (
            "Convolution",
            (1, 4, 5, 5),
            "num_output: 4 kernel_size: 3 group: 3",
            "group 3 does not divide 4 input and 4 output channels",
        ),
        ("Convolution", (1, 4), "num_output: 3 kernel_size: 3", "reads a blob of 2 axes: only N, C and one to three"),
        ("Convolution", (1, 4, 5), "num_output: 3 kernel_h: 3 kernel_w: 3", "kernel_h and kernel_w for 1 spatial axes"),
        (
            "Convolution",
            (1, 4, 5, 5),
            "num_output: 3 kernel_size: 3 kernel_h: 3 kernel_w: 3",
            "kernel_h and kernel_w beside kernel_size\n  → write kernel_size alone, as Caffe wants it",
        ),
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
        ("Pooling", (1, 4, 5), "kernel_size: 2", "reads a blob of 3 axes: Caffe takes N, C, H, W"),
        (
            "Pooling",
            (1, 4, 5, 5),
            "kernel_size: 2 stride: 2 stride_h: 1 stride_w: 2",
            "stride_h and stride_w beside stride\n  → write stride alone, as Caffe wants it",
        ),
        (
            "Pooling",
            (1, 4, 5, 5),
            "global_pooling: true pad: 1",
            "global_pooling with pad, which Caffe refuses too\n  → leave pad out, or global_pooling",
        ),
        (
            "Pooling",
            (1, 4, 5, 5),
            "global_pooling: true kernel_size: 5",
            "global_pooling with kernel_size, which Caffe",
        ),
        ("Pooling", (1, 4, 5, 5), "global_pooling: true stride: 2", "global_pooling with stride, which Caffe refuses"),
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


@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
def test_one_kernel_for_several_blobs_is_refused_with_a_way_out(kind: str) -> None:
    text = nets.data(1, 2, 4, 5, name="a") + nets.data(1, 2, 4, 5, name="b")
    text += f'layer {{ name: "both" type: "{kind}" bottom: "a" bottom: "b" top: "c" top: "d" '
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.network(text + "convolution_param { num_output: 2 kernel_size: 1 } }"))
    assert str(caught.value).endswith(
        f"layer 'both': reads 2 blobs; {kind} reads 1\n"
        '  → write one layer for each bottom, all with the same param { name: "…" }'
    )


@pytest.mark.parametrize(
    ("mode", "tops", "said"),
    [
        ("MAX", 3, "makes 3 blobs; Pooling makes 1 or 2\n  → leave the others out"),
        ("AVE", 2, "makes 2 blobs; Pooling makes 1\n  → leave the others out"),
    ],
)
def test_tops_that_caffe_does_not_make_are_refused(mode: str, tops: int, said: str) -> None:
    made = " ".join(f'top: "{name}"' for name in "abc"[:tops])
    text = f'layer {{ name: "pool" type: "Pooling" bottom: "data" {made} pooling_param {{ pool: {mode} kernel_size: 2 }} }}'
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.network(nets.data(1, 2, 4, 5) + text))
    assert str(caught.value).endswith(f"layer 'pool': {said}")


def test_square_sums_of_a_sequence_and_of_a_volume() -> None:
    for shape in ((2, 4, 3), (1, 4, 2, 3, 2)):
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        sums = square_sums(x, 2)
        for n, g, *at in np.ndindex(sums.shape):
            assert sums[(n, g, *at)] == sum(float(x[(n, c, *at)]) ** 2 for c in (2 * g, 2 * g + 1))


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
    assert [square(sides) for sides in ((2,), (2, 2, 2), (2, 2, 1))] == [2, 2, (2, 2, 1)]
