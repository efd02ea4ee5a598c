"""Nets for training: what goes, what becomes an input, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.caffe import read_network
from harness.data import Network, Shape, Top
from harness.errors import HarnessError, PrototxtError, UnsupportedError

# The end of BVLC's train_val prototxts (CaffeNet), and their beginning.
CLASSIFIER = """
layer { name: "fc8" type: "InnerProduct" bottom: "data" top: "fc8" inner_product_param { num_output: 10 } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc8" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc8" bottom: "label" top: "loss" }
"""
LMDB = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
  transform_param { mirror: true crop_size: 227 } data_param { source: "train" batch_size: 256 backend: LMDB } }
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
  transform_param { crop_size: 227 mean_file: "mean" } data_param { source: "val" batch_size: 50 backend: LMDB } }
"""


def read(folder: Path, text: str, **more: object) -> Network:
    path = folder / "train_val.prototxt"
    path.write_text(text)
    return read_network(path, **more)  # type: ignore[arg-type]


def complaint(folder: Path, text: str, kind: type[HarnessError] = UnsupportedError) -> str:
    with pytest.raises(kind) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def names(network: Network) -> list[str]:
    return [layer.name for layer in network.layers]


def data_layer(kind: str, parameters: str, tops: str = 'top: "data" top: "label"') -> str:
    return f'layer {{ name: "in" type: "{kind}" {tops} {parameters} }}\n'


FEATURES = 'layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 } }\n'


def loss(kind: str, *bottoms: str, name: str = "loss") -> str:
    return f'layer {{ name: "{name}" type: "{kind}" {" ".join(f"bottom: {b!r}" for b in bottoms)} top: "{name}" }}\n'


def test_a_train_val_prototxt(tmp_path: Path) -> None:
    network = read(tmp_path, LMDB + CLASSIFIER)
    assert names(network) == ["data", "fc8"]
    assert network["data"].type == "Input"
    assert network["data"].tops == (Top("data", "data"),)
    assert network["data"].line == 4
    assert network.inputs == {Top("data", "data"): (50, 3, 227, 227)}
    assert [list(shape.dim) for shape in network["data"].parameters.input_param.shape] == [[50, 3, 227, 227]]
    assert network.dropped == {
        "data": "a Data layer, which reads files; its top 'data' becomes an input of 50×3×227×227 "
        "(3 channels are assumed); nobody reads 'label' any more",
        "accuracy": "an Accuracy layer, for training only; left out",
        "loss": "a SoftmaxWithLoss layer, for training only; left out",
    }
    assert network.notes[2] == "layer 'loss' of the prototxt: a SoftmaxWithLoss layer, for training only; left out"


def test_the_phase_of_training_has_its_own_data_layer(tmp_path: Path) -> None:
    network = read(tmp_path, LMDB + CLASSIFIER, phase="TRAIN")
    assert network.inputs == {Top("data", "data"): (256, 3, 227, 227)}


def test_a_net_of_the_old_format(tmp_path: Path) -> None:
    text = """
    layers { name: "mnist" type: DATA top: "data" top: "label" data_param { batch_size: 64 crop_size: 27 } }
    layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 2 } }
    layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "label" }
    """
    network = read(tmp_path, text)
    assert names(network) == ["mnist", "ip"]
    assert network.inputs == {Top("mnist", "data"): (64, 3, 27, 27)}


def test_a_deploy_net_is_left_as_it_is(tmp_path: Path) -> None:
    text = """
    layer { name: "data" type: "Input" top: "data" top: "info" input_param { shape { dim: [1, 3, 8, 8] } } }
    layer { name: "none" type: "Silence" bottom: "info" }
    """
    network = read(tmp_path, text + FEATURES)
    assert names(network) == ["data", "none", "fc"]
    assert len(network.inputs) == 2
    assert network.dropped == {}


# ------------------------------------------------------------------------------------------------- the shape


@pytest.mark.parametrize(
    ("kind", "parameters", "shape", "assumed"),
    [
        ("Data", "data_param { batch_size: 2 crop_size: 9 }", (2, 3, 9, 9), True),
        ("Data", "transform_param { crop_size: 9 } data_param { crop_size: 7 }", (1, 3, 9, 9), True),
        ("Data", "transform_param { crop_size: 9 force_gray: true }", (1, 1, 9, 9), False),
        ("Data", "transform_param { crop_size: 9 mean_value: [1, 2, 3] }", (1, 3, 9, 9), False),
        ("Data", "transform_param { crop_size: 9 mean_value: 100 }", (1, 3, 9, 9), True),
        ("ImageData", "image_data_param { batch_size: 4 new_height: 6 new_width: 8 }", (4, 3, 6, 8), True),
        ("ImageData", "image_data_param { new_height: 6 new_width: 8 is_color: false }", (1, 1, 6, 8), False),
        ("ImageData", "transform_param { crop_size: 5 } image_data_param { new_height: 6 new_width: 8 }",
         (1, 3, 5, 5), True),
        ("DenseImageData", "dense_image_data_param { batch_size: 3 new_height: 6 new_width: 8 }", (3, 3, 6, 8), True),
        ("WindowData", "window_data_param { batch_size: 3 crop_size: 6 }", (3, 3, 6, 6), True),
        ("MemoryData", "memory_data_param { batch_size: 2 channels: 5 height: 6 width: 7 }", (2, 5, 6, 7), False),
    ],
)  # fmt: skip
def test_the_shape_is_what_the_file_states(
    tmp_path: Path, kind: str, parameters: str, shape: Shape, assumed: bool
) -> None:
    network = read(tmp_path, data_layer(kind, parameters) + FEATURES)
    assert network.inputs == {Top("in", "data"): shape}
    assert ("(3 channels are assumed)" in network.dropped["in"]) is assumed


@pytest.mark.parametrize(
    ("kind", "article", "parameters"),
    [
        ("HDF5Data", "an", "hdf5_data_param { source: 'x' batch_size: 4 }"),
        ("Data", "a", "data_param { batch_size: 4 }"),
        ("Python", "a", "python_param { module: 'voc' layer: 'VOC' }"),
    ],
)
def test_an_unknown_shape_is_asked_for_and_can_be_given(
    tmp_path: Path, kind: str, article: str, parameters: str
) -> None:
    text = data_layer(kind, parameters) + FEATURES
    assert complaint(tmp_path, text) == (
        f"train_val.prototxt:1, layer 'in': {article} {kind} layer does not say how large its top 'data' is\n"
        "  → give --input-size HxW (CxHxW if it has not 3 channels), or [input] size = [height, width] in case.toml"
    )
    batch = 1 if kind == "Python" else 4
    assert read(tmp_path, text, size=(6, 7)).inputs == {Top("in", "data"): (batch, 3, 6, 7)}
    assert read(tmp_path, text, size=(2, 6, 7)).inputs == {Top("in", "data"): (batch, 2, 6, 7)}
    assert read(tmp_path, text, input_shapes={"data": (1, 9)}).inputs == {Top("in", "data"): (1, 9)}


def test_a_given_size_goes_before_the_file_s(tmp_path: Path) -> None:
    network = read(tmp_path, LMDB + CLASSIFIER, size=(30, 40))
    assert network.inputs == {Top("data", "data"): (50, 3, 30, 40)}
    assert "becomes an input of 50×3×30×40" in network.dropped["data"]
    memory = data_layer("MemoryData", "memory_data_param { batch_size: 2 channels: 5 height: 6 width: 7 }")
    assert read(tmp_path, memory + FEATURES, size=(30, 40)).inputs == {Top("in", "data"): (2, 5, 30, 40)}


def test_labels_that_the_net_itself_reads_need_a_shape(tmp_path: Path) -> None:
    text = data_layer("ImageData", "transform_param { crop_size: 5 }") + FEATURES
    text += 'layer { name: "sum" type: "Eltwise" bottom: "fc" bottom: "label" top: "sum" }'
    assert complaint(tmp_path, text) == (
        "train_val.prototxt:1, layer 'in': the shape of its top 'label' is not known, "
        "which an ImageData layer reads from its files\n"
        "  → give the deploy prototxt, with an Input layer that states it"
    )
    shaped = read(tmp_path, text, input_shapes={"label": (1, 2)})
    assert shaped.inputs == {Top("in", "data"): (1, 3, 5, 5), Top("in", "label"): (1, 2)}


# ---------------------------------------------------------------------------------------------- what else goes


@pytest.mark.parametrize(
    "kind",
    ["SoftmaxWithLoss", "EuclideanLoss", "HingeLoss", "SigmoidCrossEntropyLoss", "MultinomialLogisticLoss",
     "InfogainLoss", "ContrastiveLoss", "SmoothL1Loss", "Accuracy", "SegAccuracy"],
)  # fmt: skip
def test_losses_and_measures_go(tmp_path: Path, kind: str) -> None:
    data = data_layer("Data", "transform_param { crop_size: 5 }")
    network = read(tmp_path, data + FEATURES + loss(kind, "fc", "label"))
    assert names(network) == ["in", "fc"]
    assert network.dropped["loss"].endswith(f" {kind} layer, for training only; left out")
    assert list(network.inputs) == [Top("in", "data")]


def test_what_reads_a_loss_goes_too(tmp_path: Path) -> None:
    text = data_layer("Data", "transform_param { crop_size: 5 }") + FEATURES + loss("SoftmaxWithLoss", "fc", "label")
    text += 'layer { name: "half" type: "Power" bottom: "loss" top: "half" power_param { scale: 0.5 } }\n'
    text += 'layer { name: "more" type: "Power" bottom: "half" top: "more" }\n'
    text += 'layer { name: "quiet" type: "Silence" bottom: "more" bottom: "label" }\n'
    text += 'layer { name: "file" type: "HDF5Output" bottom: "fc" bottom: "label" }\n'
    network = read(tmp_path, text)
    assert names(network) == ["in", "fc"]
    del network.dropped["in"], network.dropped["loss"]  # type: ignore[attr-defined]
    assert network.dropped == {
        "half": "it reads 'loss', which is computed for training only; left out",
        "more": "it reads 'half', which is computed for training only; left out",
        "quiet": "a Silence layer of blobs that are gone; left out",
        "file": "an HDF5Output layer, which writes a file; left out",
    }


def test_a_silence_keeps_what_is_left(tmp_path: Path) -> None:
    text = data_layer("Data", "transform_param { crop_size: 5 }") + FEATURES
    network = read(tmp_path, text + 'layer { name: "quiet" type: "Silence" bottom: "label" bottom: "fc" }\n')
    assert network["quiet"].bottoms == (Top("fc", "fc"),)
    assert network["quiet"].parameters.bottom == ["fc"]


def test_labels_are_prepared_for_nobody(tmp_path: Path) -> None:
    text = data_layer("Data", "transform_param { crop_size: 5 }") + FEATURES
    text += 'layer { name: "cut" type: "Slice" bottom: "label" top: "one" top: "two" }\n'
    text += 'layer { name: "flat" type: "Flatten" bottom: "two" top: "flat" }\n'
    text += 'layer { name: "target" type: "Flatten" bottom: "data" top: "target" }\n'
    text += loss("SoftmaxWithLoss", "fc", "one", name="a") + loss("SoftmaxWithLoss", "fc", "flat", name="b")
    text += loss("EuclideanLoss", "fc", "target", name="c")
    network = read(tmp_path, text)
    assert names(network) == ["in", "fc"]
    assert network.dropped["cut"] == "a Slice layer, which prepares labels only; left out"
    assert network.dropped["flat"] == "a Flatten layer, which prepares labels only; left out"
    assert network.dropped["target"] == "a Flatten layer, which prepares labels only; left out"


def test_two_branches_under_one_loss_stay(tmp_path: Path) -> None:
    # As in BVLC's siamese MNIST: neither of a ContrastiveLoss' first two bottoms is a label.
    text = data_layer("Data", "data_param { batch_size: 64 }", 'top: "pair" top: "sim"')
    text += 'layer { name: "slice" type: "Slice" bottom: "pair" top: "data" top: "data_p" slice_param { slice_point: 1 } }\n'
    text += FEATURES + FEATURES.replace('"data"', '"data_p"').replace('"fc"', '"fc_p"')
    network = read(tmp_path, text + loss("ContrastiveLoss", "fc", "fc_p", "sim"), size=(2, 28, 28))
    assert names(network) == ["in", "slice", "fc", "fc_p"]
    assert network.inputs == {Top("in", "pair"): (64, 2, 28, 28)}


def test_a_label_that_is_an_input_goes_with_its_loss(tmp_path: Path) -> None:
    text = """
    layer { name: "data" type: "Input" top: "data" top: "label"
      input_param { shape { dim: [1, 3, 8, 8] } shape { dim: 1 } } }
    layer { name: "weight" type: "Input" top: "weight" input_param { shape { dim: 1 } } }
    """
    network = read(tmp_path, text + FEATURES + loss("InfogainLoss", "fc", "label", "weight"))
    assert names(network) == ["data", "fc"]
    assert network.inputs == {Top("data", "data"): (1, 3, 8, 8)}
    assert network.dropped["data"] == "its top 'label' is read by layers of training only; left out"
    assert "weight" in network.dropped


def test_a_data_layer_for_labels_alone_goes(tmp_path: Path) -> None:
    text = data_layer("Data", "transform_param { crop_size: 5 }", 'top: "data"') + FEATURES
    text += 'layer { name: "labels" type: "HDF5Data" top: "label" }\n' + loss("EuclideanLoss", "fc", "label")
    network = read(tmp_path, text)
    assert names(network) == ["in", "fc"]
    assert network.dropped["labels"] == "an HDF5Data layer, which reads files; nobody reads its tops any more; left out"


def test_a_net_of_losses_only(tmp_path: Path) -> None:
    text = data_layer("Data", "transform_param { crop_size: 5 }") + loss("EuclideanLoss", "data", "label")
    assert complaint(tmp_path, text, PrototxtError) == (
        "train_val.prototxt:1, layer 'in': the net has layers of training only\n  → give the prototxt of the whole net"
    )
