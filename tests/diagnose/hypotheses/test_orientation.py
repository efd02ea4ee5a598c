"""Rows for columns are named and proven."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

CONV = nets.single("Convolution", (1, 3, 8, 9), "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }")


def conv(x: Any) -> Any:
    return layers.Conv2D(4, 3, padding="same", name="layer")(x)


def turned(x: Any) -> Any:
    return layers.Lambda(lambda t: ops.transpose(t, (0, 2, 1, 3)))(x)


@pytest.mark.parametrize("build", [lambda x: conv(turned(x)), lambda x: conv(layers.Permute((2, 1, 3))(x))])
def test_a_convolution_that_reads_rows_as_columns(build: Callable[[Any], Any]) -> None:
    data = keras.Input((8, 9, 3), name="data")
    (cause,) = rows_of(CONV, keras.Model(data, build(data)), converted=True)["layer"].causes
    assert (cause.code, cause.proven) == ("input.layout", True)
    assert cause.summary == "the model swaps rows and columns of its input."


def test_a_square_result_that_is_turned() -> None:
    net = nets.network(nets.data(1, 3, 8, 8) + nets.layer("TanH"))
    data = keras.Input((8, 8, 3), name="data")
    build = layers.Lambda(lambda x: ops.transpose(ops.tanh(x), (0, 2, 1, 3)), name="layer")
    (cause,) = rows_of(net, keras.Model(data, build(data)))["layer"].causes
    assert (cause.code, cause.proven) == ("input.layout", True)
