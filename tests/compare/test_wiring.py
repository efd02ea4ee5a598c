"""Layers in each other's place, in another place, and connected to another layer: one fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison, Network

SIZES = (10, 10, 4)
CONV = "num_output: 4 kernel_size: 3 pad: 1"


def built(model: Callable[[Any], Any]) -> keras.Model:
    data = keras.Input(SIZES, name="data")
    return keras.Model(data, model(data))


def conv(name: str, **more: Any) -> layers.Layer:
    return layers.Conv2D(4, 3, padding="same", name=name, **more)


def judged(net: Network, model: Callable[[Any], Any]) -> tuple[dict[str, LayerComparison], list[str]]:
    """All rows, and those at fault."""
    rows = rows_of(net, built(model), converted=True, end_to_end=True)
    return rows, [name for name, row in rows.items() if row.status.fails]


def three() -> Network:
    return nets.network(
        nets.data(1, 4, 10, 10)
        + nets.conv("data", "a", CONV)
        + nets.relu("a", "ra")
        + nets.conv("a", "b", CONV)
        + nets.relu("b", "rb")
        + nets.conv("b", "c", CONV)
    )


def normalised() -> Network:
    return nets.network(
        nets.data(1, 4, 10, 10)
        + nets.conv("data", "a", CONV)
        + nets.layer("BatchNorm", "a", "bn")
        + nets.relu("bn", "relu")
        + nets.layer("Pooling", "bn", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
        + nets.conv("pool", "b", CONV)
    )


def residual() -> Network:
    return nets.network(
        nets.data(1, 4, 10, 10)
        + nets.conv("data", "a", CONV)
        + nets.relu("a", "ra")
        + nets.conv("a", "b", CONV)
        + 'layer { name: "add" type: "Eltwise" bottom: "a" bottom: "b" top: "add" }\n'
        + nets.conv("add", "c", CONV)
    )


def bn() -> layers.Layer:
    return layers.BatchNormalization(epsilon=1e-5, scale=False, center=False, name="bn")


def test_two_layers_exchanged_are_one_fault() -> None:
    rows, at_fault = judged(three(), lambda x: conv("c")(conv("a", activation="relu")(conv("b", activation="relu")(x))))
    (cause,) = rows["a"].causes
    assert at_fault == ["a"]
    assert (cause.code, cause.summary, cause.proven) == ("layer.order", "a and b are exchanged.", True)
    assert cause.fix == "a and b in the order of the prototxt"
    assert {rows[name].inherited_from for name in ("b", "c")} == {"a"}


def test_whether_their_rectifiers_go_along_or_not() -> None:
    for first, second in (("ra", "rb"), ("rb", "ra")):

        def model(x: Any, first: str = first, second: str = second) -> Any:
            return conv("c")(layers.ReLU(name=second)(conv("a")(layers.ReLU(name=first)(conv("b")(x)))))

        rows, at_fault = judged(three(), model)
        assert at_fault == ["a"]
        assert rows["a"].causes[0].summary == "a and b are exchanged."


def test_a_normalisation_behind_the_rectifier() -> None:
    rows, at_fault = judged(
        normalised(),
        lambda x: conv("b")(layers.MaxPooling2D(2, name="pool")(bn()(layers.ReLU(name="relu")(conv("a")(x))))),
    )
    assert at_fault == ["bn"]
    assert rows["bn"].causes[0].summary == "bn and relu are exchanged."


def test_a_layer_moved_further() -> None:
    rows, at_fault = judged(
        normalised(),
        lambda x: conv("b")(bn()(layers.MaxPooling2D(2, name="pool")(layers.ReLU(name="relu")(conv("a")(x))))),
    )
    assert at_fault == ["bn"]
    assert rows["bn"].causes[0].summary == "bn stands behind pool, not behind a."


def test_a_pool_before_the_rectifier_is_harmless() -> None:
    rows, at_fault = judged(
        normalised(),
        lambda x: conv("b")(layers.ReLU(name="relu")(layers.MaxPooling2D(2, name="pool")(bn()(conv("a")(x))))),
    )
    assert at_fault == []
    assert "what follows agrees all the same" in (rows["pool"].note or "")


def test_a_shortcut_from_another_layer() -> None:
    def model(x: Any) -> Any:
        return conv("c")(layers.Add(name="add")([x, conv("b")(conv("a", activation="relu")(x))]))

    rows, at_fault = judged(residual(), model)
    (cause,) = rows["add"].causes
    assert at_fault == ["add"]
    assert (cause.code, cause.proven) == ("layer.order", True)
    assert cause.summary == "add reads data in the Keras model, ra:a in Caffe."
    assert cause.fix == "connect add as the prototxt does"


def test_a_shortcut_from_the_layer_itself() -> None:
    def model(x: Any) -> Any:
        b = conv("b")(conv("a", activation="relu")(x))
        return conv("c")(layers.Add(name="add")([b, b]))

    rows, at_fault = judged(residual(), model)
    (cause,) = rows["add"].causes
    assert at_fault == ["add"]
    assert (cause.code, cause.proven) == ("layer.order", True)
    assert cause.summary == "add reads b in the Keras model, ra:a in Caffe."
    assert cause.evidence.startswith("add reads the same tensor twice; ")


def pooled() -> Network:
    """Pool first, rectifier behind, as in Caffe's cifar10_quick."""
    return nets.network(
        nets.data(1, 4, 10, 10)
        + nets.conv("data", "a", CONV)
        + nets.layer("Pooling", "a", "pool", "pooling_param { kernel_size: 2 stride: 2 }")
        + nets.relu("pool", "relu")
        + nets.conv("pool", "b", CONV)
    )


@pytest.mark.parametrize(
    "model",
    [
        lambda x: conv("b")(layers.MaxPooling2D(2, name="pool")(conv("a", activation="relu")(x))),
        lambda x: conv("b")(layers.MaxPooling2D(2)(layers.ReLU()(conv("a")(x)))),
        lambda x: conv("b")(layers.MaxPooling2D(2)(layers.Activation("relu")(conv("a")(x)))),
    ],
    ids=["fused", "by itself", "as an activation"],
)
def test_a_rectifier_before_the_pool_is_harmless_under_whatever_name(model) -> None:
    rows, at_fault = judged(pooled(), model)
    assert at_fault == []
    assert not any(row.causes for row in rows.values())
    assert rows["relu"].note == "pool and relu stand in the other order in Keras; what reads them agrees end to end"
    assert rows["b"].status.value == "match"


def test_a_pool_without_a_name_before_the_rectifier_is_harmless() -> None:
    rows, at_fault = judged(
        normalised(), lambda x: conv("b")(layers.ReLU()(layers.MaxPooling2D(2)(bn()(conv("a")(x)))))
    )
    assert at_fault == []
    assert rows["pool"].note == "relu and pool stand in the other order in Keras; what reads them agrees end to end"


def test_a_mean_does_not_commute_with_a_rectifier() -> None:
    text = nets.data(1, 4, 10, 10) + nets.conv("data", "a", CONV)
    text += nets.layer("Pooling", "a", "pool", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }")
    net = nets.network(text + nets.relu("pool", "relu") + nets.conv("pool", "b", CONV))
    _, at_fault = judged(
        net, lambda x: conv("b")(layers.AveragePooling2D(2, name="pool")(conv("a", activation="relu")(x)))
    )
    assert at_fault == ["a", "relu"]


def test_a_rectifier_that_is_nowhere_is_missing() -> None:
    _, at_fault = judged(pooled(), lambda x: conv("b")(layers.MaxPooling2D(2, name="pool")(conv("a")(x))))
    assert at_fault == ["relu"]


def test_a_blob_that_is_read_before_it_is_written_over() -> None:
    def model(x: Any) -> Any:
        early = conv("a")(x)
        late = layers.ReLU(name="ra")(early)
        return conv("c")(layers.Add(name="add")([late, conv("b")(early)]))

    rows, at_fault = judged(residual(), model)
    (cause,) = rows["b"].causes
    assert at_fault == ["b"]
    assert (cause.code, cause.proven) == ("blob.overwritten", True)
    assert cause.summary == "b reads a before ra has written over it."
    assert cause.fix == "let b read what ra gives"


def test_behind_another_fault_an_exchange_is_not_taken_for_harmless() -> None:
    def model(x: Any) -> Any:
        x = layers.Activation("elu", name="ra")(conv("a")(x))
        return conv("c")(conv("b")(layers.ReLU(name="rb")(x)))

    _, at_fault = judged(three(), model)
    assert "ra" in at_fault
    assert {"b", "rb"} & set(at_fault)
