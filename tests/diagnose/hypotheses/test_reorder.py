"""Numbers that Keras reads in the order of its own axes, where Caffe reads channel after channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause, Network

SIZES = (6, 6, 4)
DATA = nets.data(1, 4, 6, 6)


def causes(net: Network, model: Callable[[Any], Any], at: str) -> tuple[Cause, ...]:
    """Of the one layer at fault, or none."""
    data = keras.Input(SIZES, name="data")
    rows = rows_of(net, keras.Model(data, model(data)), converted=True, end_to_end=True)
    at_fault = [name for name, row in rows.items() if row.status.fails]
    assert at_fault in ([at], [])
    return rows[at].causes


def reshaped(*dims: int) -> Network:
    shape = " ".join(f"dim: {dim}" for dim in dims)
    return nets.network(DATA + nets.layer("Reshape", "data", "x", f"reshape_param {{ shape {{ {shape} }} }}")
                        + nets.layer("TanH", "x", "t"))  # fmt: skip


def permuted() -> Network:
    order = "permute_param { order: 0 order: 1 order: 3 order: 2 }"
    return nets.network(DATA + nets.layer("Permute", "data", "x", order) + nets.conv("x", "c"))


def tanh(x: Any) -> Any:
    return layers.Activation("tanh", name="t")(x)


@pytest.mark.parametrize(
    ("dims", "target", "said"),
    [
        (
            (0, 6, 4, 6),
            (4, 6, 6),
            "the numbers are read in the order N, H, W, C, Caffe reads N, C, H, W, and laid down with the channels last.",
        ),
        ((0, 12, 12), (12, 12), "the numbers are read in the order N, H, W, C, Caffe reads N, C, H, W."),
        ((0, 144), (144,), "the numbers are read in the order N, H, W, C, Caffe reads N, C, H, W."),
    ],
)
def test_a_reshape_of_channels_last_numbers(dims, target, said) -> None:
    (cause,) = causes(reshaped(*dims), lambda x: tanh(layers.Reshape(target, name="x")(x)), "x")
    assert (cause.code, cause.proven, cause.summary) == ("reshape.order", True, said)
    assert cause.fix == "Permute((3, 1, 2)) before x, so that it reads N, C, H, W"
    assert cause.evidence == "Caffe's definition of x gives what Keras gives once its numbers are in that order."


def test_it_is_found_in_the_layer_behind_where_the_reshape_has_no_namesake() -> None:
    (cause,) = causes(reshaped(0, 12, 12), lambda x: tanh(layers.Reshape((12, 12), name="r")(x)), "t")
    assert (cause.code, cause.proven) == ("reshape.order", True)
    assert cause.fix == "Permute((3, 1, 2)) before r, so that it reads N, C, H, W"


def test_a_lambda_may_reshape() -> None:
    change = layers.Lambda(lambda x: keras.ops.reshape(x, (-1, 12, 12)), name="x")
    (cause,) = causes(reshaped(0, 12, 12), lambda x: tanh(change(x)), "x")
    assert (cause.code, cause.proven) == ("reshape.order", True)


def test_a_right_reshape_has_no_cause() -> None:
    assert (
        causes(reshaped(0, 12, 12), lambda x: tanh(layers.Reshape((12, 12))(layers.Permute((3, 1, 2))(x))), "t") == ()
    )


def test_a_permute_of_other_dims_is_stated() -> None:
    (cause,) = causes(permuted(), lambda x: layers.Conv2D(3, 3, name="c")(layers.Permute((1, 2, 3), name="x")(x)), "x")
    assert (cause.code, cause.proven, cause.fix) == ("permute.order", True, "Permute((2, 1, 3))")
    assert cause.summary == "Keras puts Caffe's axes in the order 0 1 2 3, Caffe in 0 1 3 2."
    assert cause.evidence == "x: order 0 1 3 2 in the prototxt, dims=(1, 2, 3) in x."


def test_a_permute_in_a_lambda() -> None:
    order = "permute_param { order: 0 order: 3 order: 2 order: 1 }"
    net = nets.network(nets.data(1, 6, 6, 6) + nets.layer("Permute", "data", "x", order) + nets.conv("x", "c"))
    data = keras.Input((6, 6, 6), name="data")
    same = layers.Lambda(lambda x: x + 0.0, name="x")
    model = keras.Model(data, layers.Conv2D(3, 3, name="c")(same(data)))
    (cause,) = rows_of(net, model, converted=True)["x"].causes
    assert (cause.code, cause.proven) == ("permute.order", True)


def test_groups_of_channels_dealt_the_other_way() -> None:
    net = nets.network(
        DATA + nets.layer("ShuffleChannel", "data", "x", "shuffle_channel_param { group: 4 }") + nets.conv("x", "c")
    )
    assert causes(net, lambda x: layers.Conv2D(3, 3, name="c")(x), "c") == ()  # four groups of one are left as they are
    net = nets.network(
        nets.data(1, 4, 6, 6)
        + nets.conv("data", "a", "num_output: 6 kernel_size: 1")
        + nets.layer("ShuffleChannel", "a", "x", "shuffle_channel_param { group: 2 }")
        + nets.conv("x", "c")
    )

    def model(x: Any) -> Any:
        x = layers.Reshape((6, 6, 3, 2))(layers.Conv2D(6, 1, name="a")(x))
        return layers.Conv2D(3, 3, name="c")(layers.Reshape((6, 6, 6), name="x")(layers.Permute((1, 2, 4, 3))(x)))

    (cause,) = causes(net, model, "x")
    assert (cause.code, cause.proven) == ("permute.order", True)
    assert cause.fix == "reshape the 6 channels to (2, 3) and exchange the two"


def heads() -> Network:
    """Two of SSD's: permuted, flattened and joined."""
    order = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
    text = DATA
    for name in "ab":
        text += (
            nets.conv("data", name)
            + nets.layer("Permute", name, f"{name}p", order)
            + nets.layer("Flatten", f"{name}p", f"{name}f")
        )
    return nets.network(
        text + 'layer { name: "x" type: "Concat" bottom: "af" bottom: "bf" top: "x" concat_param { axis: 1 } }\n'
    )


def joined(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def model(x: Any) -> Any:
        ends = [layers.Conv2D(3, 3, name=name)(x) for name in "ab"]
        return layers.Concatenate(name="x")([layers.Flatten()(first(ends[0])), layers.Flatten()(second(ends[1]))])

    return model


def test_heads_that_are_read_as_caffe_has_them_before_its_permute() -> None:
    turned = layers.Permute((3, 1, 2))
    (cause,) = causes(heads(), joined(turned, turned), "x")
    assert (cause.code, cause.proven) == ("reshape.order", True)
    assert cause.summary == "the numbers are read in the order N, C, H, W, Caffe reads N, H, W, C."
    assert cause.fix.startswith("no permute")


def test_one_head_of_two() -> None:
    (cause,) = causes(heads(), joined(lambda x: x, layers.Permute((3, 1, 2))), "x")
    assert cause.summary == "the numbers in bf are read in the order N, C, H, W, Caffe reads N, H, W, C."


def test_right_heads() -> None:
    assert causes(heads(), joined(lambda x: x, lambda x: x), "x") == ()
