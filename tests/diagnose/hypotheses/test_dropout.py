"""A dropout that is still at work, or scales once more, is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

TEXT = (
    nets.data(2, 20)
    + nets.layer("Dropout", name="drop", parameters="dropout_param { dropout_ratio: 0.3 }")
    + nets.layer("InnerProduct", "drop", "layer", "inner_product_param { num_output: 7 }")
)


class AlwaysAtWork(layers.Dropout):
    """Monte Carlo dropout."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        return super().call(inputs, training=True)


def judged(make: Callable[[Any], Any]) -> LayerComparison:
    data = keras.Input((20,), name="data")
    model = keras.Model(data, layers.Dense(7, name="layer")(make(data)))
    return rows_of(nets.network(TEXT), model, converted=True)["layer"]


def test_one_that_is_called_for_training():
    (cause,) = judged(lambda x: layers.Dropout(0.3, name="drop")(x, training=True)).causes
    assert (cause.code, cause.proven, cause.fix) == ("dropout.active", True, "training=False")
    assert cause.summary == "drop drops numbers by chance, Caffe's dropout does nothing at inference."
    assert cause.evidence == "drop is called with training=True, rate 0.3."


def test_one_that_two_runs_give_away():
    (cause,) = judged(AlwaysAtWork(0.3, name="drop")).causes
    assert (cause.code, cause.proven) == ("dropout.active", True)
    assert cause.evidence.startswith("two runs on the same input differ by ")


@pytest.mark.parametrize(("factor", "said"), [(0.7, "by 0.7"), (1 / 0.7, "by 1 / 0.7")])
def test_the_share_that_is_kept_once_more(factor, said):
    (cause,) = judged(layers.Lambda(lambda x: x * factor, name="drop")).causes
    assert (cause.code, cause.proven, cause.fix) == ("dropout.scale", True, f"no product {said}")
    assert cause.summary.startswith(f"Keras multiplies {said}, the share that drop keeps in training")


def test_a_right_one_has_no_cause():
    row = judged(layers.Dropout(0.3, name="drop"))
    assert (row.status.value, row.causes) == ("match", ())


def test_the_share_that_is_kept_once_more_as_a_rescaling_beside_the_layer():
    net = nets.network(
        nets.data(2, 20)
        + nets.layer("InnerProduct", "data", "first", "inner_product_param { num_output: 9 }")
        + nets.layer("Dropout", "first", "drop", "dropout_param { dropout_ratio: 0.3 }")
        + nets.layer("InnerProduct", "drop", "layer", "inner_product_param { num_output: 7 }")
    )
    data = keras.Input((20,), name="data")
    kept = layers.Rescaling(0.7)(layers.Dense(9, name="first")(data))
    (cause,) = rows_of(net, keras.Model(data, layers.Dense(7, name="layer")(kept)), converted=True)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("dropout.scale", True, "no product by 0.7")
    assert cause.evidence == "drop: dropout_ratio 0.3 in the prototxt; Keras' numbers say so."
