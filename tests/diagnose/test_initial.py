"""What initializers draw is known by its statistics; Keras itself draws it here."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.diagnose.initial import initializer_of


@pytest.mark.parametrize(
    "name", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"]
)
@pytest.mark.parametrize("shape", [(3, 3, 16, 40), (200, 50)])
def test_what_keras_draws_is_known(name: str, shape: tuple[int, ...]) -> None:
    drawn = keras.initializers.get({"class_name": name, "config": {"seed": 7}})(shape)
    assert initializer_of(np.array(drawn), shape) == name


@pytest.mark.parametrize(("value", "name"), [(0.0, "zeros"), (1.0, "ones"), (0.25, "the constant 0.25")])
def test_constants(value: float, name: str) -> None:
    assert initializer_of(np.full((3, 3, 2, 2), value, np.float32), (3, 3, 2, 2)) == name


def test_other_numbers_are_no_initializers() -> None:
    rng = np.random.default_rng(0)
    assert initializer_of(rng.normal(size=(3, 3, 16, 40)), (3, 3, 16, 40)) is None
    assert initializer_of(rng.normal(size=(40,)), (40,)) is None
