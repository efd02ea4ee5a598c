"""AbsVal."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="caffe")
class AbsVal(keras.layers.Layer):
    """|x|."""

    def call(self, x: Any) -> Any:
        return keras.ops.abs(x)
