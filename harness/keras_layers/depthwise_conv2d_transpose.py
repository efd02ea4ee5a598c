"""DepthwiseConv2DTranspose."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="caffe")
class DepthwiseConv2DTranspose(keras.layers.Layer):
    """A Conv2DTranspose of each channel by itself, "valid": N, H, W, C → N, (H − 1)·stride + kernel, …, C·multiplier.

    The rows of the result fall into as many phases as the stride is large, and each phase is a convolution of the input
    with every stride-th row of the kernel. So one depthwise convolution makes all phases as channels of their own, which
    are then put in their places. The kernel is H, W, C, multiplier, as DepthwiseConv2D's.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        depth_multiplier: int = 1,
        use_bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kernel_size = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
        self.strides = (strides,) * 2 if isinstance(strides, int) else tuple(strides)
        self.depth_multiplier = depth_multiplier
        self.use_bias = use_bias

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels, self.depth_multiplier), initializer="glorot_uniform", name="kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=(channels * self.depth_multiplier,), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        height, width, channels, multiplier = self.kernel.shape
        (row, column), rows, columns = self.strides, -(-height // self.strides[0]), -(-width // self.strides[1])
        kernel = ops.pad(self.kernel, ((0, rows * row - height), (0, columns * column - width), (0, 0), (0, 0)))
        kernel = ops.reshape(kernel, (rows, row, columns, column, channels, multiplier))
        kernel = ops.flip(ops.transpose(kernel, (0, 2, 4, 1, 3, 5)), axis=(0, 1))
        kernel = ops.reshape(kernel, (rows, columns, channels, row * column * multiplier))
        x = ops.pad(x, ((0, 0), (rows - 1, rows - 1), (columns - 1, columns - 1), (0, 0)))
        x = ops.depthwise_conv(x, kernel, data_format="channels_last")
        _, down, across, _ = ops.shape(x)
        x = ops.reshape(x, (-1, down, across, channels, row, column, multiplier))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3, 6))
        x = ops.reshape(x, (-1, down * row, across * column, channels * multiplier))
        x = x[:, : down * row - (rows * row - height), : across * column - (columns * column - width)]
        return x + self.bias if self.use_bias else x

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "depth_multiplier": self.depth_multiplier,
            "use_bias": self.use_bias,
        }
