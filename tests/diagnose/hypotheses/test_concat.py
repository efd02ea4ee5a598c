"""Bottoms joined in another order are named, by the graph or by what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers, ops
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison

NET = nets.network(
    nets.data(1, 3, 5, 6)
    + nets.layer("TanH", name="a")
    + nets.layer("Sigmoid", name="b")
    + nets.layer("AbsVal", name="c")
    + 'layer { name: "layer" type: "Concat" bottom: "a" bottom: "b" bottom: "c" top: "layer" }\n'
)


def judged(join: Callable[[Any, Any, Any], Any]) -> LayerComparison:
    data = keras.Input((5, 6, 3), name="data")
    a = layers.Activation("tanh", name="a")(data)
    b = layers.Activation("sigmoid", name="b")(data)
    c = layers.Lambda(ops.abs, name="c")(data)
    return rows_of(NET, keras.Model(data, join(a, b, c)))["layer"]


def test_the_graph_says_which_is_read_first() -> None:
    (cause,) = judged(lambda a, b, c: layers.Concatenate(name="layer")([b, a, c])).causes
    assert (cause.code, cause.proven, cause.after) == ("concat.order", True, 0.0)
    assert cause.summary == "Keras joins b, a, c, Caffe a, b, c."
    assert cause.evidence == "layer: bottoms a, b, c in the prototxt; layer reads b, a, c."
    assert cause.fix == "join a, b, c in this order"


@pytest.mark.parametrize(("order", "said"), [((2, 0, 1), "c, a, b"), ((0, 1, 1), "a, b, b")])
def test_a_lambda_is_seen_by_its_numbers(order: tuple[int, ...], said: str) -> None:
    def join(*given: Any) -> Any:
        join = layers.Lambda(lambda read: ops.concatenate([read[place] for place in order], axis=-1), name="layer")
        return join(list(given))

    (cause,) = judged(join).causes
    assert (cause.code, cause.proven) == ("concat.order", True)
    assert cause.summary == f"Keras joins {said}, Caffe a, b, c."
    assert f"layer gives {said}" in cause.evidence


def test_the_right_order_has_no_cause() -> None:
    row = judged(lambda a, b, c: layers.Concatenate(name="layer")([a, b, c]))
    assert (row.status.value, row.causes) == ("match", ())
