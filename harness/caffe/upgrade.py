"""Old prototxt formats brought to the current one: V0 → V1 → `layer`, and `input:` → an Input layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.caffe.caffe_pb2 import LayerParameter, NetParameter, ParamSpec, V0LayerParameter, V1LayerParameter
from harness.caffe.prototxt import Prototxt
from harness.errors import PrototxtError, UnsupportedError

V1_TYPES: Mapping[str, str] = {
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "NONE": "",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}

V0_TYPES: Mapping[str, str] = {
    "accuracy": "ACCURACY",
    "bnll": "BNLL",
    "concat": "CONCAT",
    "conv": "CONVOLUTION",
    "data": "DATA",
    "dropout": "DROPOUT",
    "euclidean_loss": "EUCLIDEAN_LOSS",
    "flatten": "FLATTEN",
    "hdf5_data": "HDF5_DATA",
    "hdf5_output": "HDF5_OUTPUT",
    "im2col": "IM2COL",
    "images": "IMAGE_DATA",
    "infogain_loss": "INFOGAIN_LOSS",
    "innerproduct": "INNER_PRODUCT",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MULTINOMIAL_LOGISTIC_LOSS",
    "pool": "POOLING",
    "relu": "RELU",
    "sigmoid": "SIGMOID",
    "softmax": "SOFTMAX",
    "softmax_loss": "SOFTMAX_LOSS",
    "split": "SPLIT",
    "tanh": "TANH",
    "window_data": "WINDOW_DATA",
}

# V0 kept every layer type's parameters in one message: field → layer type → where it went.
_V0_FIELDS: Mapping[str, Mapping[str, str]] = {
    "num_output": {"conv": "convolution_param.num_output", "innerproduct": "inner_product_param.num_output"},
    "biasterm": {"conv": "convolution_param.bias_term", "innerproduct": "inner_product_param.bias_term"},
    "weight_filler": {"conv": "convolution_param.weight_filler", "innerproduct": "inner_product_param.weight_filler"},
    "bias_filler": {"conv": "convolution_param.bias_filler", "innerproduct": "inner_product_param.bias_filler"},
    "pad": {"conv": "convolution_param.pad", "pool": "pooling_param.pad"},
    "kernelsize": {"conv": "convolution_param.kernel_size", "pool": "pooling_param.kernel_size"},
    "stride": {"conv": "convolution_param.stride", "pool": "pooling_param.stride"},
    "group": {"conv": "convolution_param.group"},
    "pool": {"pool": "pooling_param.pool"},
    "dropout_ratio": {"dropout": "dropout_param.dropout_ratio"},
    "local_size": {"lrn": "lrn_param.local_size"},
    "alpha": {"lrn": "lrn_param.alpha"},
    "beta": {"lrn": "lrn_param.beta"},
    "k": {"lrn": "lrn_param.k"},
    "concat_dim": {"concat": "concat_param.concat_dim"},
    "hdf5_output_param": {"hdf5_output": "hdf5_output_param"},
}
_V0_DATA = frozenset(("data", "hdf5_data", "images", "window_data"))
_V0_KEPT = frozenset(("name", "type", "blobs", "blobs_lr", "weight_decay"))
_V0_TOOL = "upgrade it with Caffe's own tool, upgrade_net_proto_text, and use its result"


def upgrade(prototxt: Prototxt) -> Prototxt:
    """The same net in the current format, as Caffe reads it: only `layer`, no `input:`.

    Raises:
        PrototxtError: the old fields contradict each other.
        UnsupportedError: a V0 layer that has no counterpart in the current format.
    """
    if any(layer.HasField("layer") for layer in prototxt.net.layers):
        prototxt = _upgrade_v0(prototxt)
    if prototxt.net.layers:
        prototxt = _upgrade_v1(prototxt)
    if prototxt.net.input:
        prototxt = _upgrade_input(prototxt)
    return prototxt


# --------------------------------------------------------------------------------------------------- V1 → current


def _upgrade_v1(prototxt: Prototxt) -> Prototxt:
    net = _without_layers(prototxt.net)
    for old in prototxt.net.layers:
        new = net.layer.add()
        for field, value in old.ListFields():
            if field.name not in ("layer", "type", "param", "blobs_lr", "weight_decay", "blob_share_mode"):
                _copy(value, new, field.name)
        if old.HasField("type"):
            new.type = V1_TYPES[V1LayerParameter.LayerType.Name(old.type)]
        specs = max(len(old.param), len(old.blobs_lr), len(old.weight_decay), len(old.blob_share_mode))
        new.param.extend(ParamSpec() for _ in range(specs))
        for spec, name in zip(new.param, old.param, strict=False):
            spec.name = name
        for spec, rate in zip(new.param, old.blobs_lr, strict=False):
            spec.lr_mult = rate
        for spec, decay in zip(new.param, old.weight_decay, strict=False):
            spec.decay_mult = decay
        for spec, mode in zip(new.param, old.blob_share_mode, strict=False):
            spec.MergeFrom(ParamSpec(share_mode=V1LayerParameter.DimCheckMode.Name(mode)))
    return replace(prototxt, net=net)


# ------------------------------------------------------------------------------------------------------- V0 → V1


def _upgrade_v0(prototxt: Prototxt) -> Prototxt:
    net = _without_layers(prototxt.net)
    lines: list[int | None] = []
    padding: dict[str, V1LayerParameter] = {}  # by top: a layer of its own in V0, part of the next one since
    for old, line in zip(prototxt.net.layers, prototxt.lines, strict=True):

        def refuse(message: str, name: str = old.layer.name, line: int | None = line) -> UnsupportedError:
            return UnsupportedError(message, file=prototxt.path, line=line, layer=name, fix=_V0_TOOL)

        if not old.HasField("layer"):
            raise refuse("mixes the V0 format, layers { layer { } }, with the V1 format", old.name)
        if old.layer.type == "padding":
            if len(old.bottom) != 1 or len(old.top) != 1:
                raise refuse("a padding layer takes one blob and gives one")
            padding[old.top[0]] = old
            continue
        new = net.layers.add(bottom=old.bottom, top=old.top)
        _upgrade_v0_layer(old.layer, new, refuse)
        for index, bottom in enumerate(old.bottom):
            if bottom in padding:
                if old.layer.type not in ("conv", "pool") or len(old.bottom) != 1:
                    raise refuse("only a conv or pool layer with one bottom can take up the padding layer before it")
                new.bottom[index] = padding[bottom].bottom[0]
                block: Any = new.convolution_param if old.layer.type == "conv" else new.pooling_param
                _set(block, "pad", padding[bottom].layer.pad)
        for top in old.top:
            padding.pop(top, None)
        lines.append(line)
    return replace(prototxt, net=net, lines=tuple(lines))


def _upgrade_v0_layer(old: V0LayerParameter, new: V1LayerParameter, refuse: Callable[[str], UnsupportedError]) -> None:
    new.name = old.name
    if old.type not in V0_TYPES:
        raise refuse(f"unknown V0 layer type {old.type!r}")
    new.MergeFrom(V1LayerParameter(type=V0_TYPES[old.type]))
    new.blobs_lr.extend(old.blobs_lr)
    new.weight_decay.extend(old.weight_decay)
    new.blobs.MergeFrom(old.blobs)
    if old.type in _V0_DATA:
        return  # how it reads its files plays no part in inference
    for field, value in old.ListFields():
        if field.name in _V0_KEPT:
            continue
        where = _V0_FIELDS.get(field.name, {}).get(old.type)
        if where is None:
            raise refuse(f"a V0 layer of type {old.type!r} has no parameter {field.name!r}")
        block, _, name = where.rpartition(".")
        _set(getattr(new, block) if block else new, name, value)


# --------------------------------------------------------------------------------------------- `input:` → a layer


def _upgrade_input(prototxt: Prototxt) -> Prototxt:
    old = prototxt.net
    shapes = [tuple(shape.dim) for shape in old.input_shape]
    given, needed = f"{len(shapes)} input_shape", len(old.input)
    if not shapes and old.input_dim:
        shapes = [tuple(old.input_dim[i : i + 4]) for i in range(0, len(old.input_dim) // 4 * 4, 4)]
        given, needed = f"{len(old.input_dim)} input_dim", 4 * len(old.input)
    # Without any shape it is left open here; Caffe takes what is too many without a word, and so does this.
    if (shapes or old.input_dim) and len(shapes) < len(old.input):
        raise PrototxtError(
            f"{len(old.input)} input but {given}",
            file=prototxt.path,
            line=prototxt.input_line,
            fix=f"give {needed} of them" + (": number, channels, height and width of each" if old.input_dim else ""),
        )
    net = NetParameter()
    layer = net.layer.add(name="input", type="Input", top=old.input)
    for shape in shapes[: len(old.input)]:
        layer.input_param.shape.add(dim=shape)
    net.MergeFrom(old)
    for field in ("input", "input_dim", "input_shape"):
        net.ClearField(field)
    return replace(prototxt, net=net, lines=(prototxt.input_line, *prototxt.lines))


def _without_layers(net: NetParameter) -> NetParameter:
    copy = NetParameter()
    for field, value in net.ListFields():
        if field.name not in ("layer", "layers"):
            _copy(value, copy, field.name)
    return copy


def _copy(value: Any, target: LayerParameter | NetParameter, name: str) -> None:
    if hasattr(value, "ListFields"):
        getattr(target, name).CopyFrom(value)
    elif isinstance(value, (str, bytes, int, float)):
        setattr(target, name, value)
    else:
        getattr(target, name).MergeFrom(value)


def _set(block: Any, name: str, value: Any) -> None:
    """Set a field, of whatever kind; a repeated one gets the value as its only element."""
    current = getattr(block, name)
    if hasattr(value, "ListFields"):
        current.CopyFrom(value)
    elif hasattr(current, "append"):
        del current[:]
        current.append(value)
    else:
        setattr(block, name, value)
