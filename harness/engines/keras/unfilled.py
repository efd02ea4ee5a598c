"""A model whose weights will be given to it is not worth the random numbers that Keras begins with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from harness.data import Shape
from harness.extras import import_keras

_ALIGNED = 64  # bytes; what lies so in memory TensorFlow can take over without a copy


@contextmanager
def zero_weights() -> Iterator[None]:
    """Weights that layers add here begin as zeros where they would begin as random numbers.

    For a kernel of 400 MB Keras draws for a second and leaves 800 MB of what it drew with in TensorFlow's pool of memory.
    """
    keras = import_keras()
    plain = (keras.initializers.Zeros, keras.initializers.Ones, keras.initializers.Constant)
    add_weight = keras.layers.Layer.add_weight

    def add_zeros(layer: Any, shape: Any = None, initializer: Any = None, *arguments: Any, **options: Any) -> Any:
        known = keras.initializers.get(initializer) if isinstance(initializer, (str, dict)) else initializer
        draws = known is None or (isinstance(known, keras.initializers.Initializer) and not isinstance(known, plain))
        return add_weight(layer, shape, _zeros if draws else initializer, *arguments, **options)

    keras.layers.Layer.add_weight = add_zeros
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight


def _zeros(shape: Shape, dtype: Any = None) -> Any:
    """Zeros that take no memory until they are touched, when the system gives a page of them."""
    import tensorflow

    if dtype not in (None, "float32") or not tensorflow.executing_eagerly():  # a graph would keep them as a constant
        return tensorflow.zeros(shape, dtype or "float32")
    count = math.prod(shape)
    memory = np.zeros(4 * count + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    zeros = memory[start : start + 4 * count].view(np.float32).reshape(shape)
    return tensorflow.experimental.dlpack.from_dlpack(zeros.__dlpack__())
