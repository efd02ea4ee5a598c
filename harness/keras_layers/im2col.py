"""Im2col."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
from keras import ops

Sides = int | tuple[int, ...]


@keras.saving.register_keras_serializable(package="caffe")
class Im2col(keras.layers.Layer):
    """Every window of N, spatial axes, C laid out as C · kernel channels, the last axis of the kernel fastest.

    `padding` zeros stand on both sides. Each argument is one number, or one for each spatial axis.
    """

    def __init__(
        self, kernel_size: Sides, strides: Sides = 1, padding: Sides = 0, dilation_rate: Sides = 1, **options: Any
    ) -> None:
        super().__init__(**options)
        self.kernel_size, self.strides = kernel_size, strides
        self.padding, self.dilation_rate = padding, dilation_rate

    def call(self, x: Any) -> Any:
        axes = len(x.shape) - 2
        kernel, strides, padding, dilation = (
            (sides,) * axes if isinstance(sides, int) else tuple(sides)
            for sides in (self.kernel_size, self.strides, self.padding, self.dilation_rate)
        )
        channels = x.shape[-1]
        x = ops.pad(x, ((0, 0), *((pad, pad) for pad in padding), (0, 0)))
        sizes = ops.shape(x)[1:-1]
        taps = []
        for tap in product(*map(range, kernel)):
            cuts = [slice(None)]
            for at, step, stride, size, window in zip(tap, dilation, strides, sizes, kernel, strict=True):
                # as many as there are whole windows, from this tap of the first one on
                cuts.append(slice(at * step, size - (window - 1 - at) * step, stride))
            taps.append(x[tuple(cuts)])
        return ops.reshape(ops.stack(taps, axis=-1), (-1, *ops.shape(taps[0])[1:-1], channels * len(taps)))

    def get_config(self) -> dict[str, Any]:
        own = {"kernel_size": self.kernel_size, "strides": self.strides}
        own |= {"padding": self.padding, "dilation_rate": self.dilation_rate}
        return {**super().get_config(), **own}
