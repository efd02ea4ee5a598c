"""A net as text for the Caffe that is to run it, where the prototxt itself cannot be given.

That is so for a train_val prototxt, whose data layers have become inputs, and for layer types that only a fork of Caffe
has: for these there are Python layers of ours (docker/layers), which stand in where Caffe lacks the type. Which types it
lacks is known only where it runs, so the dump script gets both texts of each such layer and chooses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from google.protobuf import text_format

from harness.caffe.caffe_pb2 import LayerParameter, NetParameter
from harness.data import Layer, Network, Shape, Top
from harness.errors import UnsupportedError

SCHEMA = "harness-net/1"
MODULE = "harness_layer_"  # the dump script imports docker/layers/NAME.py under this name and NAME


class StandIn(NamedTuple):
    """What a Caffe without a layer's type runs in its place."""

    parameters: LayerParameter
    module: str | None  # our Python layer's file, without its ending; None where another type does it


def net_file(network: Network, shapes: Mapping[Top, Shape] | None = None) -> bytes | None:
    """The net in layers, for the dump script: JSON. None if the prototxt can be given as it is.

    Args:
        shapes: of every top, where they are known; a depthwise convolution that does not state its channels needs them.

    Raises:
        UnsupportedError: a layer's stand-in cannot be written.
    """
    if not network.dropped and not any(layer.type in _STAND_INS for layer in network.layers):
        return None
    layers = []
    for layer in network.layers:
        entry: dict[str, Any] = {"name": layer.name, "type": layer.type, "text": _text(_own(layer))}
        with _refusals_in(network):
            instead = stand_in(layer, shapes)
        if instead is not None:
            entry |= {"instead": _text(instead.parameters), "needs": instead.parameters.type}
            entry |= {"python": instead.module} if instead.module else {}
        layers.append(entry)
    head = text_format.MessageToString(NetParameter(name=network.name))
    return json.dumps({"schema": SCHEMA, "head": head, "layers": layers}, indent=1).encode()


def net_text(network: Network, lacks: Collection[str] = (), shapes: Mapping[Top, Shape] | None = None) -> str:
    """The net as one prototxt, with stand-ins for the types that are lacking; input shapes included."""
    net = NetParameter(name=network.name)
    for layer in network.layers:
        with _refusals_in(network):
            instead = stand_in(layer, shapes) if layer.type in lacks else None
        net.layer.append(instead.parameters if instead is not None else _own(layer))
    return text_format.MessageToString(net)


def stand_in(layer: Layer, shapes: Mapping[Top, Shape] | None = None) -> StandIn | None:
    """What a Caffe without the layer's type can run in its place; None for a type of BVLC's, or one we have nothing for."""
    make = _STAND_INS.get(layer.type)
    return None if make is None else make(layer, [] if shapes is None else [shapes[bottom] for bottom in layer.bottoms])


@contextmanager
def _refusals_in(network: Network) -> Iterator[None]:
    """A layer knows its line, but not the file that it was read from."""
    try:
        yield
    except UnsupportedError as error:
        error.file = None if network.path is None else str(network.path)
        raise


def _own(layer: Layer) -> LayerParameter:
    """The layer's parameters without phase rules, which have been applied."""
    parameters = LayerParameter()
    parameters.CopyFrom(layer.parameters)
    parameters.ClearField("include")
    parameters.ClearField("exclude")
    return parameters


def _text(layer: LayerParameter) -> str:
    return text_format.MessageToString(NetParameter(layer=[layer]))


# ------------------------------------------------------------------------------------------------------ stand-ins

_Make = Callable[[Layer, list[Shape]], StandIn]  # the bottoms' shapes, if they are known


def _python(module: str, about: Callable[[LayerParameter], Mapping[str, Any]]) -> _Make:
    def make(layer: Layer, bottoms: list[Shape]) -> StandIn:
        old = layer.parameters
        new = LayerParameter(name=old.name, type="Python", bottom=old.bottom, top=old.top, param=old.param)
        new.python_param.module = MODULE + module
        new.python_param.layer = layer.type
        new.python_param.param_str = json.dumps(about(old), sort_keys=True)
        return StandIn(new, module)

    return make


def _given(message: Any) -> dict[str, Any]:
    """The fields that the prototxt gives, as JSON has them."""
    return {field.name: value for field, value in message.ListFields()}


def _bn(layer: LayerParameter) -> dict[str, Any]:
    spec = layer.bn_param
    return {
        "mode": spec.BNMode.Name(spec.bn_mode),
        "scale": _constant(spec.scale_filler, 0.0),
        "shift": _constant(spec.shift_filler, 0.0),
    }


def _normalize(layer: LayerParameter) -> dict[str, Any]:
    spec = layer.norm_param
    return {
        "across_spatial": spec.across_spatial,
        "channel_shared": spec.channel_shared,
        "eps": spec.eps,
        "scale": _constant(spec.scale_filler, 1.0) if spec.HasField("scale_filler") else 1.0,
    }


def _constant(filler: Any, otherwise: float) -> float:
    """What a constant filler writes; the other kinds are of use before training only."""
    return float(filler.value) if filler.type == "constant" else otherwise


def _depthwise(layer: Layer, bottoms: list[Shape]) -> StandIn:
    """A Convolution with a group for every channel."""
    new = _own(layer)
    new.type = "Convolution"
    channels = bottoms[0][1] if bottoms else int(new.convolution_param.num_output)
    if not channels:
        raise UnsupportedError(
            f"it does not say how many channels it has, so a Convolution cannot stand in for the {layer.type}",
            layer=layer.name,
            line=layer.line,
            fix="write num_output",
        )
    new.convolution_param.group = channels
    if layer.type == "ConvolutionDepthwise":  # it has as many outputs as inputs, whatever it says
        new.convolution_param.num_output = channels
    return StandIn(new, None)


_STAND_INS: Mapping[str, _Make] = {
    "Axpy": _python("axpy", lambda layer: {}),
    "BN": _python("bn", _bn),
    "ConvolutionDepthwise": _depthwise,
    "DepthwiseConvolution": _depthwise,
    "Interp": _python("interp", lambda layer: _given(layer.interp_param)),
    "Normalize": _python("normalize", _normalize),
    "Permute": _python("permute", lambda layer: {"order": list(layer.permute_param.order)}),
    "ShuffleChannel": _python("shuffle_channel", lambda layer: {"group": layer.shuffle_channel_param.group}),
    "Upsample": _python("upsample", lambda layer: _given(layer.upsample_param)),
}
