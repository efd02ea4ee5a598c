"""Pairs by equal weights: a proof for each, and nothing by shape alone."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.data import KerasGraph, KerasNode
from harness.layers.shapes import infer_shapes
from harness.mapping.propose import propose

NET = nets.network(
    nets.data(1, 3, 8, 8)
    + nets.conv("data", "a", "num_output: 3 kernel_size: 3")
    + nets.conv("a", "b", "num_output: 3 kernel_size: 3")
    + nets.layer("InnerProduct", "b", "ip", "inner_product_param { num_output: 5 }")
)
BLOBS = nets.random_blobs(NET)


def conv(blobs) -> dict[str, np.ndarray]:
    """OIHW as HWIO, written out."""
    kernel = np.zeros((3, 3, *blobs[0].shape[1::-1]), np.float32)
    for o, i, y, x in np.ndindex(blobs[0].shape):
        kernel[y, x, i, o] = blobs[0][o, i, y, x]
    return {"kernel": kernel, "bias": blobs[1]}


def dense(blobs, *, rows_first: bool = True) -> dict[str, np.ndarray]:
    """The kernel behind a Flatten of 4×4×3 (rows, columns, channels), or of Caffe's 3×4×4."""
    whole = blobs[0].reshape(5, 3, 4, 4)
    turned = whole.transpose(0, 2, 3, 1) if rows_first else whole
    return {"kernel": turned.reshape(5, -1).T, "bias": blobs[1]}


def found(layers: dict[str, tuple[str, dict[str, np.ndarray]]], names=None, blobs=BLOBS):
    graph = KerasGraph(
        tuple(
            KerasNode(name, kind, {}, (index,), (index + 1,), ((None,),))
            for index, (name, (kind, _)) in enumerate(layers.items())
        ),
        (0,),
        (len(layers),),
    )
    made = propose(NET, graph, nets.weights(blobs), infer_shapes(NET), lambda name: layers[name][1], names or {})
    return {layer: (one.keras, one.reason) for layer, one in made.items()}


def test_equal_weights_pair_layers_whose_names_differ() -> None:
    layers = {
        "conv2d_1": ("Conv2D", conv(BLOBS["a"])),
        "conv2d_2": ("Conv2D", conv(BLOBS["b"])),
        "dense_1": ("Dense", dense(BLOBS["ip"])),
    }
    assert found(layers) == {
        "a": ("conv2d_1", "equal weights"),
        "b": ("conv2d_2", "equal weights"),
        "ip": ("dense_1", "equal weights"),
    }


def test_the_order_of_the_graph_does_not_matter_where_the_weights_say_it() -> None:
    layers = {"second": ("Conv2D", conv(BLOBS["b"])), "first": ("Conv2D", conv(BLOBS["a"]))}
    assert found(layers) == {"a": ("first", "equal weights"), "b": ("second", "equal weights")}


def test_a_dense_layer_behind_a_transpose_to_caffes_order_is_found_too() -> None:
    assert found({"d": ("Dense", dense(BLOBS["ip"], rows_first=False))}) == {"ip": ("d", "equal weights")}


def test_equal_shapes_are_no_reason() -> None:
    layers = {"conv2d": ("Conv2D", {**conv(BLOBS["a"]), "bias": BLOBS["a"][1] + 1e-3})}
    assert found(layers) == {}


@pytest.mark.parametrize(("count", "expected"), [(2, "equal weights, in the order of the graphs"), (3, None)])
def test_layers_of_equal_weights_go_in_the_order_of_the_graphs(count: int, expected: str | None) -> None:
    zeros = (np.zeros_like(BLOBS["a"][0]), np.zeros_like(BLOBS["a"][1]))
    layers = {f"c{index}": ("Conv2D", conv(zeros)) for index in range(count)}
    made = found(layers, blobs={"a": zeros, "b": zeros})
    assert made == ({"a": ("c0", expected), "b": ("c1", expected)} if expected else {})


def test_what_has_a_namesake_or_is_named_already_is_left_alone() -> None:
    layers = {"a": ("Conv2D", conv(BLOBS["b"])), "x": ("Conv2D", conv(BLOBS["b"]))}
    assert found(layers) == {"b": ("x", "equal weights")}
    assert found(layers, names={"b": "x"}) == {}
