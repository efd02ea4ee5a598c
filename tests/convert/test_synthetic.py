"""Weights from a seed: the same bits everywhere, whatever else is in the net."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness.caffe import read_network
from harness.convert.synthetic import BIAS, INPUT_RMS, fill, synthetic_input, synthetic_numbers, synthetic_weights
from harness.data import Layer, Shape

FIRST = nets.conv("data", "a", "num_output: 4 kernel_size: 3 pad: 1")
NET = nets.network(
    nets.data(1, 3, 8, 9)
    + FIRST
    + nets.relu("a")
    + nets.conv("a", "b", "num_output: 6 kernel_h: 3 kernel_w: 2")
    + nets.layer("InnerProduct", "b", "ip", "inner_product_param { num_output: 5 }")
)

PINNED = {
    "a": ["0678e3b75a5e1e1d", "4005edbcb6f83a01"],
    "b": ["c09f577a47bead67", "6bc660db36551e6f"],
    "ip": ["78ea9d6dfb0774c0", "3813248c1d236cf8"],
}
PINNED_INPUT = "5b92a89700ec4824"


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, "<f4").tobytes()).hexdigest()[:16]


def test_the_bits_stay_the_same() -> None:
    """A pin, not a proof: goldens are recorded with these numbers, so no machine and no release may change them."""
    weights = synthetic_weights(NET, 0)
    assert {name: [digest(blob) for blob in blobs] for name, blobs in weights.items()} == PINNED
    assert digest(synthetic_input((1, 3, 8, 9), 0)) == PINNED_INPUT


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("digits_lenet", "05c7c9cf23adfdf7"),
        ("dilation_mini", "d2fdc1f1e8f1b3db"),
        pytest.param("dilation7_kitti", "544c9260031dec37", marks=pytest.mark.slow),
    ],
)
def test_the_bits_of_the_cases_stay_the_same(models: Path, case: str, expected: str) -> None:
    """As `sources.SYNTHETIC` = 1 had them from the start."""
    found = hashlib.sha256()
    for name, blobs in synthetic_weights(read_network(models / case / "deploy.prototxt"), 0).items():
        found.update(name.encode())
        for blob in blobs:
            found.update(blob.tobytes())
    assert found.hexdigest()[:16] == expected


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_always_gives_the_same_and_another_seed_others(seed: int) -> None:
    again, other = synthetic_weights(NET, seed), synthetic_weights(NET, seed + 1)
    for name, blobs in synthetic_weights(NET, seed).items():
        for one, same, different in zip(blobs, again[name], other[name], strict=True):
            assert one.dtype == np.float32
            np.testing.assert_array_equal(one, same)
            assert not np.array_equal(one, different)


def test_filters_have_no_mean_and_stay_in_range() -> None:
    kernel, bias = synthetic_weights(NET, 0)["b"]
    filters = kernel.reshape(6, -1).astype(np.float64)
    # Uniform numbers of variance gain / fan-in lie within √(3 · variance); taking the mean away widens that a little.
    limit = np.sqrt(3 * 4.0 / filters.shape[1])
    assert np.abs(filters.mean(axis=1)).max() < limit * 2**-22
    assert 0.5 * limit < np.abs(filters).max() < 2 * limit
    assert 0 < np.abs(bias).max() <= BIAS


def test_the_first_layer_divides_by_a_photographs_size() -> None:
    net = nets.network(nets.data(1, 3, 8, 9) + FIRST + nets.conv("a", "b", "num_output: 4 kernel_size: 3 group: 1"))
    weights = synthetic_weights(net, 0)
    assert weights["a"][0].std() / weights["b"][0].std() == pytest.approx(np.sqrt(4 / 3) / INPUT_RMS, rel=0.3)


def test_a_layers_weights_do_not_depend_on_its_place() -> None:
    alone = nets.network(nets.data(1, 3, 8, 9) + FIRST + nets.relu("a"))
    np.testing.assert_array_equal(synthetic_weights(alone, 0)["a"][0], synthetic_weights(NET, 0)["a"][0])
    before = nets.network(nets.data(1, 3, 8, 9) + nets.conv("data", "z") + FIRST + nets.relu("a"))
    np.testing.assert_array_equal(synthetic_weights(before, 0)["a"][0], synthetic_weights(NET, 0)["a"][0])


def test_layers_of_equal_shape_have_different_weights() -> None:
    net = nets.network(nets.data(1, 3, 8, 9) + nets.conv("data", "a") + nets.conv("data", "b"))
    weights = synthetic_weights(net, 0)
    assert not np.array_equal(weights["a"][0], weights["b"][0])


def test_input_is_uniform_in_the_range_of_a_photograph() -> None:
    x = synthetic_input((1, 3, 50, 51), 7)
    assert (x.shape, x.dtype) == ((1, 3, 50, 51), np.float32)
    assert -128 <= x.min() < -127
    assert 127 < x.max() < 128
    assert abs(float(x.mean())) < 3


@pytest.mark.parametrize("count", [1, 2, 9, 1000])
def test_whole_numbers_are_all_there_is_and_equally_often(count: int) -> None:
    x = synthetic_numbers((60, 200), 3, count)
    assert (x.shape, x.dtype) == ((60, 200), np.float32)
    assert set(x.reshape(-1)) == set(range(count))
    assert np.bincount(x.astype(int).reshape(-1)).std() < 4 * np.sqrt(x.size / count)
    np.testing.assert_array_equal(x, synthetic_numbers((60, 200), 3, count))


def test_activations_keep_their_size() -> None:
    text, blob = nets.data(1, 3, 24, 24), "data"
    for index in range(6):
        text += nets.conv(blob, f"c{index}", "num_output: 12 kernel_size: 3") + nets.relu(f"c{index}", f"r{index}")
        blob = f"c{index}"
    net = nets.network(text)
    x = synthetic_input((1, 3, 24, 24), 0)
    tops = nets.define_all(net, synthetic_weights(net, 0), {next(iter(net.inputs)): x})
    sizes = [float(np.sqrt((tops[net[f"r{index}"].tops[0]] ** 2).mean())) for index in range(6)]
    assert all(0.1 < size < 10 for size in sizes), sizes


# ------------------------------------------------------------------------------------ blobs that are no kernels


def a_layer(kind: str, parameters: str = "") -> Layer:
    """A layer of a type that need not be described yet."""
    return nets.network(nets.data(1, 8, 4, 4) + nets.layer(kind, parameters=parameters))["layer"]


def filled(kind: str, *shapes: Shape, parameters: str = "", seed: int = 0) -> tuple[np.ndarray, ...]:
    blobs = fill(a_layer(kind, parameters), shapes, np.random.Philox(key=seed), gain=2.0, fan_in=8.0)
    assert [blob.shape for blob in blobs] == list(shapes)
    assert all(blob.dtype == np.float32 for blob in blobs)
    return blobs


@pytest.mark.parametrize(
    ("kind", "ranges"),
    [
        ("Scale", [(0.7, 1.3)]),
        ("BN", [(0.7, 1.3), (-0.05, 0.05)]),
        ("Bias", [(-0.05, 0.05)]),
        ("PReLU", [(0.1, 0.4)]),
        ("Normalize", [(10.0, 20.0)]),
        ("Embed", [(-1.0, 1.0), (-0.05, 0.05)]),
        ("Parameter", [(-1.0, 1.0)]),
    ],
)
def test_numbers_lie_where_training_leaves_them(kind: str, ranges: list[tuple[float, float]]) -> None:
    blobs = filled(kind, *[(500,)] * len(ranges))
    for blob, (least, largest) in zip(blobs, ranges, strict=True):
        assert least <= blob.min() < least + (largest - least) / 50
        assert largest - (largest - least) / 50 < blob.max() <= largest


def test_a_scale_without_a_bias_and_a_shared_slope() -> None:
    assert len(filled("Scale", (8,))) == 1
    (slope,) = filled("PReLU", ())
    assert 0.1 <= slope <= 0.4


def test_statistics_show_who_forgets_the_scale_factor() -> None:
    mean, variance, factor = filled("BatchNorm", (500,), (500,), (1,))
    assert factor == [4.0]
    assert np.abs(mean / factor).max() <= 0.2
    assert np.abs(mean / factor).max() > 0.19
    assert 0.5 <= (variance / factor).min() < 0.53
    assert 1.97 < (variance / factor).max() <= 2.0


def test_matrices_of_a_recurrent_layer_are_kernels_its_biases_are_not() -> None:
    of_input, bias, of_hidden = filled("LSTM", (32, 6), (32,), (32, 8))
    assert np.abs(bias).max() <= BIAS
    assert of_input.std() == pytest.approx(2.0 / np.sqrt(6), rel=0.2)
    assert of_hidden.std() == pytest.approx(1.0 / np.sqrt(8), rel=0.2)


def test_a_bilinear_filler_is_honoured() -> None:
    # Published: Long, Shelhamer, Darrell, the 4×4 kernel of FCN's upsampling by two.
    bilinear = "convolution_param { weight_filler { type: 'bilinear' } }"
    kernel, bias = filled("Deconvolution", (2, 3, 4, 4), (3,), parameters=bilinear)
    expected = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(kernel, np.broadcast_to(expected, (2, 3, 4, 4)))
    assert 0 < np.abs(bias).max() <= BIAS
    other = filled("Deconvolution", (2, 3, 4, 4))[0]
    assert not np.array_equal(other[0, 0], expected)
    square, _ = filled("Deconvolution", (3, 3, 4, 4), (3,), parameters=bilinear)
    for o, i in np.ndindex(3, 3):
        np.testing.assert_array_equal(square[o, i], kernel[0, 0] if o == i else 0)  # each channel onto itself
    rectangle = filled("Deconvolution", (2, 3, 4, 2), parameters=bilinear)[0]  # Caffe's filler refuses it
    assert rectangle.std() > 0


def test_what_layers_share_is_the_owners() -> None:
    both = 'param { name: "w" } param { name: "v" }'
    text = nets.data(1, 3, 8, 9)
    for name, names in (("a", both), ("b", both), ("c", 'param { } param { name: "v" }')):
        text += nets.layer("Convolution", "data", name, f"convolution_param {{ num_output: 4 kernel_size: 3 }} {names}")
    weights = synthetic_weights(nets.network(text), 0)
    alone = nets.network(text.replace(both, ""))
    np.testing.assert_array_equal(weights["b"][0], weights["a"][0])
    np.testing.assert_array_equal(weights["b"][1], weights["a"][1])
    np.testing.assert_array_equal(weights["c"][1], weights["a"][1])
    assert not np.array_equal(weights["c"][0], weights["a"][0])
    np.testing.assert_array_equal(synthetic_weights(alone, 0)["a"][0], weights["a"][0])


# ------------------------------------------------------------------------------------- inputs that are no pictures
