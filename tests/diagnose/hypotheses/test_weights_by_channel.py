"""Numbers learned by channel are held against Caffe's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from support import nets
from support.diagnoses import rows_of

from harness.convert.weights import keras_weights
from harness.data import Cause

NET = nets.network(
    nets.data(2, 6, 7, 7)
    + nets.layer("BatchNorm", "data", "norm1")
    + nets.layer("Scale", "norm1", "scale1", "scale_param { bias_term: true }")
    + nets.layer("BatchNorm", "scale1", "norm2")
    + nets.layer("Scale", "norm2", "scale2", "scale_param { bias_term: true }")
    + nets.layer("PReLU", "scale2", "slopes")
)
BLOBS = nets.random_blobs(NET)
RIGHT = {name: dict(arrays) for name, arrays in keras_weights(NET, nets.weights(BLOBS))}
SWAPPED = [0, 4, 2, 3, 1, 5]


def cause_of(layer: str, **changed: np.ndarray) -> Cause:
    """The first cause that a layer of the converted net gets once some of its variables are changed."""
    model = nets.keras_model(NET, BLOBS)
    nets.fill(model, {layer: changed})
    return rows_of(NET, model, blobs=BLOBS)[layer].causes[0]


def test_initial_statistics() -> None:
    fresh = {"moving_mean": 0, "moving_variance": 1, "gamma": 1, "beta": 0}
    cause = cause_of("norm1", **{name: np.full(6, value, "f4") for name, value in fresh.items()})
    assert (cause.code, cause.proven) == ("weights.not_loaded", True)
    names = "moving_mean and moving_variance and gamma and beta"
    assert cause.summary == f"Keras' {names} still have their initial numbers."


def test_the_statistics_of_another_layer() -> None:
    cause = cause_of("norm1", **RIGHT["norm2"])
    assert (cause.code, cause.proven) == ("weights.of_other_layer", True)
    assert cause.summary == "Keras' moving_mean and moving_variance and gamma and beta are norm2's."


@pytest.mark.parametrize(("layer", "name"), [("norm1", "moving_mean"), ("norm1", "gamma"), ("slopes", "alpha")])
def test_channels_exchanged(layer: str, name: str) -> None:
    cause = cause_of(layer, **{name: RIGHT[layer][name][..., SWAPPED]})
    assert (cause.code, cause.proven) == ("weights.permuted", True)
    assert cause.summary == f"Keras' {name} is Caffe's with the channels 1 and 4 exchanged."
    assert cause.evidence == f"2 of 6 numbers of {name} differ."
    assert cause.fix == f"{layer}: {name} from the caffemodel"


def test_all_variables_in_the_same_other_order_are_one_cause() -> None:
    cause = cause_of("norm1", **{name: one[SWAPPED] for name, one in RIGHT["norm1"].items()})
    assert (cause.code, cause.proven) == ("weights.permuted", True)


def test_a_single_wrong_number() -> None:
    cause = cause_of("norm1", beta=RIGHT["norm1"]["beta"] + 0.5 * np.eye(6)[2])
    assert (cause.code, cause.proven) == ("weights.value", True)
    assert cause.summary == "Keras' beta differs from Caffe's by up to 0.5."


def test_the_right_numbers_have_no_causes() -> None:
    assert not any(row.causes for row in rows_of(NET, nets.keras_model(NET, BLOBS), blobs=BLOBS).values())


def test_slopes_that_were_never_loaded() -> None:
    cause = cause_of("slopes", alpha=np.full_like(RIGHT["slopes"]["alpha"], 0.25))
    assert (cause.code, cause.proven) == ("weights.not_loaded", True)
    assert cause.summary == "Keras' alpha still has its initial numbers."


class Gain(keras.layers.Layer):
    """A Scale under names of its own, the summand first."""

    def build(self, shape) -> None:
        self.shift = self.add_weight(shape=(shape[-1],), name="shift")
        self.times = self.add_weight(shape=(shape[-1],), name="times")

    def call(self, x):
        return x * self.times + self.shift


@pytest.mark.parametrize("order", [SWAPPED, [0, 1, 2, 3, 4, 5]])
def test_a_layer_with_names_of_its_own(order: list[int]) -> None:
    net = nets.network(nets.data(2, 6, 7, 7) + nets.layer("Scale", parameters="scale_param { bias_term: true }"))
    blobs = nets.random_blobs(net)
    factors, summands = blobs["layer"]
    data = keras.Input((7, 7, 6), name="data")
    gain = Gain(name="layer")
    model = keras.Model(data, gain(data))
    gain.set_weights([summands, factors[order]])
    found = [(one.code, one.proven, one.evidence) for one in rows_of(net, model, blobs=blobs)["layer"].causes]
    wrong = [("weights.permuted", True, "2 of 6 numbers of times differ.")]
    assert found == (wrong if order == SWAPPED else [])


def test_slopes_beside_a_layer_with_another_number_of_them() -> None:
    net = nets.network(
        nets.data(2, 6, 7, 7)
        + nets.layer("PReLU", "data", "slopes")
        + nets.conv("slopes", "conv", "num_output: 4 kernel_size: 3")
        + nets.layer("PReLU", "conv", "others")
    )
    blobs = nets.random_blobs(net)
    model = nets.keras_model(net, blobs)
    (slopes,) = blobs["slopes"]
    nets.fill(model, {"slopes": {"alpha": slopes[SWAPPED].reshape(1, 1, 6)}})
    (cause,) = rows_of(net, model, blobs=blobs)["slopes"].causes
    assert (cause.code, cause.proven) == ("weights.permuted", True)
