"""A softmax along another axis, or behind a reshape that mixes what it reads, is named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison


def judged(make: Callable[[Any], Any], parameters: str = "") -> LayerComparison:
    data = keras.Input((6, 7, 5), name="data")
    return rows_of(nets.single("Softmax", (2, 5, 6, 7), parameters), keras.Model(data, make(data)))["layer"]


@pytest.mark.parametrize(
    ("make", "parameters", "theirs", "ours", "fix"),
    [
        (layers.Softmax(axis=1, name="layer"), "", "2 (H)", "1 (C)", "axis=-1"),
        (layers.Lambda(lambda x: ops.softmax(x, axis=2), name="layer"), "", "3 (W)", "1 (C)", "axis=-1"),
        (layers.Activation("softmax", name="layer"), "softmax_param { axis: 2 }", "1 (C)", "2 (H)", "axis=1"),
    ],
)
def test_another_axis(make, parameters, theirs, ours, fix):
    (cause,) = judged(make, parameters).causes
    assert (cause.code, cause.proven, cause.fix) == ("softmax.axis", True, fix)
    assert cause.summary == f"Keras' softmax runs along Caffe's axis {theirs}, Caffe's along axis {ours}."


OVER_PIXELS = "Keras' softmax runs along Caffe's axes 2 (H), 3 (W) together, Caffe's along axis 1 (C)."
OVER_ALL = "Keras' softmax runs along Caffe's axes 1 (C), 2 (H), 3 (W) together, Caffe's along axis 1 (C)."


def over_pixels(x: Any) -> Any:
    return layers.Reshape((6, 7, 5))(layers.Softmax(axis=1, name="layer")(layers.Reshape((42, 5))(x)))


@pytest.mark.parametrize(
    ("make", "summary", "shown"),
    [
        (layers.Softmax(axis=[3, 1, 2], name="layer"), OVER_ALL, "layer runs along axes 3, 1, 2 of its own"),
        (layers.Softmax(axis=[1, 2], name="layer"), OVER_PIXELS, "layer runs along axes 1, 2 of its own"),
        (over_pixels, OVER_PIXELS, "so Keras' numbers say"),
        (
            layers.Lambda(lambda x: ops.exp(x) / ops.sum(ops.exp(x), (1, 2, 3), keepdims=True), name="layer"),
            OVER_ALL,
            "so Keras' numbers say",
        ),
    ],
)
def test_several_axes_together(make, summary, shown):
    (cause,) = judged(make).causes
    assert (cause.code, cause.proven, cause.fix) == ("softmax.axis", True, "axis=-1")
    assert cause.summary == summary
    assert cause.evidence == f"layer: axis 1 in the prototxt; {shown}."


def flattened_wrongly(x: Any) -> Any:
    return layers.Activation("softmax", name="layer")(layers.Permute((2, 1))(layers.Reshape((5, 42))(x)))


def flattened_wrongly_and_put_back(x: Any) -> Any:
    return layers.Reshape((6, 7, 5))(layers.Softmax(axis=1, name="layer")(layers.Reshape((5, 42))(x)))


def channels_never_last(x: Any) -> Any:
    return layers.Reshape((6, 7, 5))(layers.Softmax(name="layer")(layers.Reshape((5, 42))(x)))


def with_rows_for_columns(x: Any) -> Any:
    flat = layers.Lambda(lambda x: ops.softmax(ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, 42, 5))), name="layer")
    return flat(x)


@pytest.mark.parametrize(
    ("make", "summary"),
    [
        (flattened_wrongly, "softmax reads rows, columns, channels as if channels came first."),
        (flattened_wrongly_and_put_back, "as if channels came first and puts them back after it."),
        (channels_never_last, "puts them back after it and runs along what it then takes for rows and columns."),
        (with_rows_for_columns, "softmax exchanges rows and columns."),
    ],
)
def test_a_reshape_that_mixes(make, summary):
    (cause,) = judged(make).causes
    assert (cause.code, cause.proven) == ("softmax.reshape", True)
    assert cause.summary.endswith(summary)
    assert cause.evidence.startswith("layer reads 5×6×7; Keras: ")
    assert cause.fix == "Reshape((42, 5)) before it, channels last"


def test_a_right_one_has_no_cause():
    rows = [
        judged(lambda x: layers.Softmax(name="layer")(layers.Reshape((42, 5))(x))),
        judged(layers.Softmax(axis=1, name="layer"), "softmax_param { axis: 2 }"),
        judged(layers.Softmax(axis=[-1], name="layer")),
    ]
    assert [(row.status.value, row.causes) for row in rows] == [("match", ())] * 3
