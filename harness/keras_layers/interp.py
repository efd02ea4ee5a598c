"""Interp."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class Interp(keras.layers.Layer):
    """Bilinear interpolation of N, H, W, C that keeps the corners in the corners.

    The new size is `height` and `width`, or ((size − 1) // shrink_factor) · zoom_factor + 1. Negative `pad_beg` and
    `pad_end` crop rows and columns before. (Keras' own Resizing keeps the pixels' edges in place, not the corners.)
    """

    def __init__(
        self,
        height: int | None = None,
        width: int | None = None,
        zoom_factor: int = 1,
        shrink_factor: int = 1,
        pad_beg: int = 0,
        pad_end: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.height, self.width = height, width
        self.zoom_factor, self.shrink_factor = zoom_factor, shrink_factor
        self.pad_beg, self.pad_end = pad_beg, pad_end

    def call(self, x: Any) -> Any:
        rows, columns = ops.shape(x)[1:3]
        x = x[:, -self.pad_beg : rows + self.pad_end, -self.pad_beg : columns + self.pad_end]
        return self._along(self._along(x, 1, self.height), 2, self.width)

    def _along(self, x: Any, axis: int, new: Any) -> Any:
        """One axis: every new row between the two that it lies between."""
        size = ops.shape(x)[axis]
        if new is None:
            new = ((size - 1) // self.shrink_factor) * self.zoom_factor + 1
        parts = max(1, new - 1) if isinstance(new, int) else ops.maximum(1, new - 1)
        steps = ops.arange(new) * (size - 1)
        first = steps // parts
        share = ops.cast(steps % parts, x.dtype) / ops.cast(parts, x.dtype)
        share = ops.reshape(share, (-1, 1) if axis == 2 else (-1, 1, 1))
        second = ops.minimum(first + 1, size - 1)
        return ops.take(x, first, axis) * (1 - share) + ops.take(x, second, axis) * share

    def get_config(self) -> dict[str, Any]:
        own = {"height": self.height, "width": self.width}
        own |= {"zoom_factor": self.zoom_factor, "shrink_factor": self.shrink_factor}
        return {**super().get_config(), **own, "pad_beg": self.pad_beg, "pad_end": self.pad_end}
