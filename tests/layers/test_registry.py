"""Layer types are found by their files; two for one name are refused, and an unknown one says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import nets

import harness.layers
from harness.errors import UnsupportedError
from harness.layers import layer_type, layer_types, register
from harness.layers.base import LayerType, keras_name, module_name


def test_every_type_lives_in_the_file_named_after_it() -> None:
    folder = Path(harness.layers.__file__).parent
    for name, described in layer_types().items():
        assert described.name == name
        module = type(described).__module__.removeprefix("harness.layers.")
        assert module == module_name(name)
        assert (folder / f"{module}.py").is_file()
    assert {"Convolution", "Pooling", "InnerProduct", "ReLU", "Softmax", "Dropout"} <= set(layer_types())


def test_second_description_of_a_type_is_refused() -> None:
    before = layer_types()["ReLU"]
    with pytest.raises(ValueError, match=r"'ReLU' is described twice: .*ReLU.* and .*Again"):

        @register("ReLU")
        class Again(LayerType):
            pass

    assert layer_types()["ReLU"] is before


def test_unknown_type_lists_what_exists_and_names_the_file_to_add() -> None:
    net = nets.network(nets.data(1, 3, 4, 5) + nets.layer("SpatialPyramid", name="spp"))
    with pytest.raises(UnsupportedError) as caught:
        layer_type(net["spp"])
    said = str(caught.value)
    assert said.startswith("2, layer 'spp': Caffe layer type 'SpatialPyramid' is not described yet\n")
    assert "described are Convolution" not in said.split("\n")[0]
    assert ", ".join(layer_types()) in said
    assert said.endswith("add harness/layers/spatial_pyramid.py")


def test_type_without_a_conversion_names_the_file_to_complete() -> None:
    net = nets.network(nets.data(1, 3, 4, 5) + nets.layer("ReLU", name="relu"))
    with pytest.raises(UnsupportedError, match=r"has no conversion to Keras yet\n  → add keras_calls to .*/relu.py"):
        LayerType().keras_calls(net["relu"], [(1, 3, 4, 5)])


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("InnerProduct", "inner_product"),
        ("ReLU", "relu"),
        ("PReLU", "prelu"),
        ("LRN", "lrn"),
        ("BatchNorm", "batch_norm"),
        ("Pooling", "pooling"),
    ],
)
def test_module_name(kind: str, module: str) -> None:
    assert module_name(kind) == module


def test_keras_name_has_no_slash() -> None:
    assert keras_name("inception_3a/1x1") == "inception_3a__1x1"
    assert keras_name("conv1_1") == "conv1_1"
