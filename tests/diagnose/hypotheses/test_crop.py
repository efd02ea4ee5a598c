"""A piece that is cut out elsewhere is named and proven, stated or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers
from support import nets
from support.diagnoses import rows_of

from harness.data import Cause

NET = nets.network(
    nets.data(2, 3, 12, 14)
    + nets.data(2, 3, 7, 8, name="like")
    + 'layer { name: "layer" type: "Crop" bottom: "data" bottom: "like" top: "layer" '
    "crop_param { axis: 2 offset: 1 offset: 4 } }"
)


def causes(build: Callable[[Any], Any]) -> list[Cause]:
    data, like = keras.Input((12, 14, 3), name="data"), keras.Input((7, 8, 3), name="like")
    return list(rows_of(NET, keras.Model([data, like], build(data)))["layer"].causes)


@pytest.mark.parametrize(
    ("build", "where"),
    [
        (layers.Cropping2D(((2, 3), (3, 3)), name="layer"), "out in the middle"),
        (layers.Cropping2D(((2, 3), (4, 2)), name="layer"), "out from 2, 4 on"),
        (layers.Cropping2D(((1, 3), (4, 2)), name="layer"), "8×8 out from 1, 4 on"),
        (layers.CenterCrop(7, 8, name="layer"), "out in the middle"),
        (layers.Lambda(lambda x: x[:, 1:8, 5:13], name="layer"), "out from 1, 5 on"),
    ],
)
def test_another_offset(build: Callable[[Any], Any], where: str) -> None:
    (cause,) = causes(build)
    assert (cause.code, cause.proven, cause.after) == ("crop.offset", True, 0.0)
    assert cause.summary == f"Keras cuts {where}, Caffe from offset 1, 4 on."
    assert cause.fix == "Cropping2D(((1, 4), (4, 2)))"


def test_the_offset_given_has_no_cause() -> None:
    assert causes(layers.Cropping2D(((1, 4), (4, 2)), name="layer")) == []
