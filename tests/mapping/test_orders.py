"""In which order a Keras tensor holds a blob's axes: from its declared shape, its readers, and what turns the axes."""

from __future__ import annotations

import pytest
from support import nets

from harness.data import KerasGraph, KerasNode, Top
from harness.mapping.orders import Expected, input_cut, order_behind, passed_on

LAST, CAFFE = (0, 2, 3, 1), (0, 1, 2, 3)


def node(class_name: str, rank: int = 4, **config) -> KerasNode:
    return KerasNode(class_name.lower(), class_name, config, (0,), (1,), ((None,) * rank,))


@pytest.mark.parametrize(
    ("declared", "reader", "order"),
    [
        ((None, 5, 7, 3), node("Conv2D", data_format="channels_last"), LAST),
        ((None, 3, 5, 7), node("Conv2D", data_format="channels_first"), CAFFE),
        ((None, None, None, 3), node("Conv2D"), LAST),
        ((None, None, None, None), node("Conv2D"), LAST),
        ((None, None, None, None), node("Conv2D", data_format="channels_first"), CAFFE),
        ((None, 3, 5, 7), node("ReLU"), CAFFE),
    ],
)
def test_a_picture(declared, reader: KerasNode, order) -> None:
    graph = KerasGraph((reader,), (0,), (1,), ("data",), (declared,))
    assert input_cut(graph, 0, Top("data", "data"), (1, 3, 5, 7)).order == order


@pytest.mark.parametrize(
    ("declared", "reader", "order"),
    [
        ((None, 4, 4), node("LSTM", 3), (0, 1, 2)),
        ((None, 4, 4), node("Conv1D", 3, data_format="channels_last"), (0, 2, 1)),
        ((None, 9, 4), node("ReLU", 3), (0, 2, 1)),
    ],
)
def test_a_sequence(declared, reader: KerasNode, order) -> None:
    shape = (1, 4, 4) if declared[1] == 4 else (1, 4, 9)
    graph = KerasGraph((reader,), (0,), (1,), ("data",), (declared,))
    assert input_cut(graph, 0, Top("data", "data"), shape).order == order


def test_permute_turns_the_axes() -> None:
    assert passed_on(LAST, [node("Permute", dims=(3, 1, 2))]) == CAFFE
    assert passed_on(CAFFE, [node("Permute", dims=(2, 3, 1))]) == LAST
    assert passed_on(LAST, [node("ZeroPadding2D"), node("Dropout")]) == LAST


def test_nothing_is_known_behind_a_change_of_rank_in_another_order_than_caffes() -> None:
    assert passed_on(LAST, [node("Reshape", 3)]) is None
    assert passed_on(CAFFE, [node("Reshape", 3)]) == CAFFE
    assert passed_on(LAST, [node("Reshape", 3), node("Permute", 3, dims=(2, 1))]) is None


def test_a_third_order_is_not_believed() -> None:
    """A port that turns its axes wrongly must not be read so that it looks right."""
    assert Expected((0, 3, 1, 2), (1, 4, 4, 4)).fit((None, 4, 4, 4)) == LAST


def test_the_tensors_own_shape_goes_before_what_was_expected() -> None:
    assert Expected(CAFFE, (1, 3, 5, 7)).fit((None, 5, 7, 3)) == LAST
    assert Expected(LAST, (1, 3, 5, 7)).fit((None, 3, 5, 7)) == CAFFE
    assert Expected(LAST, (1, 3, 5, 7)).fit((None, None, None, None)) == LAST
    assert Expected(CAFFE, (1, 3, 5, 7)).fit((None, 9, 9, 9)) == CAFFE, "a wrong shape is the verdict's to find"


def test_a_layer_passes_its_bottoms_order_on() -> None:
    net = nets.network(nets.data(1, 4, 5, 7) + nets.relu("data", "r", "r"))
    from harness.layout import Held

    (expected,) = order_behind(
        net["r"],
        [Held((1, 4, 5, 7), CAFFE)],
        node("ReLU"),
        [node("Permute", dims=(2, 3, 1))],
        {Top("r", "r"): (1, 4, 5, 7)},
    )
    assert expected.order == LAST
