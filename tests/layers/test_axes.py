"""Layers over axes: what they refuse, what they leave to the tensor as it is, and reshaping without moving a number."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.convert.plan import plan
from harness.data import Shape
from harness.errors import UnsupportedError
from harness.layers import layer_type
from harness.layers.axes import reshaped_order
from harness.layers.shapes import infer_shapes
from harness.layout import Held, caffe_order, last_order

FOUR = (1, 4, 5, 6)


def of_several(kind: str, shapes: tuple[Shape, ...], parameters: str = "", tops: str = 'top: "layer"') -> str:
    """A net of one layer over several inputs, `data0`, `data1` …"""
    names = [f"data{index}" for index in range(len(shapes))]
    inputs = "".join(nets.data(*shape, name=name) for name, shape in zip(names, shapes, strict=True))
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    return inputs + f'layer {{ name: "layer" type: "{kind}" {bottoms} {tops} {parameters} }}\n'


def refused(text: str) -> str:
    """What is said of a net, behind the address."""
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.network(text))
    address, _, said = str(caught.value).partition(", layer 'layer': ")
    assert ".prototxt:" in address
    return said


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        ("Softmax", "softmax_param { axis: 4 }", "axis 4 of a blob of 4 axes\n  → give axis as -4 to 3"),
        ("Softmax", "softmax_param { axis: -5 }", "axis -5 of a blob of 4 axes\n  → give axis as -4 to 3"),
        ("InnerProduct", "", "no num_output"),
        ("InnerProduct", "inner_product_param { num_output: 3 axis: 4 }", "axis 4 of a blob of 4 axes"),
        ("Concat", "concat_param { axis: 1 concat_dim: 1 }", "both axis and concat_dim\n  → give axis alone"),
        ("Concat", "concat_param { concat_dim: 4 }", "concat_dim 4 of a blob of 4 axes"),
        ("Eltwise", "", "1 bottom where Eltwise takes 2 or more\n  → give it 2 or more bottoms"),
        ("Flatten", "flatten_param { axis: 5 }", "axis 5 of a blob of 4 axes"),
        ("Flatten", "flatten_param { end_axis: 4 }", "end_axis 4 of a blob of 4 axes"),
        (
            "Flatten",
            "flatten_param { axis: 3 end_axis: 1 }",
            "axis 3 lies behind end_axis 1\n  → give an end_axis that is not before axis",
        ),
        ("Reshape", "reshape_param { shape { dim: -1 dim: -1 } }", "shape [-1, -1] has several −1\n  → leave one −1"),
        ("Reshape", "reshape_param { shape { dim: -2 } }", "shape [-2] has a size below −1\n  → write sizes, 0 or −1"),
        (
            "Reshape",
            "reshape_param { shape { dim: 0 dim: 7 dim: -1 } }",
            "shape [0, 7, -1] does not take the 120 numbers of (1, 4, 5, 6)\n  → write sizes that do",
        ),
        ("Reshape", "reshape_param { shape { dim: 0 dim: 4 } }", "shape [0, 4] does not take the 120 numbers"),
        (
            "Reshape",
            "reshape_param { axis: 3 shape { dim: 0 dim: 0 } }",
            "shape [0, 0] has a 0 where the bottom (1, 4, 5, 6) has no axis\n  → write the size",
        ),
        ("Reshape", "reshape_param { axis: 5 }", "axis 5 of a blob of 4 axes\n  → give axis as -5 to 4"),
        ("Reshape", "reshape_param { axis: -6 }", "axis -6 of a blob of 4 axes\n  → give axis as -5 to 4"),
        (
            "Reshape",
            "reshape_param { axis: 2 num_axes: 3 }",
            "3 axes from axis 2 on, of a blob of 4 axes\n  → give num_axes as 0 to 2, or −1 for all",
        ),
        ("Reshape", "reshape_param { num_axes: -2 }", "-2 axes from axis 0 on, of a blob of 4 axes"),
        (
            "Permute",
            "permute_param { order: 0 order: 2 order: 2 }",
            "order [0, 2, 2] of a blob of 4 axes\n  → write each axis, of 0 to 3, once",
        ),
        ("Permute", "permute_param { order: 4 }", "order [4] of a blob of 4 axes"),
        ("Tile", "", "no tiles\n  → give tiles, 1 or more"),
        ("Tile", "tile_param { tiles: 0 }", "tiles is 0\n  → give tiles, 1 or more"),
        ("Tile", "tile_param { tiles: 2 axis: 4 }", "axis 4 of a blob of 4 axes"),
        ("Crop", "", "1 bottom where Crop takes 2\n  → give it 2 bottoms"),
        ("Reduction", "reduction_param { axis: 4 }", "axis 4 of a blob of 4 axes"),
        ("ArgMax", "argmax_param { top_k: 5 axis: 1 }", "top_k 5 of 4 numbers\n  → give top_k as 1 to 4"),
        ("ArgMax", "argmax_param { top_k: 0 }", "top_k 0 of 120 numbers\n  → give top_k as 1 to 120"),
        ("ArgMax", "argmax_param { axis: 4 }", "axis 4 of a blob of 4 axes"),
        (
            "ShuffleChannel",
            "shuffle_channel_param { group: 3 }",
            "group 3 does not divide the channels of (1, 4, 5, 6)\n  → give a group that does",
        ),
        ("ShuffleChannel", "shuffle_channel_param { group: 0 }", "group 0 does not divide"),
    ],
)
def test_what_caffe_refuses_of_one_bottom_is_refused_at_its_line(kind: str, parameters: str, said: str) -> None:
    assert refused(nets.data(*FOUR) + nets.layer(kind, parameters=parameters)).startswith(said)


@pytest.mark.parametrize(
    ("kind", "shapes", "parameters", "said"),
    [
        (
            "Concat",
            (FOUR, (1, 4, 5, 7)),
            "",
            "'data1' is (1, 4, 5, 7), which cannot be joined to (1, 4, 5, 6) along axis 1\n"
            "  → all sizes but that one must be equal",
        ),
        ("Concat", (FOUR, (1, 4, 5)), "", "'data1' is (1, 4, 5), which cannot be joined to (1, 4, 5, 6)"),
        (
            "Eltwise",
            (FOUR, (1, 4, 5, 7)),
            "",
            "'data1' is (1, 4, 5, 7), the first bottom (1, 4, 5, 6)\n  → all must be of one shape",
        ),
        (
            "Eltwise",
            (FOUR, FOUR),
            "eltwise_param { coeff: 1 }",
            "1 coeff for 2 bottoms\n  → give one for each, or none",
        ),
        (
            "Eltwise",
            (FOUR, FOUR),
            "eltwise_param { operation: PROD coeff: 1 coeff: 2 }",
            "coeff of a product, which Caffe takes for sums only\n  → leave coeff out",
        ),
        (
            "Crop",
            (FOUR, (1, 4, 3, 3)),
            "crop_param { axis: 1 offset: 1 offset: 2 }",
            "2 offset for 3 axes from axis 1 on\n  → give one for each of them, one for all, or none",
        ),
        (
            "Crop",
            (FOUR, (1, 4, 3, 3)),
            "crop_param { offset: 3 }",
            "3 from 3 on reaches over the end of axis 2, which has 5\n  → give a smaller offset",
        ),
        ("Crop", (FOUR, (1, 4)), "", "the second bottom has 2 axes, the first 4\n  → both must have as many"),
        ("Flatten", (FOUR, FOUR), "", "2 bottoms where Flatten takes 1\n  → give it 1 bottom"),
        ("DummyData", (FOUR,), "", "1 bottom where DummyData takes 0\n  → give it 0 bottoms"),
        ("Parameter", (FOUR,), "", "1 bottom where Parameter takes 0"),
    ],
)
def test_what_caffe_refuses_of_several_bottoms_is_refused(
    kind: str, shapes: tuple[Shape, ...], parameters: str, said: str
) -> None:
    assert refused(of_several(kind, shapes, parameters)).startswith(said)


def test_a_top_too_many_is_refused() -> None:
    text = of_several("Flatten", (FOUR,), tops='top: "layer" top: "more"')
    assert refused(text) == "2 tops where Flatten takes 1\n  → give it 1 top"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            'shape { dim: 2 } data_filler { type: "gaussian" }',
            "a data_filler of type 'gaussian' draws at random in every pass: no run would be like another\n"
            '  → make the blob an input, with an Input layer, or give a filler of type "constant"',
        ),
        ('shape { dim: 2 } data_filler { type: "bilinear" }', "a data_filler of type 'bilinear' is not supported"),
        (
            "shape { dim: 2 } data_filler { value: 1 } data_filler { value: 2 }",
            "2 data_filler for 1 tops\n  → give none, one for all tops, or one for each",
        ),
        (
            "",
            "its shapes do not say how large the top is\n"
            "  → write dummy_data_param { shape { dim: … } }, one for all tops or one for each",
        ),
        ("num: 2 channels: 3 height: 4", "its shapes do not say how large the top is"),
        ("num: 2 channels: 3 height: 4 width: 5 shape { dim: 2 }", "its shapes do not say how large the top is"),
        ("num: 2 num: 2 channels: 3 height: 4 width: 5", "its shapes do not say how large the top is"),
    ],
)
def test_dummy_data_that_cannot_be_a_constant_is_refused(parameters: str, said: str) -> None:
    layer = f'layer {{ name: "layer" type: "DummyData" top: "layer" dummy_data_param {{ {parameters} }} }}'
    assert refused(nets.data(1, 2) + layer).startswith(said)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("", "no shape\n  → write parameter_param { shape { dim: … } }, each dim 1 or more"),
        ("shape { dim: 0 dim: 3 }", "its shape is (0, 3)"),
    ],
)
def test_a_parameter_without_a_size_is_refused(parameters: str, said: str) -> None:
    layer = f'layer {{ name: "layer" type: "Parameter" top: "layer" parameter_param {{ {parameters} }} }}'
    assert refused(nets.data(1, 2) + layer).startswith(said)


@pytest.mark.parametrize("kind", ["Flatten", "Reshape", "Permute", "Tile", "ArgMax", "Reduction", "InnerProduct"])
def test_a_layer_that_would_lose_what_it_reads_cannot_write_over_it(kind: str) -> None:
    text = nets.data(*FOUR) + nets.layer(kind, parameters="tile_param { tiles: 2 }", top="data")
    assert refused(text) == f"{kind} cannot write over its bottom\n  → give its top a name of its own"


def test_a_sum_cannot_write_over_its_first_bottom_and_a_product_can() -> None:
    """Caffe sets the top of a sum to zero before it adds."""
    summed = of_several("Eltwise", (FOUR, FOUR), tops='top: "data0"')
    assert refused(summed).startswith("Eltwise cannot write over its bottom")
    product = of_several("Eltwise", (FOUR, FOUR), "eltwise_param { operation: PROD }", tops='top: "data0"')
    infer_shapes(nets.network(product))


def classes(text: str) -> list[str]:
    """Class and name of every Keras layer that a net becomes."""
    return [f"{step.call.class_name} {step.name or ''}".strip() for step in plan(nets.network(text)).steps]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("Concat", ""),
        ("Tile", "tile_param { tiles: 1 }"),
        ("Permute", "permute_param { order: 0 order: 1 }"),
        ("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
        ("ShuffleChannel", "shuffle_channel_param { group: 1 }"),
    ],
)
def test_what_a_tensor_is_already_needs_no_keras_layer(kind: str, parameters: str) -> None:
    net = nets.network(nets.data(*FOUR) + nets.relu("data", top="a") + nets.layer(kind, "a", parameters=parameters))
    planned = plan(net)
    assert [step.name for step in planned.steps] == ["relu"]
    held = Held(FOUR, last_order(4))
    assert layer_type(net["layer"]).renames(net["layer"], held) is not None
    assert layer_type(net["layer"]).gives(net["layer"], [held]) == (
        layer_type(net["layer"]).renames(net["layer"], held),
    )


def test_what_must_be_moved_is_moved_once_and_says_why() -> None:
    text = nets.data(1, 3, 4, 5) + nets.relu("data", top="a")
    text += nets.layer("Flatten", "a", "flat") + nets.layer(
        "Reshape", "a", "r", "reshape_param { shape { dim: [0, 6, -1] } }"
    )
    planned = plan(nets.network(text))
    assert [f"{step.call.class_name} {step.name}" for step in planned.steps] == [
        "ReLU relu",
        "Permute None",
        "Flatten flat",
        "Reshape r",
    ]
    assert planned.steps[1].call.comment == "the axes in Caffe's order"
    assert [step.reads[0].step for step in planned.steps[2:]] == [1, 1]


def test_mean_over_a_picture_is_a_stock_pooling_layer() -> None:
    mean = nets.layer("Reduction", parameters="reduction_param { operation: MEAN axis: 2 }")
    assert classes(nets.data(2, 3, 4, 5) + mean) == ["GlobalAveragePooling2D layer"]
    assert classes(nets.data(2, 3, 4, 5) + mean.replace("MEAN", "MEAN coeff: 2")) == ["Reduction layer"]


@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 5), (2, 3, 4), (2, 6), (2, 1, 4, 1), (2, 4, 1, 6), (1, 1, 1, 1), (2, 2, 3, 2)]
)
@pytest.mark.parametrize(
    "new_shape",
    [(2, 60), (2, 3, 20), (2, 12, 5), (2, 2, 6, 5), (2, 3, 2, 2, 5), (2, 4, 6), (2, 4), (2, 1, 4), (1, 1), (2, 6, 2)],
)
def test_a_tensor_is_reshaped_as_it_is_just_where_no_number_moves(shape: Shape, new_shape: Shape) -> None:
    """Against NumPy: of the orders that are tried the one that is found, or none, is right."""
    if np.prod(shape) != np.prod(new_shape):
        return
    blob = np.arange(np.prod(shape)).reshape(shape)
    for order in (last_order(len(shape)), caffe_order(len(shape))):
        flat = blob.transpose(order).reshape(-1)
        right = [
            new_order
            for new_order in (last_order(len(new_shape)), caffe_order(len(new_shape)))
            if (blob.reshape(new_shape).transpose(new_order).reshape(-1) == flat).all()
        ]
        found = reshaped_order(shape, order, new_shape) if shape[0] == new_shape[0] else None
        assert (found in right) if right else found is None


def test_a_batch_of_one_is_still_a_batch() -> None:
    """A net of batch 1 must come out the same with a batch of 2, so that an axis beside it is not merged with it."""
    assert reshaped_order((1, 3, 4, 5), last_order(4), (1, 60)) is None
    assert reshaped_order((1, 3, 4, 5), caffe_order(4), (3, 4, 5)) is None
