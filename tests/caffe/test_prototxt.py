"""What a prototxt's errors say, and that every layer knows its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.caffe import prototxt
from harness.caffe.prototxt import parse_prototxt, read_prototxt
from harness.errors import PrototxtError


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "deploy.prototxt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def complaint(folder: Path, text: str | bytes) -> str:
    """The error's text, with the folder left out."""
    path = write(folder, text)
    with pytest.raises(PrototxtError) as caught:
        read_prototxt(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_fields_and_defaults_are_those_of_caffe(tmp_path: Path) -> None:
    text = """
    name: "net"  # a comment with { and "
    layer {
      name: "conv" type: "Convolution" bottom: "data" top: "conv"
      convolution_param { num_output: 4 kernel_size: [3, 5] dilation: 2 }
    }
    layer < name: "pool", type: "Pooling"; pooling_param: { pool: AVE pad_h: 1 } >
    """
    net = read_prototxt(write(tmp_path, text))
    convolution, pooling = net.layer[0].convolution_param, net.layer[1].pooling_param
    assert list(convolution.kernel_size) == [3, 5]
    assert list(convolution.dilation) == [2]
    assert (convolution.bias_term, convolution.group, convolution.axis) == (True, 1, 1)
    assert (pooling.pool, pooling.pad_h, pooling.stride) == (pooling.AVE, 1, 1)
    assert net.layer[0].lrn_param.beta == 0.75
    assert net.layer[0].batch_norm_param.eps == pytest.approx(1e-5)


def test_fields_of_well_known_forks(tmp_path: Path) -> None:
    # Names and defaults as in alexgkendall/caffe-segnet, weiliu89/caffe (ssd), gpapan/caffe (DeepLab) and ShuffleNet.
    text = """
    layer { type: "BN" bn_param { bn_mode: INFERENCE scale_filler { value: 1 } shift_filler { value: 0.001 } } }
    layer { type: "Upsample" upsample_param { scale: 2 pad_out_h: true upsample_w: 60 } }
    layer { type: "Permute" permute_param { order: [0, 2, 3, 1] } }
    layer { type: "Normalize" norm_param { across_spatial: false scale_filler { value: 20 } } }
    layer { type: "Interp" interp_param { zoom_factor: 8 pad_end: -1 } }
    layer { type: "ShuffleChannel" shuffle_channel_param { group: 3 } }
    layer { type: "DenseImageData" dense_image_data_param { source: "train.txt" batch_size: 4 } }
    layer { type: "SoftmaxWithLoss" loss_param { weight_by_label_freqs: true class_weighting: [0.2, 0.8] } }
    """
    bn, upsample, permute, normalize, interp, shuffle, data, loss = read_prototxt(write(tmp_path, text)).layer
    assert bn.bn_param.bn_mode == bn.bn_param.INFERENCE
    assert bn.bn_param.shift_filler.value == pytest.approx(0.001)
    assert upsample.bn_param.bn_mode == bn.bn_param.LEARN
    assert (upsample.upsample_param.pad_out_h, upsample.upsample_param.pad_out_w) == (True, False)
    assert (bn.upsample_param.scale, upsample.upsample_param.upsample_w) == (2, 60)
    assert list(permute.permute_param.order) == [0, 2, 3, 1]
    assert (normalize.norm_param.across_spatial, normalize.norm_param.channel_shared) == (False, True)
    assert normalize.norm_param.eps == pytest.approx(1e-10)
    assert (interp.interp_param.zoom_factor, interp.interp_param.shrink_factor, interp.interp_param.pad_end) == (
        8,
        1,
        -1,
    )
    assert shuffle.shuffle_channel_param.group == 3
    assert data.dense_image_data_param.is_color is True
    assert loss.loss_param.normalization == loss.loss_param.VALID


def test_every_layer_knows_its_line(tmp_path: Path) -> None:
    text = (
        '# layer { is not one\nname: "layer {"\n\nlayer { name: "a"\n type: "layer" }\nlayer {\n name: "b" } layer: {}'
    )
    assert parse_prototxt(write(tmp_path, text)).lines == (4, 6, 7)


def test_lines_are_unknown_in_list_syntax(tmp_path: Path) -> None:
    parsed = parse_prototxt(write(tmp_path, 'layer [ { name: "a" }, { name: "b" } ]'))
    assert [layer.name for layer in parsed.net.layer] == ["a", "b"]
    assert parsed.lines == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            'layer {\n  name: "a"\n  convolution_param { kernal_size: 3 }\n}',
            "deploy.prototxt:3:23: ConvolutionParameter has no field 'kernal_size'\n  → did you mean 'kernel_size'?",
            id="misspelt",
        ),
        pytest.param(
            "layer {\n  kernel_size: 3\n}",
            "deploy.prototxt:2:3: LayerParameter has no field 'kernel_size'\n"
            "  → it belongs inside convolution_param { } or pooling_param { }",
            id="in the wrong block",
        ),
        pytest.param(
            "layer { proposal_param { } }",
            "deploy.prototxt:1:9: LayerParameter has no field 'proposal_param'\n"
            "  → Caffe 1.0 does not know it (a fork may); leave it out",
            id="a fork's layer",
        ),
        pytest.param(
            "layer { pooling_param { ceil_mode: false } }",
            "deploy.prototxt:1:25: PoolingParameter has no field 'ceil_mode'\n"
            "  → a fork's; ceil_mode: false is round_mode: FLOOR, true what Caffe does anyway",
            id="a fork's field with a counterpart",
        ),
        pytest.param(
            "layer { relu_param { quantised: 3 } }",
            "deploy.prototxt:1:22: ReLUParameter has no field 'quantised'\n"
            "  → Caffe 1.0 does not know it (a fork may); leave it out, or use one of engine, negative_slope",
            id="a fork's field",
        ),
        pytest.param(
            'net: "train_val.prototxt"\nbase_lr: 0.1',
            "deploy.prototxt:1:1: NetParameter has no field 'net'\n"
            "  → this is a solver's file; give the net's prototxt that it names",
            id="a solver",
        ),
        pytest.param(
            "layer { pooling_param { pool: MEAN } }",
            "deploy.prototxt:1:31: PoolMethod has no value 'MEAN'\n  → one of MAX, AVE, STOCHASTIC",
            id="no such value",
        ),
        pytest.param(
            'layer { pooling_param { pool: "AVE" } }',
            "deploy.prototxt:1:31: AVE stands in quotes\n  → write AVE without quotes",
            id="value in quotes",
        ),
        pytest.param(
            'layers { type: "Convolution" }',
            "deploy.prototxt:1:16: LayerType has no value 'Convolution'\n"
            '  → write layer { type: "Convolution" } in place of layers { }, or a type in capitals',
            id="new type in an old layer",
        ),
        pytest.param(
            "layer { type: CONVOLUTION }",
            "deploy.prototxt:1:15: expected a text in quotes, found CONVOLUTION\n"
            "  → types in capitals belong to the old format, layers { }; in layer { } write its name in quotes",
            id="old type in a new layer",
        ),
        pytest.param(
            "layer {\n  name: conv1\n}",
            'deploy.prototxt:2:9: expected a text in quotes, found conv1\n  → write "conv1"',
            id="no quotes",
        ),
        pytest.param(
            'layer { name: "a" name: "b" }',
            "deploy.prototxt:1:25: 'name' is given twice in this LayerParameter\n  → keep one of them",
            id="twice",
        ),
        pytest.param(
            "layer { convolution_param { num_output: 2.5 } }",
            "deploy.prototxt:1:41: Couldn't parse integer: 2.5",
            id="not an integer",
        ),
        pytest.param(
            'layer { name: "a" }\n// layer { }',
            "deploy.prototxt:2:1: text format has no // or /* comments\n  → begin a comment with #",
            id="comment",
        ),
        pytest.param(
            'layer {\n  name: "C:\\data"\n}',
            "deploy.prototxt:2: a text holds a backslash that begins no escape sequence\n"
            r"  → write \\ for a backslash",
            id="escape",
        ),
        pytest.param(
            'layer {\n  name: "a"\n  relu_param {\n}\n\nlayer { name: "b" }\n',
            "deploy.prototxt:1: this block is never closed\n  → write } before line 6, where the next layer begins",
            id="unclosed layer",
        ),
        pytest.param(
            'layer { name: "a" }\nlayer {\n  name: "b"\n',
            "deploy.prototxt:2: this block is never closed\n  → write } at the end of the file",
            id="unclosed at the end",
        ),
        pytest.param(
            'layer { name: "a" }\n}\n',
            "deploy.prototxt:2:1: closes a block that was never opened\n  → leave it out",
            id="closed twice",
        ),
        pytest.param(
            'layer { name: "a" }\nlayer { name: "b" type: "Clip" clip_param { min: 0 } }',
            "deploy.prototxt:2, layer 'b': clip_param.max is required\n  → give clip_param.max",
            id="required",
        ),
        pytest.param(
            'layer { name: "a" }\n\nlayers { name: "b" }',
            "deploy.prototxt:3: mixes `layer { }` with `layers { }` of the old format, "
            "where Caffe drops every `layer`\n"
            '  → write all of them as layer { type: "Convolution" … }',
            id="two formats",
        ),
        pytest.param(
            "layer {\n" * 100_000,
            "deploy.prototxt:65: more than 64 blocks inside each other\n  → close the blocks before it with }",
            id="nested without end",
        ),
        pytest.param(
            b'layer {\n name: "a\0" }',
            "deploy.prototxt:2: is not text\n  → give the prototxt here; a caffemodel holds the weights only",
            id="binary",
        ),
        pytest.param(
            "<!DOCTYPE html>\n<html>",
            "deploy.prototxt: is an HTML page, not the file itself\n"
            "  → open it in a browser to see what the link led to (a login, an error), and download the file itself",
            id="page",
        ),
        pytest.param(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "deploy.prototxt: is a Git LFS pointer, not the file itself\n  → fetch the file it points to: git lfs pull",
            id="pointer",
        ),
    ],
)
def test_error_says_where_and_what_to_write(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert complaint(tmp_path, text) == expected


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PrototxtError, match=r"nothing\.prototxt: cannot be read: No such file or directory"):
        read_prototxt(tmp_path / "nothing.prototxt")


def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prototxt, "MAX_BYTES", 2**20)
    read_prototxt(write(tmp_path, "#" * 2**20))
    assert "is larger than 1 MiB" in complaint(tmp_path, "#" * (2**20 + 1))


def test_comments_in_old_encodings_are_read(tmp_path: Path) -> None:
    net = read_prototxt(write(tmp_path, 'name: "net" # 卷积 }\n'.encode("gbk") + b'layer { name: "a" }\r\n'))
    assert [layer.name for layer in net.layer] == ["a"]


def test_escapes(tmp_path: Path) -> None:
    net = read_prototxt(write(tmp_path, r'name: "a\\b\n\"\x41\101" layer { name: "\\" }'))
    assert (net.name, net.layer[0].name) == ('a\\b\n"AA', "\\")


def test_mark_at_the_beginning_is_skipped(tmp_path: Path) -> None:
    assert read_prototxt(write(tmp_path, b'\xef\xbb\xbfname: "net"')).name == "net"
