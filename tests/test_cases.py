"""case.toml: what is read, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cases import find_case, list_cases, parse_size, read_case, with_size, write_names
from harness.data import Tolerance
from harness.errors import CaseError, UsageError

FULL = """
name = "mine"
prototxt = "net.prototxt"
keras = "model.py:build"
keras_weights = "own"
palette = [[0, 0, 0], [255, 0, 0]]

[weights]
caffemodel = "net.caffemodel"
sha256 = "abc"
synthetic = true

[input]
image = "cat.png"
mean_bgr = [102.93, 111.36, 116]
scale = 0.5
margin = 3
size = [9, 10]

[names]
"conv1" = "conv2d_1"

[tolerance."prob"]
atol = 1e-6
"""
LEAST = "[weights]\nseed = 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "mine"
    own.mkdir()
    for name in ("net.prototxt", "deploy.prototxt", "net.caffemodel", "cat.png", "x.npy"):
        (own / name).touch()
    return own


def write(folder: Path, text: str) -> Path:
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(CaseError) as caught:
        read_case(write(folder, text))
    return str(caught.value).replace(f"{folder}/", "").replace(f"{folder.resolve()}/", "")


def test_every_key(folder: Path) -> None:
    case = read_case(write(folder, FULL))
    assert (case.name, case.keras, case.keras_weights) == ("mine", "model.py:build", "own")
    assert (case.folder, case.prototxt) == (folder.resolve(), (folder / "net.prototxt").resolve())
    assert (case.weights.caffemodel, case.weights.sha256) == ((folder / "net.caffemodel").resolve(), "abc")
    assert case.weights.synthetic
    assert case.input.image == (folder / "cat.png").resolve()
    assert (case.input.mean_bgr, case.input.scale, case.input.margin) == ((102.93, 111.36, 116.0), 0.5, 3)
    assert (case.input.size, case.input.seed) == ((9, 10), None)
    assert case.names == {"conv1": "conv2d_1"}
    assert case.tolerance == {"prob": Tolerance(atol=1e-6)}
    assert case.palette == ((0, 0, 0), (255, 0, 0))


def test_the_least_that_is_needed(folder: Path) -> None:
    case = read_case(write(folder, LEAST) / "case.toml")
    assert (case.name, case.keras, case.keras_weights) == ("mine", "auto", None)
    assert case.prototxt.name == "deploy.prototxt"
    assert (case.weights.seed, case.input.seed, case.input.size) == (0, 0, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "case.toml: is not TOML: "),
        (LEAST + "[input]\nimages = 'cat.png'\n", "case.toml: [input] has no key 'images'\n  → did you mean 'image'?"),
        ("prototext = 'a'\n" + LEAST, "case.toml: has no key 'prototext'\n  → did you mean 'prototxt'?"),
        ("[weights]\nsede = 0\n", "case.toml: [weights] has no key 'sede'\n  → did you mean 'seed'?"),
        (LEAST + "[tolerance.prob]\nrtl = 1\n", "case.toml: [tolerance] has no key 'rtl'\n  → did you mean 'rtol'?"),
        (LEAST + "[golden]\nurll = 'a'\n", "case.toml: [golden] has no key 'urll'\n  → did you mean 'url'?"),
        (LEAST + "[golden]\nurl = 'a'\n", "case.toml: [golden] needs both url and sha256"),
        ("zzz = 1\n" + LEAST, "case.toml: has no key 'zzz'\n  → keys are golden, input, "),
        ("", "case.toml: [weights] has none of caffemodel, url and seed\n  → write one, as seed = 0"),
        (
            "[weights]\nseed = 0\ncaffemodel = 'net.caffemodel'\n",
            "case.toml: [weights] has a seed beside a caffemodel\n  → keep one of the two",
        ),
        (LEAST + "[input]\nseed = 1\narray = 'x.npy'\n", "case.toml: [input] has array and seed\n  → keep one of them"),
        (LEAST + "[input]\nmean_bgr = [1.0]\n", "case.toml: [input] mean_bgr takes three numbers, size two"),
        ("name = 3\n" + LEAST, "case.toml: name is 3, not a str"),
        (
            "[weights]\ncaffemodel = 'net.caffemodel'\nsynthetic = 1\n",
            "case.toml: synthetic is 1, not a bool",
        ),
        ("[weights]\nseed = true\n", "case.toml: seed is True, not a int"),
        (LEAST + "[input]\nscale = 'big'\n", "case.toml: scale is 'big', not a number"),
        (
            LEAST + "[input]\nimage = 'dog.png'\n",
            "case.toml: image = 'dog.png': no such file\n  → paths are relative to mine/",
        ),
        ("prototxt = 'no.prototxt'\n" + LEAST, "case.toml: prototxt = 'no.prototxt': no such file"),
        (LEAST + "[names]\nconv1 = 3\n", "case.toml: [names] 'conv1' is not a text"),
        (
            LEAST + "[tolerance]\nprob = 1e-6\n",
            'case.toml: [tolerance."prob"] is not a table\n  → write atol = 1e-6 in it',
        ),
    ],
)
def test_mistakes(folder: Path, text: str, said: str) -> None:
    assert complaint(folder, text).startswith(said)


def test_an_array_for_each_input(folder: Path) -> None:
    read = read_case(write(folder, LEAST + '[input.array]\ndata = "x.npy"\n"im/info" = "cat.png"\n')).input
    assert read.array == {"data": folder / "x.npy", "im/info": folder / "cat.png"}
    assert (read.image, read.seed) == (None, None)
    assert complaint(folder, LEAST + '[input]\narray = { data = "y.npy" }\n') == (
        "case.toml: array.data = 'y.npy': no such file\n  → paths are relative to mine/"
    )


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"no such file\n  → harness models lists the cases at hand"):
        read_case(tmp_path / "case.toml")


def test_not_text(folder: Path) -> None:
    (folder / "case.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CaseError, match="is not UTF-8 text"):
        read_case(folder)


def test_a_folder_of_python_layers(folder: Path) -> None:
    (folder / "layers").mkdir()
    assert read_case(write(folder, 'python_layers = "layers"\n' + LEAST)).python_layers == folder / "layers"
    assert read_case(write(folder, LEAST)).python_layers is None
    assert complaint(folder, 'python_layers = "x.npy"\n' + LEAST) == (
        "case.toml: python_layers = 'x.npy': no such folder\n  → paths are relative to mine/"
    )


def test_a_size_with_channels(folder: Path) -> None:
    assert read_case(write(folder, LEAST + "[input]\nsize = [1, 28, 29]\n")).input.size == (1, 28, 29)
    assert complaint(folder, LEAST + "[input]\nsize = [28]\n") == (
        "case.toml: [input] mean_bgr takes three numbers, size two (height, width) or three (channels before)\n"
        "  → mean_bgr = [102.93, 111.36, 116.52], size = [900, 900]"
    )


def test_find_by_name_folder_and_file(folder: Path) -> None:
    write(folder, LEAST)
    roots = [folder.parent]
    assert list_cases(roots) == ["mine"]
    for what in ("mine", str(folder), str(folder / "case.toml")):
        assert find_case(what, roots).name == "mine"


def test_find_with_a_size(folder: Path) -> None:
    write(folder, FULL)
    case = find_case("mine@437x373", [folder.parent])
    assert (case.input.size, case.asked_size) == ((437, 373), (437, 373))
    own = find_case("mine@9x10", [folder.parent])
    assert (own.input.size, own.asked_size) == ((9, 10), None)
    assert with_size(own, (1, 2)).asked_size == (1, 2)


def test_an_unknown_name_lists_what_is_at_hand(folder: Path) -> None:
    write(folder, LEAST)
    with pytest.raises(UsageError) as caught:
        find_case("mime", [folder.parent])
    assert str(caught.value) == "no case 'mime'\n  → did you mean 'mine'? at hand are mine"


@pytest.mark.parametrize(
    ("text", "size"), [("437x373", (437, 373)), ("852×1640", (852, 1640)), ("1x28×29", (1, 28, 29))]
)
def test_size(text: str, size: tuple[int, ...]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["437", "437x", "0x5", "-1x5", "axb", "1x3x437x373", "0x5x5", "5x00"])
def test_no_size(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert str(caught.value) == f"{text!r} is not a size\n  → write height x width: 437x437"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '\n[names]\n"a/b" = "c"\n"x" = "y\\"z"\n'),
        ('[names] # ours\n"d" = "e"\n', '[names] # ours\n"a/b" = "c"\n"x" = "y\\"z"\n"d" = "e"\n'),
        ("[names]", '[names]\n"a/b" = "c"\n"x" = "y\\"z"\n'),
    ],
)
def test_names_are_added_and_the_rest_stays(tmp_path: Path, text: str, written: str) -> None:
    file = tmp_path / "case.toml"
    file.write_text(f"# mine\nkeras = 'auto'\n{text}", encoding="utf-8")
    write_names(file, {"a/b": "c", "x": 'y"z'})
    assert file.read_text(encoding="utf-8") == f"# mine\nkeras = 'auto'\n{written}"


def test_names_in_another_form_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text('names = { a = "b" }\n', encoding="utf-8")
    with pytest.raises(CaseError, match=r"its names cannot be added to\n  → write them in a section \[names\]"):
        write_names(file, {"c": "d"})
    assert file.read_text(encoding="utf-8") == 'names = { a = "b" }\n'
