"""What a Caffe is given in place of the prototxt: the same net, in terms that it knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.protobuf import text_format
from support import nets

from harness.caffe import read_network
from harness.caffe.caffe_pb2 import NetParameter
from harness.caffe.deploy import net_file, net_text, stand_in
from harness.data import Network
from harness.errors import UnsupportedError

FORK = (
    nets.data(1, 6, 5, 4) + 'layer { name: "bn" type: "BN" bottom: "data" top: "bn" param { name: "s" lr_mult: 2 } '
    "bn_param { bn_mode: INFERENCE scale_filler { value: 1 } shift_filler { value: 0.5 } } }\n"
    + nets.relu("bn")
    + nets.layer("Interp", "bn", "interp", "interp_param { zoom_factor: 2 pad_beg: -1 }")
    + nets.layer("ConvolutionDepthwise", "interp", "dw", "convolution_param { kernel_size: 3 }")
)


def read(folder: Path, text: str, **more: object) -> Network:
    (folder / "deploy.prototxt").write_text(text)
    return read_network(folder / "deploy.prototxt", **more)  # type: ignore[arg-type]


def parsed(text: str) -> NetParameter:
    return text_format.Parse(text, NetParameter())


def test_a_net_of_bvlcs_own_types_is_given_as_it_is(tmp_path: Path) -> None:
    text = nets.data(1, 2, 6, 5) + nets.conv() + nets.relu("conv") + nets.layer("Clip", "conv", "unknown")
    assert net_file(read(tmp_path, text.replace('"Clip"', '"NobodyKnows"'))) is None


def test_each_layer_of_a_fork_comes_with_its_stand_in(tmp_path: Path) -> None:
    network = read(tmp_path, 'name: "net"\n' + FORK)
    described = json.loads(net_file(network, {top: (1, 6, 7, 5) for layer in network.layers for top in layer.tops}))
    assert described["schema"] == "harness-net/1"
    assert parsed(described["head"]).name == "net"
    data, bn, relu, interp, dw = described["layers"]
    assert [one["name"] for one in described["layers"]] == ["data", "bn", "relu", "interp", "dw"]
    assert "instead" not in data
    assert "instead" not in relu
    assert (bn["type"], bn["needs"], bn["python"]) == ("BN", "Python", "bn")
    assert (interp["needs"], interp["python"]) == ("Python", "interp")
    assert (dw["type"], dw["needs"]) == ("ConvolutionDepthwise", "Convolution")
    assert "python" not in dw
    own, instead = (parsed(bn[key]).layer[0] for key in ("text", "instead"))
    assert own == network["bn"].parameters
    assert (instead.type, instead.bottom, instead.top) == ("Python", ["data"], ["bn"])
    assert instead.param[0].name == "s"
    assert (instead.python_param.module, instead.python_param.layer) == ("harness_layer_bn", "BN")
    assert json.loads(instead.python_param.param_str) == {"mode": "INFERENCE", "scale": 1.0, "shift": 0.5}
    about = json.loads(parsed(interp["instead"]).layer[0].python_param.param_str)
    assert about == {"zoom_factor": 2, "pad_beg": -1}
    convolution = parsed(dw["instead"]).layer[0].convolution_param
    assert (convolution.num_output, convolution.group, list(convolution.kernel_size)) == (6, 6, [3])


def test_a_training_net_as_text(tmp_path: Path) -> None:
    text = """name: "net"
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
      transform_param { crop_size: 27 } data_param { batch_size: 4 } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 }
      exclude { stage: "x" } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" }
    """
    network = read(tmp_path, text, size=(8, 9))
    expected = """name: "net"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [4, 3, 8, 9] } } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
    """
    assert parsed(net_text(network)) == parsed(expected)
    described = json.loads(net_file(network))
    assert parsed(described["head"] + "".join(one["text"] for one in described["layers"])) == parsed(expected)


def test_the_text_is_read_as_the_same_net(tmp_path: Path) -> None:
    network = read(tmp_path, FORK + nets.layer("LRN", "interp", "lrn", "lrn_param { alpha: 1e-4 beta: 0.75 k: 1.1 }"))
    again = read(tmp_path, net_text(network))
    assert [layer.parameters for layer in again.layers] == [layer.parameters for layer in network.layers]
    assert again.inputs == network.inputs


def test_only_what_is_lacking_is_replaced(tmp_path: Path) -> None:
    network = read(tmp_path, FORK.replace("kernel_size: 3", "kernel_size: 3 num_output: 6"))
    kinds = [layer.type for layer in parsed(net_text(network, lacks=("ConvolutionDepthwise",))).layer]
    assert kinds == ["Input", "BN", "ReLU", "Interp", "Convolution"]


def test_a_depthwise_convolution_without_its_channels(tmp_path: Path) -> None:
    network = read(tmp_path, FORK)
    with pytest.raises(UnsupportedError) as caught:
        net_file(network)
    assert str(caught.value) == (
        "deploy.prototxt:5, layer 'dw': it does not say how many channels it has, "
        "so a Convolution cannot stand in for the ConvolutionDepthwise\n  → write num_output"
    ).replace("deploy.prototxt", str(tmp_path / "deploy.prototxt"))


@pytest.mark.parametrize(
    ("layer", "about"),
    [
        ("BN", {"mode": "LEARN", "scale": 0.0, "shift": 0.0}),
        ("Upsample", {}),
        ("Permute", {"order": []}),
        ("ShuffleChannel", {"group": 1}),
        ("Axpy", {}),
    ],
)
def test_defaults(tmp_path: Path, layer: str, about: dict[str, object]) -> None:
    network = read(tmp_path, nets.data(1, 6, 5, 4) + nets.layer(layer))
    instead = stand_in(network["layer"])
    assert instead is not None
    assert json.loads(instead.parameters.python_param.param_str) == about


def test_the_scale_that_a_filler_would_write(tmp_path: Path) -> None:
    network = read(tmp_path, nets.data(1, 6, 5, 4) + nets.layer("Normalize"))
    instead = stand_in(network["layer"])
    assert instead is not None
    about = json.loads(instead.parameters.python_param.param_str)
    assert about.pop("eps") == pytest.approx(1e-10)
    assert about == {"across_spatial": True, "channel_shared": True, "scale": 1.0}
