"""Filter."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Filter(keras.layers.Layer):
    """[x, …, selector] → those items of each x whose number in the selector is not zero: a tensor, or a list of them."""

    def call(self, inputs: Any) -> Any:
        *xs, selector = inputs
        (chosen,) = ops.nonzero(ops.reshape(selector, (-1,)))
        found = [ops.take(x, chosen, axis=0) for x in xs]
        return found if len(found) > 1 else found[0]

    def compute_output_shape(self, shapes: Any) -> Any:
        found = [(None, *shape[1:]) for shape in shapes[:-1]]
        return found if len(found) > 1 else found[0]
