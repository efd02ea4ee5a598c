"""Crop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="caffe")
class Crop(keras.layers.Layer):
    """A piece of a tensor: `pieces` says for an axis where it starts and where it stops."""

    def __init__(self, pieces: Mapping[Any, Any], **options: Any) -> None:
        super().__init__(**options)
        # JSON, in which a model is saved, knows keys that are texts only.
        self.pieces = {int(axis): tuple(span) for axis, span in pieces.items()}

    def call(self, x: Any) -> Any:
        spans = [slice(*self.pieces.get(axis, (None,))) for axis in range(len(x.shape))]
        return x[tuple(spans)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pieces": {str(axis): list(span) for axis, span in self.pieces.items()}}
