"""The net that Caffe would run: which layers take part, and who reads what from whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.caffe import read_network
from harness.data import Network, Shape, Top
from harness.errors import HarnessError, PrototxtError, UnsupportedError, UsageError

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 9] } } }\n'
CONV = 'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" }\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "deploy.prototxt"
    path.write_text(text)
    return path


def complaint(folder: Path, text: str, kind: type[HarnessError]) -> str:
    with pytest.raises(kind) as caught:
        read_network(write(folder, text))
    return str(caught.value).replace(f"{folder}/", "")


def wiring(network: Network) -> dict[str, str]:
    return {
        layer.name: f"{', '.join(map(str, layer.bottoms))} → {', '.join(map(str, layer.tops))}".strip()
        for layer in network.layers
    }


def test_bottoms_lead_to_the_layer_that_last_wrote_the_blob(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"""name: "net"
        {INPUT}{CONV}
        layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
        layer {{ name: "drop" type: "Dropout" bottom: "conv" top: "conv" }}
        layer {{ name: "a/1x1" type: "Convolution" bottom: "conv" top: "a" }}
        layer {{ name: "b" type: "Slice" bottom: "conv" top: "b1" top: "b2" }}
        layer {{ name: "sum" type: "Eltwise" bottom: "b2" bottom: "a" top: "sum" }}""",
    )
    network = read_network(path)
    assert wiring(network) == {
        "data": "→ data",
        "conv": "data → conv",
        "relu": "conv → relu:conv",
        "drop": "relu:conv → drop:conv",
        "a/1x1": "drop:conv → a/1x1:a",
        "b": "drop:conv → b:b1, b:b2",
        "sum": "b:b2, a/1x1:a → sum",
    }
    assert [layer.name for layer in network.layers if layer.in_place] == ["relu", "drop"]
    assert [layer.name for layer in network.consumers(Top("drop", "conv"))] == ["a/1x1", "b"]
    assert network["relu"].line == 5
    assert (network.name, network.path) == ("net", path)
    assert network.inputs == {Top("data", "data"): (1, 3, 8, 9)}


def test_old_net_with_input_dim(tmp_path: Path) -> None:
    network = read_network(
        write(
            tmp_path,
            """input: "data"
            input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9
            layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" }""",
        )
    )
    assert wiring(network) == {"input": "→ input:data", "conv": "input:data → conv"}
    assert network.inputs == {Top("input", "data"): (1, 3, 8, 9)}
    assert [layer.line for layer in network.layers] == [1, 3]
    assert [layer.type for layer in network.layers] == ["Input", "Convolution"]


# --------------------------------------------------------------------------------------------------- phase rules


@pytest.mark.parametrize(
    ("rules", "phase", "level", "stages", "takes_part"),
    [
        ("", "TEST", 0, (), True),
        ("include { phase: TEST }", "TEST", 0, (), True),
        ("include { phase: TRAIN }", "TEST", 0, (), False),
        ("include { phase: TRAIN } include { phase: TEST }", "TEST", 0, (), True),
        ("exclude { phase: TEST }", "TEST", 0, (), False),
        ("exclude { phase: TRAIN }", "TEST", 0, (), True),
        ("exclude { phase: TRAIN }", "TRAIN", 0, (), False),
        ("include { }", "TEST", 0, (), True),
        ("exclude { }", "TEST", 0, (), False),
        ("include { min_level: 2 }", "TEST", 1, (), False),
        ("include { min_level: 2 }", "TEST", 2, (), True),
        ("include { max_level: 2 }", "TEST", 2, (), True),
        ("include { max_level: 2 }", "TEST", 3, (), False),
        ('include { stage: "a" stage: "b" }', "TEST", 0, ("a",), False),
        ('include { stage: "a" stage: "b" }', "TEST", 0, ("a", "b", "c"), True),
        ('include { not_stage: "a" }', "TEST", 0, ("a",), False),
        ('include { not_stage: "a" }', "TEST", 0, ("b",), True),
        ('include { phase: TEST stage: "a" }', "TRAIN", 0, ("a",), False),
        ('exclude { phase: TEST stage: "a" }', "TEST", 0, (), True),
    ],
)
def test_phase_rules(
    tmp_path: Path, rules: str, phase: str, level: int, stages: tuple[str, ...], takes_part: bool
) -> None:
    path = write(tmp_path, f'{INPUT}layer {{ name: "relu" type: "ReLU" bottom: "data" top: "relu" {rules} }}')
    network = read_network(path, phase=phase, level=level, stages=stages)
    assert ("relu" in [layer.name for layer in network.layers]) is takes_part


def test_stages_of_the_file_count_too(tmp_path: Path) -> None:
    rule = 'include { stage: "a" stage: "b" }'
    path = write(
        tmp_path,
        f'state {{ stage: "a" phase: TRAIN level: 7 }} {INPUT}'
        f'layer {{ name: "relu" type: "ReLU" bottom: "data" top: "relu" {rule} }}',
    )
    assert len(read_network(path, stages=["b"]).layers) == 2
    assert len(read_network(path).layers) == 1


def test_include_and_exclude_do_not_go_together(tmp_path: Path) -> None:
    text = f'{INPUT}layer {{ name: "r" type: "ReLU" include {{ phase: TEST }} exclude {{ phase: TRAIN }} }}'
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:2, layer 'r': has both include and exclude rules\n  → keep one kind"
    )


def test_unknown_phase(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no phase 'test'\n  → TEST or TRAIN"):
        read_network(write(tmp_path, INPUT), phase="test")


# --------------------------------------------------------------------------------- nets that Caffe would not build


def test_unknown_bottom_names_the_nearest_blob(tmp_path: Path) -> None:
    text = INPUT + CONV + 'layer { name: "relu" type: "ReLU" bottom: "conv1" top: "relu" }'
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:3, layer 'relu': unknown bottom blob 'conv1'\n  → did you mean 'conv'?"
    )


def test_unknown_bottom_that_comes_later(tmp_path: Path) -> None:
    text = INPUT + 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "relu" }\n' + CONV
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:2, layer 'relu': unknown bottom blob 'conv'\n"
        "  → move this layer behind 'conv' (line 3), which writes it"
    )


def test_unknown_bottom_of_another_phase(tmp_path: Path) -> None:
    text = (
        INPUT + 'layer { name: "aug" type: "Power" bottom: "data" top: "x" include { phase: TRAIN } }\n'
        'layer { name: "relu" type: "ReLU" bottom: "x" top: "relu" }\n'
    )
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:3, layer 'relu': unknown bottom blob 'x'\n"
        "  → 'aug' (line 2) writes it, but takes no part in this phase"
    )


@pytest.mark.parametrize(
    "layer",
    [
        'layer { name: "again" type: "Convolution" bottom: "data" top: "conv" }',
        # Caffe takes a layer for in-place only where bottom and top stand at the same position.
        'layer { name: "again" type: "Eltwise" bottom: "data" bottom: "conv" top: "conv" }',
    ],
)
def test_blob_written_twice(tmp_path: Path, layer: str) -> None:
    assert complaint(tmp_path, INPUT + CONV + layer, PrototxtError) == (
        "deploy.prototxt:3, layer 'again': top blob 'conv' is produced by multiple sources: 'conv' has written it\n"
        "  → give this top a name of its own"
    )


def test_blob_with_another_reader_cannot_be_written_over(tmp_path: Path) -> None:
    text = (
        INPUT
        + CONV
        + 'layer { name: "skip" type: "Power" bottom: "conv" top: "skip" }\n'
        + 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }\n'
    )
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:4, layer 'relu': top blob 'conv' is produced by multiple sources: "
        "it cannot be written over, since 'skip' reads it too\n  → give this top a name of its own"
    )


def test_namesakes_are_refused(tmp_path: Path) -> None:
    text = INPUT + CONV + 'layer { name: "conv" type: "ReLU" bottom: "conv" top: "conv" }'
    assert complaint(tmp_path, text, UnsupportedError) == (
        "deploy.prototxt:3, layer 'conv': line 2 has a layer of the same name\n"
        "  → rename one of them; Caffe loads trained weights into the first only"
    )


def test_namesakes_of_two_phases_are_fine(tmp_path: Path) -> None:
    train = 'layer { name: "data" type: "Data" top: "data" include { phase: TRAIN } }\n'
    assert wiring(read_network(write(tmp_path, train + INPUT + CONV))) == {"data": "→ data", "conv": "data → conv"}


def test_layer_without_a_name(tmp_path: Path) -> None:
    assert complaint(tmp_path, INPUT + 'layer { type: "ReLU" bottom: "data" top: "x" }', UnsupportedError) == (
        "deploy.prototxt:2, layer '': this layer has no name\n  → give it one, name: \"…\", that no other layer has"
    )


def test_empty_file(tmp_path: Path) -> None:
    assert complaint(tmp_path, "", PrototxtError) == (
        "deploy.prototxt: has no layers\n  → give the deploy prototxt, which begins with an Input layer"
    )


def test_net_without_input_is_refused(tmp_path: Path) -> None:
    text = 'layer { name: "mine" type: "Parameter" top: "data" }\n' + CONV
    assert complaint(tmp_path, text, UnsupportedError) == (
        "deploy.prototxt:1, layer 'mine': the net has no Input layer\n"
        "  → give the deploy prototxt, which begins with an Input layer"
    )


# --------------------------------------------------------------------------------------------------------- inputs


def test_one_shape_serves_all_tops(tmp_path: Path) -> None:
    path = write(
        tmp_path, 'layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: [1, 3, 8, 9] } } }'
    )
    assert read_network(path).inputs == {Top("in", "a"): (1, 3, 8, 9), Top("in", "b"): (1, 3, 8, 9)}


def test_shapes_can_be_replaced(tmp_path: Path) -> None:
    network = read_network(write(tmp_path, INPUT + CONV), input_shapes={"data": (2, 3, 50, 60)})
    assert network.inputs == {Top("data", "data"): (2, 3, 50, 60)}
    assert [list(shape.dim) for shape in network["data"].parameters.input_param.shape] == [[2, 3, 50, 60]]


def test_input_without_a_shape_gets_it_from_the_caller(tmp_path: Path) -> None:
    text = 'input: "data"\n' + CONV
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:1, layer 'input': input 'data' has no shape\n"
        "  → write input_param { shape { dim: 1 dim: 3 dim: … dim: … } }"
    )
    network = read_network(write(tmp_path, text), input_shapes={"data": (1, 3, 8, 8)})
    assert network.inputs == {Top("input", "data"): (1, 3, 8, 8)}


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ({"image": (1, 3, 8, 8)}, "the net has no input 'image'\n  → its inputs: data"),
        ({"data": (1, 3, 0, 8)}, "input 'data' cannot be 1×3×0×8\n  → each dimension is 1 or more"),
    ],
)
def test_impossible_replacements(tmp_path: Path, shapes: dict[str, Shape], expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_network(write(tmp_path, INPUT), input_shapes=shapes)
    assert str(caught.value).endswith(expected)


def test_another_size_for_every_picture(tmp_path: Path) -> None:
    other = 'layer { name: "info" type: "Input" top: "info" input_param { shape { dim: [1, 3] } } }\n'
    path = write(tmp_path, INPUT + other + CONV)
    network = read_network(path, size=(50, 60))
    assert network.inputs == {Top("data", "data"): (1, 3, 50, 60), Top("info", "info"): (1, 3)}
    assert [list(shape.dim) for shape in network["data"].parameters.input_param.shape] == [[1, 3, 50, 60]]
    assert read_network(path, size=(1, 50, 60)).inputs[Top("data", "data")] == (1, 1, 50, 60)
    assert read_network(path, size=(5, 6), input_shapes={"data": (1, 3, 7, 8)}).inputs[Top("data", "data")][2:] == (
        7,
        8,
    )


def test_a_size_for_a_net_without_pictures(tmp_path: Path) -> None:
    text = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3] } } }'
    with pytest.raises(UsageError) as caught:
        read_network(write(tmp_path, text), size=(5, 6))
    assert str(caught.value).endswith("no input has a height and a width to set\n  → 'data' is 1×3; give no size")


def test_impossible_shape(tmp_path: Path) -> None:
    text = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, -1, 9] } } }'
    assert complaint(tmp_path, text, PrototxtError) == (
        "deploy.prototxt:1, layer 'data': input 'data' cannot be 1×3×-1×9\n  → each dimension is 1 or more"
    )


def test_import_stays_light() -> None:
    code = "import sys, harness.caffe; print(sorted({'tensorflow', 'keras', 'cv2', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
