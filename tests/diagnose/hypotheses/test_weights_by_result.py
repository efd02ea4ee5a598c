"""Output channels in another order are seen by what comes out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from support import nets
from support.diagnoses import rows_of


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_groups_joined_the_other_way_round(order: tuple[int, int]) -> None:
    net = nets.single("Convolution", (2, 4, 8, 8), "convolution_param { num_output: 6 kernel_size: 3 group: 2 }")
    blobs = nets.random_blobs(net)
    kernel, bias = blobs["layer"][0].transpose(2, 3, 1, 0), blobs["layer"][1]
    data = keras.Input((8, 8, 4), name="data")
    halves = [keras.layers.Lambda(lambda x, at=at: x[..., at : at + 2])(data) for at in (0, 2)]
    parts = [keras.layers.Conv2D(3, 3, name=f"part{n}")(half) for n, half in enumerate(halves)]
    model = keras.Model(data, keras.layers.Concatenate(name="layer")([parts[n] for n in order]))
    for n, outputs in enumerate((slice(0, 3), slice(3, 6))):
        nets.fill(model, {f"part{n}": {"kernel": kernel[..., outputs], "bias": bias[outputs]}})
    causes = rows_of(net, model, blobs=blobs)["layer"].causes
    if order == (0, 1):
        assert causes == ()
        return
    (cause,) = causes
    assert (cause.code, cause.proven, cause.fix) == ("groups", True, "join the groups in their order")
    assert cause.summary == "Keras gives Caffe's output channels shifted by 3."
    assert cause.evidence == "each of the 6 channels that Keras gives for layer is one of Caffe's, 6 at another place."


def test_channels_shuffled_behind_a_convolution() -> None:
    net = nets.single("Convolution", (2, 4, 8, 8), "convolution_param { num_output: 6 kernel_size: 3 }")
    blobs = nets.random_blobs(net)
    data = keras.Input((8, 8, 4), name="data")
    order = np.array([0, 4, 2, 3, 1, 5])
    turned = keras.layers.Lambda(lambda x: keras.ops.take(x, order, axis=-1), name="layer")
    model = keras.Model(data, turned(keras.layers.Conv2D(6, 3, name="inner")(data)))
    nets.fill(model, {"inner": {"kernel": blobs["layer"][0].transpose(2, 3, 1, 0), "bias": blobs["layer"][1]}})
    causes = rows_of(net, model, blobs=blobs)["layer"].causes
    assert [(cause.code, cause.proven) for cause in causes] == [("weights.permuted", True)]
