"""Models of open height and width: what Keras then knows of them, and that nothing stays changed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.engines.keras.open_sizes import open_sizes
from harness.extras import import_keras

keras = import_keras()
layers = keras.layers


def test_pictures_lose_their_height_and_width_and_nothing_else() -> None:
    with open_sizes({}):
        shapes = [
            tuple(tensor.shape)
            for tensor in (
                keras.Input((8, 9, 3)),
                keras.Input(batch_shape=(2, 8, 9, 3)),
                keras.Input((8, 9, 3), batch_size=2),
                keras.Input((7,)),
                keras.Input((7, 3)),
                layers.InputLayer((8, 9, 3)).output,
            )
        ]
    picture = (None, None, None, 3)
    assert shapes == [picture, (2, *picture[1:]), (2, *picture[1:]), (None, 7), (None, 7, 3), picture]


def test_a_dense_layer_behind_a_picture_is_as_large_as_was_said() -> None:
    with open_sizes({"fc": 4 * 5 * 3}):
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, name="fc"), layers.Dense(4)]
        )
    assert [tuple(layer.kernel.shape) for layer in model.layers[1:]] == [(60, 2), (2, 4)]
    assert model(np.ones((1, 4, 5, 3), np.float32)).shape == (1, 4)
    with open_sizes({}), pytest.raises(ValueError, match="fc"):
        keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2, name="fc")])


def test_keras_is_itself_again_whatever_happened() -> None:
    before = layers.InputLayer.__init__, layers.Dense.build
    with pytest.raises(ZeroDivisionError), open_sizes({}):
        raise ZeroDivisionError
    assert (layers.InputLayer.__init__, layers.Dense.build) == before
    assert tuple(keras.Input((8, 9, 3)).shape) == (None, 8, 9, 3)
