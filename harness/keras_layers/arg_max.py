"""ArgMax."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class ArgMax(keras.layers.Layer):
    """The indices of the `top_k` largest numbers along `axis`, the largest first; with `out_max_val` the numbers.

    Without an axis, of all numbers behind the batch: N, 1, top_k or, with `out_max_val`, N, 2, top_k, indices before
    numbers, and further axes of size 1 up to the input's rank. Of equal numbers the last one comes first, as in Caffe.
    Indices are float32 where the layer computes in less, which could not hold them.
    """

    def __init__(self, top_k: int = 1, axis: int | None = None, out_max_val: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.top_k = top_k
        self.axis = axis
        self.out_max_val = out_max_val

    def call(self, x: Any) -> Any:
        rank = len(x.shape)
        if self.axis is None:
            values, indices = self._largest(ops.reshape(x, (-1, self._count(x))))
            both = [indices, ops.cast(values, indices.dtype)] if self.out_max_val else [indices]
            stacked = ops.stack(both, axis=1)
            return ops.reshape(stacked, (-1, len(both), self.top_k, *(1,) * (rank - 3)))
        values, indices = self._largest(ops.moveaxis(x, self.axis, -1))
        return ops.moveaxis(values if self.out_max_val else indices, -1, self.axis)

    def _largest(self, rows: Any) -> tuple[Any, Any]:
        """Of equal numbers `top_k` gives the first: hence backwards."""
        values, indices = ops.top_k(ops.flip(rows, axis=-1), self.top_k)
        wide = "float32" if self.compute_dtype in ("float16", "bfloat16") else self.compute_dtype
        last = ops.cast(ops.shape(rows)[-1] - 1, wide)
        return values, last - ops.cast(indices, wide)

    def _count(self, x: Any) -> Any:
        count = 1
        for size in ops.shape(x)[1:]:
            count = count * size
        return count

    def get_config(self) -> dict[str, Any]:
        options = {"top_k": self.top_k, "axis": self.axis, "out_max_val": self.out_max_val}
        return {**super().get_config(), **options}
