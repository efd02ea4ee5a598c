"""Another operation between bottoms, or other coefficients, is named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison


def judged(parameters: str, make: Callable[[Any], Any]) -> LayerComparison:
    text = nets.data(2, 5, 6, 7, name="one") + nets.data(2, 5, 6, 7, name="other")
    text += (
        'layer { name: "layer" type: "Eltwise" bottom: "one" bottom: "other" top: "layer" '
        f"eltwise_param {{ {parameters} }} }}"
    )
    data = [keras.Input((6, 7, 5), name=name) for name in ("one", "other")]
    return rows_of(nets.network(text), keras.Model(data, make(data)))["layer"]


def written(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return layers.Lambda(function, name="layer")


@pytest.mark.parametrize(
    ("operation", "make", "theirs", "fix"),
    [
        ("SUM", layers.Multiply(name="layer"), "Multiply", "Add()"),
        ("PROD", layers.Add(name="layer"), "Add", "Multiply()"),
        ("MAX", layers.Minimum(name="layer"), "Minimum", "Maximum()"),
        ("SUM", layers.Average(name="layer"), "Average", "Add()"),
        ("SUM", layers.Subtract(name="layer"), "Subtract", "Add()"),
        ("SUM", written(lambda x: x[0] * x[1]), "Multiply", "Add()"),
        ("PROD", written(lambda x: x[0] + x[1]), "a sum", "Multiply()"),
        ("SUM", written(lambda x: ops.maximum(x[0], x[1])), "Maximum", "Add()"),
    ],
)
def test_another_operation(operation, make, theirs, fix):
    (cause,) = judged(f"operation: {operation}", make).causes
    assert (cause.code, cause.proven, cause.fix) == ("eltwise.operation", True, fix)
    assert cause.summary == f"Keras takes {theirs}, Caffe {operation}."
    assert cause.evidence.startswith(f"layer: operation: {operation} in the prototxt; ")


@pytest.mark.parametrize(
    ("make", "theirs"),
    [
        (layers.Add(name="layer"), "1, 1"),
        (written(lambda x: x[0] + x[1]), "1, 1"),
        (written(lambda x: -2 * x[0] + 0.5 * x[1]), "-2, 0.5"),
        (written(lambda x: 0.5 * x[0] - 1.99 * x[1]), "0.5, -1.99"),
    ],
)
def test_other_coefficients(make, theirs):
    (cause,) = judged("operation: SUM coeff: 0.5 coeff: -2", make).causes
    assert (cause.code, cause.proven, cause.fix) == ("eltwise.coefficient", True, "0.5 * x1 - 2 * x2")
    assert cause.summary == f"Keras sums with coefficients {theirs}, Caffe with 0.5, -2."


def test_a_right_one_has_no_cause():
    rows = [
        judged("operation: MAX", layers.Maximum(name="layer")),
        judged("coeff: 1 coeff: -1", layers.Subtract(name="layer")),
    ]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 2


def test_a_coefficient_that_is_hardly_another():
    (cause,) = judged("operation: SUM coeff: 0.7 coeff: 0.3", written(lambda x: 0.7001 * x[0] + 0.3 * x[1])).causes
    assert (cause.code, cause.proven) == ("eltwise.coefficient", True)
    assert cause.summary == "Keras sums with coefficients 0.7001, 0.3, Caffe with 0.7, 0.3."


def test_a_difference_the_other_way_round():
    def reverse(x):
        return layers.Subtract(name="layer")(x[::-1])

    (cause,) = judged("operation: SUM coeff: 1 coeff: -1", reverse).causes
    assert (cause.code, cause.proven, cause.fix) == ("eltwise.coefficient", True, "1 * x1 - 1 * x2")
    assert cause.summary == "Keras sums with coefficients -1, 1, Caffe with 1, -1."
