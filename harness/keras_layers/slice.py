"""Slice."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="caffe")
class Slice(keras.layers.Layer):
    """A tensor cut before each of `points` along `axis`: a list of tensors."""

    def __init__(self, points: list[int], axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.points = list(points)
        self.axis = axis

    def call(self, x: Any) -> Any:
        # By indices and not by ops.split, which cannot cut a batch whose size is not known yet.
        before = (slice(None),) * (self.axis % len(x.shape))
        ends = zip([None, *self.points], [*self.points, None], strict=True)
        cuts = [(*before, slice(start, stop)) for start, stop in ends]
        return [x[cut] for cut in cuts]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "points": self.points, "axis": self.axis}
