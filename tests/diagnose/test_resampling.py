"""Pictures are made larger as TensorFlow makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from harness.diagnose.resampling import WAYS

v1 = tf.compat.v1.image
THEIRS: dict[str, Callable[[Any, Any], Any]] = {
    "nearest": lambda x, size: tf.image.resize(x, size, "nearest"),
    "bilinear, half pixels": lambda x, size: tf.image.resize(x, size, "bilinear"),
    "bilinear, corners aligned": lambda x, size: v1.resize_bilinear(x, size, align_corners=True),
    "bilinear, first corner aligned": lambda x, size: v1.resize_bilinear(x, size),
    "nearest, first corner aligned": lambda x, size: v1.resize_nearest_neighbor(x, size),
    "nearest, corners aligned": lambda x, size: v1.resize_nearest_neighbor(x, size, align_corners=True),
    "bicubic, half pixels": lambda x, size: tf.image.resize(x, size, "bicubic"),
}


@pytest.mark.parametrize("size", [(12, 14), (13, 15), (6, 21)])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_as_tensorflow_does(way: Any, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    ours = way.matrix(6, size[0]) @ x @ way.matrix(7, size[1]).T
    theirs = np.asarray(THEIRS[way.name](x[None, :, :, None], size))[0, :, :, 0]
    assert np.abs(ours - theirs).max() < 5e-6
