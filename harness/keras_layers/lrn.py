"""LRN."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class LRN(keras.layers.Layer):
    """x · (k + alpha · m)^−beta, m the mean of x² over `size` channels, or over size × size positions within a channel.

    What lies outside counts as zero, and is divided by as if it were there.
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1.0,
        beta: float = 0.75,
        k: float = 1.0,
        within_channel: bool = False,
        axis: int = -1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k
        self.within_channel, self.axis = within_channel, axis

    def call(self, x: Any) -> Any:
        channels = self.axis % len(x.shape)
        axes = [one for one in range(1, len(x.shape)) if (one != channels) == self.within_channel]
        squares = ops.square(x)
        for axis in axes:
            squares = self._sum(squares, axis)
        return x * ops.power(self.k + self.alpha / self.size ** len(axes) * squares, -self.beta)

    def _sum(self, x: Any, axis: int) -> Any:
        """Over `size` neighbours along an axis: a sum of shifted slices, which carries no rounding error along."""
        reach = self.size // 2
        padded = ops.pad(x, [(reach, reach) if one == axis else (0, 0) for one in range(len(x.shape))])
        before = (slice(None),) * axis
        cuts = [(*before, slice(start, start - 2 * reach or None)) for start in range(self.size)]
        return sum(padded[cut] for cut in cuts)

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
        return {**super().get_config(), **own, "within_channel": self.within_channel, "axis": self.axis}
