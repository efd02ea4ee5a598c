"""Shapes and blobs of a whole net, worked out on paper."""

from __future__ import annotations

import pytest
from support import nets

from harness.data import Top
from harness.errors import UnsupportedError
from harness.layers.shapes import blob_shapes, infer_shapes

LENET = (
    nets.data(2, 1, 28, 28)
    + nets.conv("data", "conv1", "num_output: 20 kernel_size: 5")
    + nets.layer("Pooling", "conv1", "pool1", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + nets.conv("pool1", "conv2", "num_output: 50 kernel_size: 5 group: 2 bias_term: false")
    + nets.layer("Pooling", "conv2", "pool2", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    + nets.layer("InnerProduct", "pool2", "ip1", "inner_product_param { num_output: 500 }")
    + nets.relu("ip1", "relu1")
    + nets.layer("InnerProduct", "ip1", "ip2", "inner_product_param { num_output: 10 transpose: true }")
    + nets.layer("Softmax", "ip2", "prob")
)


def test_shapes_of_a_net() -> None:
    net = nets.network(LENET)
    assert {str(top): shape for top, shape in infer_shapes(net).items()} == {
        "data": (2, 1, 28, 28),
        "conv1": (2, 20, 24, 24),
        "pool1": (2, 20, 12, 12),
        "conv2": (2, 50, 8, 8),
        "pool2": (2, 50, 4, 4),  # (8 − 3) / 2 = 2.5, rounded up
        "ip1": (2, 500),
        "relu1:ip1": (2, 500),
        "ip2": (2, 10),
        "prob": (2, 10),
    }


def test_blobs_of_a_net() -> None:
    net = nets.network(LENET)
    assert blob_shapes(net, infer_shapes(net)) == {
        "conv1": ((20, 1, 5, 5), (20,)),
        "conv2": ((50, 10, 5, 5),),
        "ip1": ((500, 800), (500,)),
        "ip2": ((500, 10), (10,)),
    }


def test_blobs_of_a_deconvolution_are_inputs_first() -> None:
    net = nets.single("Deconvolution", (1, 6, 4, 4), "convolution_param { num_output: 4 kernel_size: 2 group: 2 }")
    assert blob_shapes(net, infer_shapes(net)) == {"layer": ((6, 2, 2, 2), (4,))}


@pytest.mark.parametrize(("size", "shape"), [(900, (66, 66)), (437, (9, 9)), (373, (1, 1))], ids=["900", "437", "373"])
def test_published_sizes_of_dilation8(size: int, shape: tuple[int, int]) -> None:
    """The front end's output, counted by hand: three pools of size 2, then a net that takes 46 more pixels in all."""
    text = nets.data(1, 3, size, size)
    blob = "data"

    def conv(name: str, more: str) -> None:
        nonlocal text, blob
        text, blob = text + nets.conv(blob, name, f"num_output: 1 {more}"), name

    def pool(name: str) -> None:
        nonlocal text, blob
        text += nets.layer("Pooling", blob, name, "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
        blob = name

    for block, count in ((1, 2), (2, 2), (3, 3)):
        for index in range(count):
            conv(f"conv{block}_{index + 1}", "kernel_size: 3")
        pool(f"pool{block}")
    for index in range(3):
        conv(f"conv4_{index + 1}", "kernel_size: 3")
    for index in range(3):
        conv(f"conv5_{index + 1}", "kernel_size: 3 dilation: 2")
    conv("fc6", "kernel_size: 7 dilation: 4")
    shapes = infer_shapes(nets.network(text))
    assert shapes[Top("fc6", "fc6")][2:] == shape


def test_a_net_too_small_names_the_layer() -> None:
    text = nets.data(1, 3, 4, 4) + nets.conv("data", "a") + nets.conv("a", "b")
    with pytest.raises(UnsupportedError, match="layer 'b': a window of 3×3 does not fit into"):
        infer_shapes(nets.network(text))
