"""A recording made by saving `net.blobs` after a forward pass has what the last layer in place left in each blob."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import LayerComparison, Network, Top


def net() -> Network:
    text = nets.data(1, 3, 9, 9) + nets.conv("data", "a") + nets.layer("BatchNorm", "a", "bn", top="a")
    return nets.network(text + nets.relu("a") + nets.conv("a", "b"))


def rows(*overwritten: str, by: str = "relu") -> dict[str, LayerComparison]:
    """The rows where these layers' blobs hold what another layer left in them; the model is right."""
    data = keras.Input((9, 9, 3), name="data")
    x = layers.BatchNormalization(epsilon=1e-5, scale=False, center=False, name="bn")(
        layers.Conv2D(3, 3, name="a")(data)
    )
    model = keras.Model(data, layers.Conv2D(3, 3, name="b")(layers.ReLU(name="relu")(x)))

    def recorded(tops: dict[Top, np.ndarray]) -> dict[Top, np.ndarray]:
        return tops | {Top(name, "a"): tops[Top(by, "a")] for name in overwritten}

    return rows_of(net(), model, converted=True, end_to_end=True, recorded=recorded)


def test_the_state_that_was_recorded_is_named() -> None:
    found = rows("bn")
    (cause,) = found["bn"].causes
    assert [name for name, row in found.items() if row.status.fails] == ["bn"]
    assert (cause.code, cause.proven) == ("blob.overwritten", True)
    assert cause.summary == "The reference holds a as relu leaves it, not as bn does."
    assert cause.evidence == "bn followed by relu, in place, gives the recorded numbers by Caffe's definition."
    assert "record a before relu writes over it" in cause.fix
    assert cause.before is not None
    assert cause.after is not None
    assert cause.after < 1e-5 < cause.before


def test_two_layers_in_place() -> None:
    (cause,) = rows("a")["a"].causes
    assert cause.summary == "The reference holds a as relu leaves it, not as a does."
    assert cause.evidence == "a followed by bn, relu, in place, gives the recorded numbers by Caffe's definition."


def test_the_first_of_two() -> None:
    (cause,) = rows("a", by="bn")["a"].causes
    assert cause.summary == "The reference holds a as bn leaves it, not as a does."


def test_a_right_recording_has_no_cause() -> None:
    assert not any(row.causes for row in rows().values())
