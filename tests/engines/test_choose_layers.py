"""The dump script's choice between a layer and its stand-in, which it makes where Caffe is."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.resources import docker_folder, dump_script, layer_scripts

DESCRIBED = {
    "schema": "harness-net/1",
    "head": "H ",
    "layers": [
        {"name": "data", "type": "Input", "text": "data "},
        {"name": "bn", "type": "BN", "text": "bn ", "instead": "BN2 ", "needs": "Python", "python": "bn"},
        {"name": "dw", "type": "Depthwise", "text": "dw ", "instead": "DW2 ", "needs": "Convolution"},
    ],
}
BVLC = {"Input", "Convolution", "Python"}


@pytest.fixture(scope="module")
def dump() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dump_script", dump_script())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("known", "text", "types", "modules"),
    [
        (BVLC, "H data BN2 DW2 ", {"bn": "BN", "dw": "Depthwise"}, {"bn": "bn"}),
        (BVLC | {"BN"}, "H data bn DW2 ", {"dw": "Depthwise"}, {}),
        (BVLC | {"BN", "Depthwise"}, "H data bn dw ", {}, {}),
        (None, "H data bn dw ", {}, {}),  # a Caffe from before it could be asked: a fork
        (BVLC - {"Input"}, "H data BN2 DW2 ", {"bn": "BN", "dw": "Depthwise"}, {"bn": "bn"}),  # Caffe will say it
    ],
)
def test_what_caffe_has_it_computes_itself(
    dump: ModuleType, known: set[str] | None, text: str, types: dict[str, str], modules: dict[str, str]
) -> None:
    net = dump.choose_layers(DESCRIBED, known)
    assert (net.text, net.types, net.modules) == (text, types, modules)


def test_a_caffe_without_python_layers(dump: ModuleType) -> None:
    with pytest.raises(dump.Refused) as caught:
        dump.choose_layers(DESCRIBED, BVLC - {"Python"})
    assert str(caught.value) == (
        "layer 'bn': this Caffe has neither the type BN nor the type Python, which could stand in for it"
    )


def test_another_schema(dump: ModuleType) -> None:
    with pytest.raises(dump.Refused, match="--net is no harness-net/1"):
        dump.choose_layers({**DESCRIBED, "schema": "harness-net/9"}, None)


def test_our_layers_leave_their_names_to_the_users(
    dump: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = tmp_path / "layers"
    layers.mkdir()
    (layers / "bn.py").write_text("WHOSE = 'ours'\n")
    monkeypatch.setattr(dump, "__file__", str(tmp_path / "dump.py"))
    theirs = ModuleType("bn")
    monkeypatch.setitem(sys.modules, "bn", theirs)
    monkeypatch.delitem(sys.modules, "harness_layer_bn", raising=False)
    before = list(sys.path)
    dump.bring_layers(["bn", "bn"])
    assert sys.modules["bn"] is theirs
    assert sys.modules["harness_layer_bn"].WHOSE == "ours"
    assert sys.path == before
    del sys.modules["harness_layer_bn"]
    for wrong in ("nothing", "../bn"):
        with pytest.raises(dump.Refused, match="there is no Python layer"):
            dump.bring_layers([wrong])


def test_every_stand_in_has_its_file() -> None:
    from harness.caffe import deploy

    assert {script.stem for script in layer_scripts()} == {
        "axpy", "bn", "interp", "normalize", "permute", "shuffle_channel", "upsample"
    }  # fmt: skip
    assert {"BN", "Upsample", "Permute", "Normalize", "Interp", "Axpy", "ShuffleChannel"} <= set(deploy._STAND_INS)


def test_python_2_7_can_read_the_scripts() -> None:
    """No syntax that came with Python 3, and text that says its encoding."""
    newer = (ast.JoinedStr, ast.AnnAssign, ast.Nonlocal, ast.AsyncFunctionDef, ast.NamedExpr)
    for script in (dump_script(), *layer_scripts()):
        text = script.read_bytes()
        assert text.startswith(b"# -*- coding: utf-8 -*-") or text.isascii(), script
        for node in ast.walk(ast.parse(text)):
            assert not isinstance(node, newer), script
            if isinstance(node, ast.FunctionDef):
                assert not node.args.kwonlyargs, script
                assert node.returns is None, script
                assert all(one.annotation is None for one in node.args.args), script


def test_the_dockerfile_takes_the_layers_along() -> None:
    assert "COPY layers /opt/harness/layers\n" in (docker_folder() / "Dockerfile").read_text()
