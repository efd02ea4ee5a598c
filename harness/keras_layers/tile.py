"""Tile."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Tile(keras.layers.Layer):
    """A tensor `tiles` times, one after the other along `axis`."""

    def __init__(self, tiles: int, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.tiles = tiles
        self.axis = axis

    def call(self, x: Any) -> Any:
        return ops.concatenate([x] * self.tiles, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tiles": self.tiles, "axis": self.axis}
