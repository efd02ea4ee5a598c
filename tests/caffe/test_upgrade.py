"""Old formats become what Caffe's own upgrade_net_proto_text makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from harness.caffe.caffe_pb2 import LayerParameter, NetParameter, V1LayerParameter
from harness.caffe.prototxt import Prototxt, parse_prototxt
from harness.caffe.upgrade import V1_TYPES, upgrade
from harness.errors import PrototxtError, UnsupportedError


def upgraded(folder: Path, text: str) -> Prototxt:
    path = folder / "old.prototxt"
    path.write_text(text)
    return upgrade(parse_prototxt(path))


def net(text: str) -> NetParameter:
    return text_format.Parse(text, NetParameter())


def test_current_format_stays_as_it_is(tmp_path: Path) -> None:
    text = 'name: "net" layer { name: "a" type: "ReLU" }'
    assert upgraded(tmp_path, text).net == net(text)


def test_every_v1_type_has_a_name() -> None:
    assert set(V1_TYPES) == set(V1LayerParameter.LayerType.keys())


def test_every_v1_field_has_a_place() -> None:
    renamed = {"layer", "blobs_lr", "weight_decay", "blob_share_mode"}
    old = {field.name for field in V1LayerParameter.DESCRIPTOR.fields} - renamed
    assert old <= {field.name for field in LayerParameter.DESCRIPTOR.fields}


def test_v1(tmp_path: Path) -> None:
    # The right side is what upgrade_net_proto_text of Caffe 1.0 printed.
    result = upgraded(
        tmp_path,
        """name: "old"
        layers {
          name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1"
          blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0 param: "w" blob_share_mode: PERMISSIVE
          convolution_param { num_output: 4 kernel_size: 3 stride: 2 weight_filler { type: "gaussian" std: 0.01 } }
        }
        layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" include { phase: TEST } }
        layers {
          name: "loss" type: SOFTMAX_LOSS bottom: "conv1" bottom: "label" top: "loss" loss_weight: 0.5
          exclude: { phase: TEST stage: "x" }
        }""",
    )
    assert result.net == net(
        """name: "old"
        layer {
          name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
          convolution_param { num_output: 4 kernel_size: 3 stride: 2 weight_filler { type: "gaussian" std: 0.01 } }
        }
        layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" include { phase: TEST } }
        layer {
          name: "loss" type: "SoftmaxWithLoss" bottom: "conv1" bottom: "label" top: "loss" loss_weight: 0.5
          exclude { phase: TEST stage: "x" }
        }"""
    )
    assert result.lines == (2, 7, 8)


def test_v0_and_its_padding_layers(tmp_path: Path) -> None:
    # The right side is what upgrade_net_proto_text of Caffe 1.0 printed, but for `input`.
    result = upgraded(
        tmp_path,
        """name: "older"
        layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
        layers {
          layer {
            name: "conv1" type: "conv" num_output: 4 kernelsize: 3 group: 1 stride: 2 biasterm: false
            weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. blobs_lr: 2. weight_decay: 1. weight_decay: 0.
          }
          bottom: "pad1" top: "conv1"
        }
        layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 pad: 1 } top: "p"
          bottom: "conv1" }
        layers { layer { name: "norm1" type: "lrn" local_size: 5 alpha: 0.0001 beta: 0.75 } bottom: "p" top: "norm1" }
        layers { layer { name: "fc" type: "innerproduct" num_output: 7 biasterm: true } bottom: "norm1" top: "fc" }
        layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.3 } bottom: "fc" top: "fc" }
        layers { layer { name: "prob" type: "softmax" } bottom: "fc" top: "prob" }""",
    )
    assert result.net == net(
        """name: "older"
        layer {
          name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
          convolution_param {
            num_output: 4 bias_term: false pad: 2 kernel_size: 3 group: 1 stride: 2
            weight_filler { type: "gaussian" std: 0.01 }
          }
        }
        layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "p"
          pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
        layer { name: "norm1" type: "LRN" bottom: "p" top: "norm1"
          lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 } }
        layer { name: "fc" type: "InnerProduct" bottom: "norm1" top: "fc"
          inner_product_param { num_output: 7 bias_term: true } }
        layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" dropout_param { dropout_ratio: 0.3 } }
        layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }"""
    )
    assert result.lines == (3, 10, 12, 13, 14, 15)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            'layers { layer { name: "r" type: "relu" kernelsize: 3 } }',
            "old.prototxt:1, layer 'r': a V0 layer of type 'relu' has no parameter 'kernelsize'",
        ),
        (
            'layers { layer { name: "x" type: "maxout" } }',
            "old.prototxt:1, layer 'x': unknown V0 layer type 'maxout'",
        ),
        (
            'layers { layer { name: "r" type: "relu" } }\nlayers { name: "c" type: CONVOLUTION }',
            "old.prototxt:2, layer 'c': mixes the V0 format, layers { layer { } }, with the V1 format",
        ),
    ],
)
def test_v0_without_counterpart_is_refused(tmp_path: Path, layers: str, expected: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        upgraded(tmp_path, layers)
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        f"{expected}\n  → upgrade it with Caffe's own tool, upgrade_net_proto_text, and use its result"
    )


@pytest.mark.parametrize(
    "shapes",
    [
        "input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9 input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 5",
        "input_shape { dim: [1, 3, 8, 9] } input_shape { dim: [1, 1, 1, 5] }",
    ],
)
def test_inputs_become_one_layer_at_the_front(tmp_path: Path, shapes: str) -> None:
    result = upgraded(tmp_path, f'layer {{ name: "a" }}\ninput: "data" input: "info"\n{shapes}')
    assert result.net == net(
        """layer { name: "input" type: "Input" top: "data" top: "info"
          input_param { shape { dim: [1, 3, 8, 9] } shape { dim: [1, 1, 1, 5] } } }
        layer { name: "a" }"""
    )
    assert result.lines == (2, 1)


def test_inputs_without_enough_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PrototxtError) as caught:
        upgraded(tmp_path, '\ninput: "data" input: "info" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8')
    assert str(caught.value).replace(f"{tmp_path}/", "") == (
        "old.prototxt:2: 2 input but 4 input_dim\n  → give 8 of them: number, channels, height and width of each"
    )
