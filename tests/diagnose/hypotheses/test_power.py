"""A Power's shift, scale or power that is lost, or applied in another order, is named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

LINE = "power_param { scale: 0.5 shift: -3 }"
SQUARE = "power_param { power: 2 scale: 0.5 shift: 1 }"


def judged(parameters: str, make: Callable[[Any], Any]) -> LayerComparison:
    data = keras.Input((6, 7, 5), name="data")
    return rows_of(nets.single("Power", (2, 5, 6, 7), parameters), keras.Model(data, make(data)))["layer"]


@pytest.mark.parametrize(
    ("parameters", "function", "summary", "fix"),
    [
        (LINE, lambda x: (x - 3) * 0.5, "Keras adds the shift before it scales", "0.5 * x - 3"),
        (LINE, lambda x: x * 0.5, "Keras leaves out the shift of -3.", "0.5 * x - 3"),
        (LINE, lambda x: x - 3, "Keras leaves out the scale of 0.5.", "0.5 * x - 3"),
        (LINE, lambda x: 0.45 * x - 3, "Keras computes 0.45 * x - 3, Caffe 0.5 * x - 3.", "0.5 * x - 3"),
        (SQUARE, lambda x: 0.5 * x + 1, "Keras leaves out the power of 2.", "(0.5 * x + 1) ** 2"),
        (SQUARE, lambda x: (0.5 * x) ** 2 + 1, "Keras adds the shift behind the power", "(0.5 * x + 1) ** 2"),
        (SQUARE, lambda x: 0.5 * (x + 1) ** 2, "Keras scales behind the power", "(0.5 * x + 1) ** 2"),
    ],
)
def test_what_numbers_alone_tell(parameters, function, summary, fix):
    (cause,) = judged(parameters, layers.Lambda(function, name="layer")).causes
    assert (cause.code, cause.proven, cause.fix) == ("power", True, fix)
    assert cause.summary.startswith(summary)
    assert "in the prototxt; what layer gives fits the other." in cause.evidence


def test_a_layer_that_says_what_it_does():
    (cause,) = judged(LINE, layers.Rescaling(0.5, name="layer")).causes
    assert (cause.code, cause.proven, cause.fix) == ("power", True, "0.5 * x - 3")
    assert cause.evidence == (
        "layer: power 1, scale 0.5, shift -3 in the prototxt; layer is Rescaling(scale=0.5, offset=0)."
    )


def test_a_right_one_has_no_cause():
    rows = [
        judged(LINE, layers.Rescaling(0.5, -3, name="layer")),
        judged(SQUARE, layers.Lambda(lambda x: (0.5 * x + 1) ** 2, name="layer")),
    ]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 2


def test_a_scale_that_is_hardly_another():
    (cause,) = judged(SQUARE, layers.Lambda(lambda x: (0.50002 * x + 1) ** 2, name="layer")).causes
    assert (cause.code, cause.proven) == ("power", True)
    assert cause.summary == "Keras computes (0.50002 * x + 1) ** 2, Caffe (0.5 * x + 1) ** 2."
