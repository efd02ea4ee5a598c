"""Weights from a seed: the same bits everywhere, whatever else is in the net."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from support import nets

from harness.convert.synthetic import BIAS, INPUT_RMS, synthetic_input, synthetic_weights

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


def test_blobs_that_are_no_kernel_lie_where_their_type_says() -> None:
    """A variance above zero, a weight of one, scales of about one: activations stay in range and finite."""
    net = nets.network(
        nets.data(1, 3, 8, 9)
        + nets.layer("BatchNorm", "data", "bn")
        + nets.layer("Scale", "bn", "scale", "scale_param { bias_term: true }")
        + nets.layer("BN", "scale", "segnet")
        + nets.layer("Bias", "segnet", "bias")
        + nets.layer("Normalize", "bias", "norm")
        + 'layer { name: "gate" type: "Scale" bottom: "norm" bottom: "bias" top: "gate" '
        "scale_param { axis: 0 bias_term: true } }\n"
    )
    drawn = synthetic_weights(net, 0)
    mean, variance, weight = drawn["bn"]
    assert np.abs(mean).max() <= 0.5
    assert 0.5 <= variance.min() < variance.max() <= 1.5
    assert weight.tolist() == [1.0]
    for name in ("scale", "segnet", "norm"):
        assert 0.75 <= drawn[name][0].min() <= drawn[name][0].max() <= 1.25
    for blob in (drawn["scale"][1], drawn["segnet"][1], drawn["bias"][0], drawn["gate"][0]):
        assert 0 < np.abs(blob).max() <= 0.25
    assert [blob.shape for blob in (drawn["segnet"][0], drawn["norm"][0], drawn["gate"][0])] == [
        (1, 3, 1, 1),
        (),
        (1, 3, 8, 9),
    ]
