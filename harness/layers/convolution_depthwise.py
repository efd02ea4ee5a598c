"""ConvolutionDepthwise: a depthwise convolution as a type of its own, which a fork added."""

from __future__ import annotations

from harness.data import Layer, Shape
from harness.errors import UnsupportedError
from harness.layers import register
from harness.layers.convolution import Convolution


@register("ConvolutionDepthwise")
class ConvolutionDepthwise(Convolution):
    """A Convolution with one filter for each channel, whatever `group` says; the kernel is C, 1, H, W.

    Source: conv_dw_layer.cpp of BVLC/caffe pull request 5665, which reads neither `group` nor `num_output`. A
    `num_output` other than the number of channels is refused here: the net's author believed it to mean something.
    """

    def group(self, layer: Layer, bottom: Shape) -> int:
        return bottom[1] if len(bottom) > 1 else 1

    def outputs(self, layer: Layer, bottom: Shape) -> int:
        spec = layer.parameters.convolution_param
        for name, given in (("group", int(spec.group)), ("num_output", int(spec.num_output))):
            if spec.HasField(name) and given not in ((1, bottom[1]) if name == "group" else (bottom[1],)):
                raise UnsupportedError(
                    f"{name} {given} over {bottom[1]} channels: {layer.type} has one filter for each channel",
                    layer=layer.name,
                    line=layer.line,
                    fix=f'write {name}: {bottom[1]}, or type: "Convolution"',
                )
        return bottom[1]
