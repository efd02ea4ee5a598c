"""Which Keras layers a net becomes, and which activations go into the layer before."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets

from harness.convert.plan import Plan, plan
from harness.errors import UnsupportedError


def steps(text: str) -> list[str]:
    """Class, name and activation of every step."""
    return [
        " ".join(filter(None, (step.call.class_name, step.name, step.call.arguments.get("activation"))))
        for step in plan(nets.network(text)).steps
    ]


DATA = nets.data(1, 3, 9, 9)


def test_relu_in_place_is_fused() -> None:
    assert steps(DATA + nets.conv("data", "a") + nets.relu("a") + nets.conv("a", "b")) == ["Conv2D a relu", "Conv2D b"]


def test_relu_with_a_top_of_its_own_is_fused_where_nobody_else_reads_the_bottom() -> None:
    assert steps(DATA + nets.conv("data", "a") + nets.relu("a", top="r") + nets.conv("r", "b")) == [
        "Conv2D a relu",
        "Conv2D b",
    ]


def test_relu_is_not_fused_where_another_layer_reads_the_unrectified_blob() -> None:
    assert steps(DATA + nets.conv("data", "a") + nets.relu("a", top="r") + nets.conv("a", "b")) == [
        "Conv2D a",
        "ReLU relu",
        "Conv2D b",
    ]


def test_relu_behind_a_split_is_not_fused() -> None:
    text = DATA + nets.conv("data", "a") + 'layer { name: "s" type: "Split" bottom: "a" top: "s1" top: "s2" }\n'
    assert steps(text + nets.relu("s1") + nets.conv("s2", "b")) == ["Conv2D a", "ReLU relu", "Conv2D b"]
    assert steps(text + nets.relu("s1")) == ["Conv2D a", "ReLU relu"], "s2 is an output as it stands"
    assert steps(text + nets.relu("s1") + 'layer { name: "q" type: "Silence" bottom: "s2" }') == [
        "Conv2D a",
        "ReLU relu",
    ]


def test_a_leaky_relu_is_a_layer() -> None:
    text = nets.layer("ReLU", "a", "leaky", "relu_param { negative_slope: 0.2 }", top="a")
    assert steps(DATA + nets.conv("data", "a") + text) == ["Conv2D a", "LeakyReLU leaky"]


@pytest.mark.parametrize(
    ("kind", "parameters", "activation"),
    [("TanH", "", "tanh"), ("Sigmoid", "", "sigmoid"), ("ELU", "", "elu"), ("ELU", "elu_param { alpha: 1 }", "elu")],
)
def test_what_keras_has_as_an_activation_is_fused(kind: str, parameters: str, activation: str) -> None:
    for before in (
        nets.conv("data", "a"),
        nets.layer("InnerProduct", "data", "a", "inner_product_param { num_output: 3 }"),
        nets.layer("Deconvolution", "data", "a", "convolution_param { num_output: 3 kernel_size: 2 }"),
    ):
        planned = steps(DATA + before + nets.layer(kind, "a", "act", parameters, top="a"))
        assert planned[-1].split()[1:] == ["a", activation]


@pytest.mark.parametrize(
    ("kind", "parameters", "made"),
    [
        ("ELU", "elu_param { alpha: 0.5 }", "ELU act"),
        ("PReLU", "", "PReLU act"),
        ("Clip", "clip_param { min: 0 max: 6 }", "ReLU act"),
        ("BNLL", "", "Activation act softplus"),
        ("Exp", "", "Activation act exponential"),
        ("Swish", "", "Activation act swish"),
        ("Power", "power_param { scale: 2 }", "Rescaling act"),
        ("ReLU", "relu_param { negative_slope: -0.1 }", "SlopedReLU act"),
    ],
)
def test_other_functions_are_layers(kind: str, parameters: str, made: str) -> None:
    text = DATA + nets.conv("data", "a") + nets.layer(kind, "a", "act", parameters, top="a")
    assert steps(text) == ["Conv2D a", made]


def test_a_second_activation_is_a_layer() -> None:
    text = DATA + nets.conv("data", "a") + nets.layer("TanH", "a", "t", top="a")
    assert steps(text + nets.layer("Sigmoid", "a", "s", top="a")) == ["Conv2D a tanh", "Activation s sigmoid"]


def test_relu_behind_a_pool_or_the_input_is_a_layer() -> None:
    pool = nets.layer("Pooling", "data", "pool", "pooling_param { kernel_size: 3 stride: 3 }")
    assert steps(DATA + pool + nets.relu("pool")) == ["MaxPooling2D pool", "ReLU relu"]
    assert steps(DATA + nets.relu("data", top="r")) == ["ReLU relu"]


def test_relu_behind_a_crop_is_not_fused_into_it() -> None:
    up = nets.layer(
        "Deconvolution", "data", "up", "convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }"
    )
    assert steps(DATA + up + nets.relu("up")) == ["Conv2DTranspose up", "Cropping2D", "ReLU relu"]


def test_a_second_relu_is_a_layer() -> None:
    assert steps(DATA + nets.conv("data", "a") + nets.relu("a", "r1") + nets.relu("a", "r2")) == [
        "Conv2D a relu",
        "ReLU r2",
    ]


def test_padding_goes_before_the_convolution_and_bears_no_name() -> None:
    assert steps(DATA + nets.conv("data", "a/b", "num_output: 2 kernel_size: 3 pad: 2")) == [
        "ZeroPadding2D",
        "Conv2D a__b",
    ]


def test_names_of_inputs_have_no_slash() -> None:
    net = nets.network(
        nets.data(1, 2, 5, 6, name="in/left") + nets.conv("in/left", "a", "num_output: 1 kernel_size: 1")
    )
    assert plan(net).inputs == (("in__left", (5, 6, 2)),)
    assert nets.keras_model(net, nets.random_blobs(net)).inputs[0].name == "in__left"


def made(text: str) -> Plan:
    return plan(nets.network(text))


def test_outputs_are_the_tops_that_nobody_reads() -> None:
    planned = made(DATA + nets.conv("data", "a") + nets.conv("a", "b") + nets.conv("a", "c"))
    assert [planned.steps[ref.step].name for ref in planned.outputs] == ["b", "c"]
    assert not planned.sequential


def test_a_chain_is_sequential() -> None:
    assert made(DATA + nets.conv("data", "a") + nets.conv("a", "b")).sequential


def test_what_keras_lacks_names_the_layer_and_its_line() -> None:
    conv = nets.conv("data", "conv", "num_output: 2 kernel_size: 2 stride: 2 dilation: 2")
    with pytest.raises(
        UnsupportedError, match=r"deploy.prototxt:2, layer 'conv': Keras' Conv3D takes a stride or a dilation, not both"
    ):
        made(nets.data(1, 2, 5, 5, 5) + conv)


def calls(kind: str, shape: tuple[int, ...], parameters: str) -> list[tuple[str, dict[str, object], str | None]]:
    """What one layer becomes: class, arguments, comment."""
    steps = plan(nets.single(kind, shape, parameters)).steps
    return [(step.call.class_name, dict(step.call.arguments), step.call.comment) for step in steps]


def test_stride_and_dilation_together_are_a_pool_that_picks() -> None:
    """What they have in common is picked before and costs nothing; the rest is picked behind."""
    pick, conv = calls(
        "Convolution", (1, 2, 9, 9), "convolution_param { num_output: 3 kernel_size: 3 stride: 2 dilation: 2 }"
    )
    assert pick == (
        "AveragePooling2D",
        {"pool_size": 1, "strides": 2},
        "stride 2 with dilation 2 meets no other pixels",
    )
    assert conv == ("Conv2D", {"filters": 3, "kernel_size": 3}, None)
    conv, pick = calls(
        "Convolution", (1, 2, 9, 9), "convolution_param { num_output: 3 kernel_size: 3 stride: 2 dilation: 3 }"
    )
    assert conv == ("Conv2D", {"filters": 3, "kernel_size": 3, "dilation_rate": 3}, None)
    assert pick[:2] == ("AveragePooling2D", {"pool_size": 1, "strides": 2})
    assert pick[2] == "the rest of stride 2 with dilation 3, of which Conv2D takes one"
    unequal = "convolution_param { num_output: 2 group: 2 kernel_size: 3 stride: 4 stride: 2 }"
    conv, pick = calls("Convolution", (1, 2, 9, 9), unequal)
    assert conv == ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2}, None)
    assert pick[:2] == ("AveragePooling2D", {"pool_size": 1, "strides": (2, 1)})
    assert pick[2] == "the rest of stride (4, 2); DepthwiseConv2D takes equal ones"


def test_a_dilated_deconvolution_says_where_its_zeros_are() -> None:
    (call,) = calls("Deconvolution", (1, 2, 3, 4), "convolution_param { num_output: 3 kernel_size: 3 dilation: 2 }")
    assert call == (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 5},
        "dilation: 2 in Caffe, here zeros between the kernel's taps",
    )


def test_a_wide_depthwise_deconvolution_is_not_a_full_kernel_of_zeros() -> None:
    parameters = "convolution_param {{ num_output: {0} group: {0} kernel_size: 4 stride: 2 pad: 1 bias_term: false }}"
    own, crop = calls("Deconvolution", (1, 128, 3, 4), parameters.format(128))
    assert own == ("DepthwiseConv2DTranspose", {"kernel_size": 4, "strides": 2, "use_bias": False}, None)
    assert crop[:2] == ("Cropping2D", {"cropping": 1})
    (stock,) = calls("Deconvolution", (1, 19, 3, 4), parameters.format(19))
    assert stock[0] == "Conv2DTranspose"
    assert stock[2] == "group: 19 in Caffe, here zeros outside of the groups"


@pytest.mark.parametrize(
    ("size", "parameters", "expected"),
    [
        (112, "kernel_size: 2 stride: 2", "MaxPooling2D(pool_size=2, strides=2)"),
        (112, "kernel_size: 3 stride: 2", "MaxPooling2D(pool_size=3, strides=2, padding='same')"),
        (7, "pool: AVE kernel_size: 2 stride: 2", "AveragePooling2D(pool_size=2, strides=2, padding='same')"),
        (112, "kernel_size: 3 stride: 2 pad: 1", "MaxPooling(pool_size=3, strides=2, padding=1)"),
        (7, "pool: AVE kernel_size: 3 stride: 1 pad: 1", "AveragePooling(pool_size=3, strides=1, padding=1)"),
        (8, "kernel_size: 3 pad: 1", "MaxPooling2D(pool_size=3, strides=1, padding='same')"),
        (9, "kernel_size: 3 stride: 2 pad: 1", "MaxPooling2D(pool_size=3, strides=2, padding='same')"),
        (
            8,
            "kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR",
            "MaxPooling(pool_size=3, strides=2, padding=1, floor=True)",
        ),
        (8, "global_pooling: true", "GlobalMaxPooling2D(keepdims=True)"),
    ],
)
def test_stock_pools_wherever_they_are_exact(size: int, parameters: str, expected: str) -> None:
    ((name, arguments, comment),) = calls("Pooling", (1, 3, size, size), f"pooling_param {{ {parameters} }}")
    assert f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})" == expected
    said = "pads as Caffe does at this size" if "pad: 1" in parameters else "rounds the size up, as Caffe does"
    assert comment == (said if "same" in expected and "strides=2" in expected else None)


def test_fused_or_not_the_numbers_are_the_same() -> None:
    """A net with a branch in front of its ReLU against its definition."""
    net = nets.network(
        DATA
        + nets.conv("data", "a")
        + nets.relu("a", top="r")
        + nets.conv("a", "b")
        + nets.conv("r", "c")
        + nets.relu("c", "rc")
    )
    blobs, inputs = nets.random_blobs(net), nets.random_inputs(net)
    expected = nets.define_all(net, blobs, inputs)
    b, c = nets.run_keras(net, blobs, inputs)
    np.testing.assert_allclose(np.moveaxis(b, -1, 1), expected[net["b"].tops[0]], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.moveaxis(c, -1, 1), expected[net["rc"].tops[0]], rtol=1e-5, atol=1e-6)
