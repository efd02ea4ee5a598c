"""BatchReindex."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class BatchReindex(keras.layers.Layer):
    """[x, index] → x[index]: items of a batch in another order, some of them several times or not at all."""

    def call(self, inputs: Any) -> Any:
        x, index = inputs
        return ops.take(x, ops.cast(index, "int32"), axis=0)

    def compute_output_shape(self, shapes: Any) -> Any:
        x, index = shapes
        return (*index, *x[1:])
