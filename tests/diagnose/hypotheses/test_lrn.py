"""What TensorFlow and others mean by the words of Caffe's LRN is named and proven, one at a time and together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison
from harness.keras_layers import LRN

SHAPE = (2, 12, 6, 7)
ACROSS = "lrn_param { local_size: 5 alpha: 0.01 beta: 0.75 }"
WITHIN = "lrn_param { local_size: 5 alpha: 0.01 beta: 0.75 norm_region: WITHIN_CHANNEL }"


def judged(make: Callable[[Any], Any], parameters: str = ACROSS) -> LayerComparison:
    data = keras.Input((6, 7, 12), name="data")
    return rows_of(nets.single("LRN", SHAPE, parameters), keras.Model(data, make(data)))["layer"]


def tensorflows(radius: int, bias: float, alpha: float, beta: float) -> Any:
    return layers.Lambda(lambda x: tf.nn.local_response_normalization(x, radius, bias, alpha, beta), name="layer")


def within(x: Any, size: int = 5, alpha: float = 0.01, beta: float = 0.75) -> Any:
    around = [[0, 0], [size // 2] * 2, [size // 2] * 2, [0, 0]]
    return x * (1 + alpha * ops.average_pool(ops.pad(x**2, around), size, 1, "valid")) ** -beta


@pytest.mark.parametrize(
    ("arguments", "code", "summary", "fix"),
    [
        (
            (2, 1.0, 0.01, 0.75),
            "lrn.alpha",
            "Keras does not divide alpha by the 5 numbers of the window.",
            "alpha=0.002, which is Caffe's 0.01 over 5",
        ),
        ((2, 1.0, 0.0021, 0.75), "lrn.alpha", "Keras has alpha 0.0105, Caffe 0.01.", "alpha=0.002, which is Caffe's"),
        (
            (5, 1.0, 0.002, 0.75),
            "lrn.size",
            "Keras takes local_size 5 for the radius of a window of 11.",
            "depth_radius=2",
        ),
        ((2, 2.0, 0.002, 0.75), "lrn.bias", "Keras has k 2, Caffe 1.", "bias=1"),
        ((2, 1.0, 0.002, 0.5), "lrn.beta", "Keras has beta 0.5, Caffe 0.75.", "beta=0.75"),
    ],
)
def test_tensorflows_own_with_another_constant(arguments, code, summary, fix):
    (cause,) = judged(tensorflows(*arguments)).causes
    assert (cause.code, cause.proven, cause.summary) == (code, True, summary)
    assert cause.fix.startswith(fix)
    assert cause.evidence.startswith("layer: local_size 5, alpha 0.01, beta 0.75, k 1 in the prototxt; ")


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ((5, 1.0, 0.01, 0.75), {"lrn.size", "lrn.alpha"}),
        ((2, 2.0, 0.01, 0.75), {"lrn.bias", "lrn.alpha"}),
        ((5, 1.0, 1.0, 0.5), {"lrn.size", "lrn.alpha", "lrn.beta"}),
    ],
)
def test_several_constants_at_once(arguments, codes):
    causes = judged(tensorflows(*arguments)).causes
    assert {cause.code for cause in causes} == codes
    assert all(cause.proven for cause in causes)
    assert "by its numbers layer has a window of" in causes[0].evidence


@pytest.mark.parametrize(
    ("arguments", "code", "fix"),
    [
        ({"alpha": 0.011}, "lrn.alpha", "alpha=0.01"),
        ({"k": 2.0}, "lrn.bias", "k=1"),
        ({"size": 3}, "lrn.size", "size=5"),
        ({"within_channel": True}, "lrn.region", "within_channel=False"),
    ],
)
def test_a_layer_of_the_harness_own_says_what_it_does(arguments, code, fix):
    (cause,) = judged(LRN(**{"size": 5, "alpha": 0.01, "beta": 0.75, **arguments}, name="layer")).causes
    assert (cause.code, cause.proven, cause.fix) == (code, True, fix)
    assert cause.evidence.startswith("layer in the prototxt asks for ")


class OwnLRN(layers.Layer):
    """As people write it: alpha times the sum."""

    def __init__(self, alpha: float, beta: float, k: float = 1.0, n: int = 5, **options: Any) -> None:
        super().__init__(**options)
        self.alpha, self.beta, self.k, self.n = alpha, beta, k, n

    def call(self, x: Any) -> Any:
        half, channels = self.n // 2, x.shape[-1]
        squares = ops.pad(x**2, [[0, 0], [0, 0], [0, 0], [half, half]])
        total = sum(squares[..., start : start + channels] for start in range(self.n))
        return x / (self.k + self.alpha * total) ** self.beta

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta, "k": self.k, "n": self.n}


OwnLRN.__name__ = "LRN"


def test_a_users_class_of_the_same_name_is_not_taken_for_the_harness_own():
    (cause,) = judged(OwnLRN(alpha=0.01, beta=0.75, name="layer")).causes
    assert (cause.code, cause.proven) == ("lrn.alpha", True)
    assert cause.summary == "Keras does not divide alpha by the 5 numbers of the window."


def test_another_region():
    (inside,) = judged(layers.Lambda(within, name="layer")).causes
    (across,) = judged(tensorflows(2, 1.0, 0.002, 0.75), WITHIN).causes
    assert (inside.code, inside.proven, inside.fix) == ("lrn.region", True, "a sum over channels")
    assert (across.code, across.proven, across.fix) == ("lrn.region", True, "a sum over height and width")


def test_a_right_one_has_no_cause():
    rows = [judged(tensorflows(2, 1.0, 0.002, 0.75)), judged(layers.Lambda(within, name="layer"), WITHIN)]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 2


def test_a_k_that_is_hardly_another():
    (cause,) = judged(tensorflows(2, 1.001, 0.002, 0.75)).causes
    assert (cause.code, cause.proven, cause.summary) == ("lrn.bias", True, "Keras has k 1.001, Caffe 1.")


def test_a_sum_within_each_channel_that_keeps_k_and_counts_what_is_there():
    def there_only(x):
        return x / (2 + 0.01 * ops.average_pool(x * x, 5, 1, "same")) ** 0.75

    row = judged(layers.Lambda(there_only, name="layer"), "lrn_param { local_size: 5 alpha: 0.01 beta: 0.75 k: 2 }")
    (cause,) = row.causes
    assert (cause.code, cause.proven, cause.fix) == ("lrn.region", True, "a sum over channels")
    assert cause.summary == (
        "Keras sums within each channel, Caffe across them, with k 2; "
        "at the border it shares alpha among the numbers that are there."
    )
