"""Random numbers are not drawn for weights that will be given; whatever else a model begins with stays."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness.engines.keras.unfilled import zero_weights
from harness.extras import import_keras


def built(layer: object) -> dict[str, np.ndarray]:
    """The layer's weights for an input of three channels."""
    layer.build((None, 4, 4, 3))  # type: ignore[attr-defined]
    return {weight.name: np.asarray(weight) for weight in layer.weights}  # type: ignore[attr-defined]


def test_kernels_begin_as_zeros_and_norms_as_they_are() -> None:
    layers = import_keras().layers
    with zero_weights():
        assert not built(layers.Conv2D(5, 3))["kernel"].any()
        norm = built(layers.BatchNormalization())
    assert norm["gamma"].tolist() == [1, 1, 1]
    assert norm["moving_variance"].tolist() == [1, 1, 1]


def test_a_name_of_an_initializer_and_none_at_all_count_as_well() -> None:
    keras = import_keras()

    class Own(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, shape: tuple[int | None, ...]) -> None:
            self.a = self.add_weight(shape=(2,), initializer="he_normal", name="a")
            self.b = self.add_weight(shape=(2,), name="b")
            self.c = self.add_weight(shape=(2,), initializer="ones", name="c")

    with zero_weights():
        weights = built(Own())
    assert weights["a"].tolist() == [0, 0]
    assert weights["b"].tolist() == [0, 0]
    assert weights["c"].tolist() == [1, 1]


def test_afterwards_keras_draws_again() -> None:
    with zero_weights():
        pass
    assert built(import_keras().layers.Conv2D(5, 3))["kernel"].all()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux' accounts of memory")
def test_a_large_kernel_takes_no_memory_before_it_is_given() -> None:
    size = 256 << 20
    with zero_weights():
        before = resident()
        layer = import_keras().layers.Dense(size // 4 // 1024, use_bias=False)
        layer.build((None, 1024))
        assert resident() - before < size // 4
    layer.kernel.assign(np.ones(layer.kernel.shape, np.float32))
    assert resident() - before >= size
    assert np.asarray(layer.kernel).min() == 1


def resident() -> int:
    """Bytes of memory that this process has touched."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
