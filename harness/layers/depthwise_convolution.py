"""DepthwiseConvolution: the same depthwise convolution under the name that another fork gave it."""

from __future__ import annotations

from harness.layers import register
from harness.layers.convolution_depthwise import ConvolutionDepthwise


@register("DepthwiseConvolution")
class DepthwiseConvolution(ConvolutionDepthwise):
    """A Convolution with one filter for each channel.

    Source: depthwise_conv_layer.cu of github.com/yonghenglh6/DepthwiseConvolution, a ConvolutionLayer with kernels for
    `group` = `num_output` = channels.
    """
