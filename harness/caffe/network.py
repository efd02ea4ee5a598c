"""A prototxt as the Network that Caffe would run: phase rules applied, bottoms traced to the layers that wrote them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.caffe.caffe_pb2 import NetState, NetStateRule
from harness.caffe.entry import Entry
from harness.caffe.prototxt import Prototxt, nearest, parse_prototxt
from harness.caffe.training import resized, without_training
from harness.caffe.upgrade import upgrade
from harness.data import Layer, Network, Shape, Size, Top
from harness.errors import PrototxtError, UsageError

MAX_AXES = 32  # Caffe's limits on a blob
MAX_COUNT = 2**31 - 1

_DEPLOY = "give the deploy prototxt, which begins with an Input layer"


def read_network(
    path: Path | str,
    *,
    phase: str = "TEST",
    stages: Collection[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Shape] | None = None,
    size: Size | None = None,
) -> Network:
    """The net that Caffe would run, its layers in the order of execution.

    What only training needs is left out (`training.without_training`), and the network says what that was.

    Layer names must be unique, though Caffe does not ask for it: it would load trained weights into the first of
    the namesakes only, and recordings are kept by layer name.

    Args:
        phase: "TEST" or "TRAIN"; with `stages` and `level` it decides which layers take part.
        input_shapes: by blob, in place of the shapes that the prototxt gives its inputs (NCHW).
        size: height and width (or channels, height and width) for every input that has four axes.

    Raises:
        PrototxtError: the file is no net that Caffe would build.
        UnsupportedError: the net does not say how large its input is, or its layers cannot be told apart by name.
        UsageError: a phase or an input that does not exist, or a size for a net that has no picture as its input.
    """
    if phase not in ("TRAIN", "TEST"):
        raise UsageError(f"no phase {phase!r}", fix="TEST or TRAIN")
    prototxt = upgrade(parse_prototxt(path))
    state = NetState()
    state.CopyFrom(prototxt.net.state)
    state.MergeFrom(NetState(phase=phase, level=level, stage=list(stages)))

    entries = [Entry(prototxt.path, *pair) for pair in zip(prototxt.net.layer, prototxt.lines, strict=True)]
    taking_part = [entry for entry in entries if _takes_part(entry, state)]
    if not taking_part:
        raise PrototxtError(
            f"has no layers in phase {phase}" if entries else "has no layers", file=prototxt.path, fix=_DEPLOY
        )
    _check_names(taking_part)
    shapes = input_shapes or {}
    layers, dropped = without_training(taking_part, shapes, size)
    if not any(entry.parameters.type == "Input" for entry in layers):
        raise layers[0].unsupported("the net has no Input layer", _DEPLOY)
    inputs = _shape_inputs(layers, shapes, size, prototxt)
    return Network(
        name=prototxt.net.name,
        layers=_connect(layers, entries),
        inputs=inputs,
        path=prototxt.path,
        dropped=dropped,
    )


# --------------------------------------------------------------------------------------------------- phase rules


def _takes_part(entry: Entry, state: NetState) -> bool:
    include, exclude = entry.parameters.include, entry.parameters.exclude
    if include and exclude:
        raise entry.error("has both include and exclude rules", "keep one kind")
    if include:
        return any(_meets(state, rule) for rule in include)
    return not any(_meets(state, rule) for rule in exclude)


def _meets(state: NetState, rule: NetStateRule) -> bool:
    return not (
        (rule.HasField("phase") and rule.phase != state.phase)
        or (rule.HasField("min_level") and state.level < rule.min_level)
        or (rule.HasField("max_level") and state.level > rule.max_level)
        or any(stage not in state.stage for stage in rule.stage)
        or any(stage in state.stage for stage in rule.not_stage)
    )


# --------------------------------------------------------------------------------------------------------- checks


def _check_names(entries: Sequence[Entry]) -> None:
    first: dict[str, Entry] = {}
    for entry in entries:
        name = entry.parameters.name
        if not name:
            raise entry.unsupported("this layer has no name", 'give it one, name: "…", that no other layer has')
        if name in first:
            raise entry.unsupported(
                f"line {first[name].line} has a layer of the same name",
                "rename one of them; Caffe loads trained weights into the first only",
            )
        if not entry.parameters.type:
            raise entry.error("this layer has no type", 'write type: "Convolution" or what it is')
        first[name] = entry


def _shape_inputs(
    entries: Sequence[Entry], wanted: Mapping[str, Shape], size: Size | None, prototxt: Prototxt
) -> dict[Top, Shape]:
    """The shape of each input; the Input layers' own parameters are brought in line with `wanted` and `size`."""
    inputs: dict[Top, Shape] = {}
    asked = set(wanted)
    for entry in entries:
        layer = entry.parameters
        if layer.type != "Input":
            continue
        declared = [tuple(shape.dim) for shape in layer.input_param.shape]
        if len(declared) == 1:
            declared *= len(layer.top)
        if declared and len(declared) != len(layer.top):
            raise entry.error(
                f"{len(layer.top)} tops but {len(declared)} shapes", "give one shape for all tops, or one for each"
            )
        for index, blob in enumerate(layer.top):
            shape = tuple(wanted.get(blob, declared[index] if declared else ()))
            if size is not None and blob not in wanted and len(shape) == 4:
                shape = resized(shape, size)
                asked.add(blob)
            if not shape:
                raise entry.error(
                    f"input {blob!r} has no shape", "write input_param { shape { dim: 1 dim: 3 dim: … dim: … } }"
                )
            if any(dim < 1 for dim in shape) or len(shape) > MAX_AXES or math.prod(shape) > MAX_COUNT:
                stated = "×".join(map(str, shape))
                if blob in asked:
                    raise UsageError(f"input {blob!r} cannot be {stated}", fix="each dimension is 1 or more")
                raise entry.error(f"input {blob!r} cannot be {stated}", "each dimension is 1 or more")
            inputs[Top(layer.name, blob)] = shape
        if any(blob in asked for blob in layer.top):
            del layer.input_param.shape[:]
            for blob in layer.top:
                layer.input_param.shape.add(dim=inputs[Top(layer.name, blob)])
    blobs = [top.blob for top in inputs]
    if size is not None and not any(len(shape) == 4 for shape in inputs.values()):
        stated = ", ".join(f"{top.blob!r} is {'×'.join(map(str, shape))}" for top, shape in inputs.items())
        raise UsageError("no input has a height and a width to set", file=prototxt.path, fix=f"{stated}; give no size")
    for blob in wanted:
        if blob not in blobs:
            raise UsageError(
                f"the net has no input {blob!r}", file=prototxt.path, fix=f"its inputs: {', '.join(blobs)}"
            )
    return inputs


# ---------------------------------------------------------------------------------------------------- connections


@dataclass
class _Blob:
    """The latest state of a blob, and the layers that read it."""

    top: Top
    readers: list[str] = field(default_factory=list)


def _connect(entries: Sequence[Entry], in_file: Sequence[Entry]) -> tuple[Layer, ...]:
    blobs: dict[str, _Blob] = {}
    layers: list[Layer] = []
    for entry in entries:
        parameters = entry.parameters
        name = parameters.name
        bottoms = []
        for blob in parameters.bottom:
            if blob not in blobs:
                raise entry.error(f"unknown bottom blob {blob!r}", _where_is(blob, entry, blobs, entries, in_file))
            bottoms.append(blobs[blob].top)
            blobs[blob].readers.append(name)
        for index, blob in enumerate(parameters.top):
            # Caffe calls it in place only where bottom and top stand at the same position.
            in_place = index < len(parameters.bottom) and parameters.bottom[index] == blob
            if blob in blobs and not in_place:
                raise entry.error(
                    f"top blob {blob!r} is produced by multiple sources: {blobs[blob].top.layer!r} has written it",
                    "give this top a name of its own",
                )
            # A blob with several readers goes through a Split layer, whose copies bear other names than the top.
            if in_place and len(blobs[blob].readers) > 1:
                other = next((reader for reader in blobs[blob].readers if reader != name), name)
                raise entry.error(
                    f"top blob {blob!r} is produced by multiple sources: it cannot be written over, "
                    f"since {other!r} reads it too",
                    "give this top a name of its own",
                )
            blobs[blob] = _Blob(Top(name, blob))
        layers.append(
            Layer(
                name=name,
                type=parameters.type,
                bottoms=tuple(bottoms),
                tops=tuple(Top(name, blob) for blob in parameters.top),
                parameters=parameters,
                line=entry.line,
            )
        )
    return tuple(layers)


def _where_is(
    blob: str, entry: Entry, known: Collection[str], taking_part: Sequence[Entry], in_file: Sequence[Entry]
) -> str:
    """What to do about a bottom that no layer before has written."""
    for other in in_file:
        if blob in other.parameters.top and other.parameters is not entry.parameters:
            if any(other is one for one in taking_part):
                return f"move this layer behind {other.parameters.name!r} (line {other.line}), which writes it"
            return f"{other.parameters.name!r} (line {other.line}) writes it, but takes no part in this phase"
    meant = nearest(blob, known)
    if meant:
        return f"did you mean {meant!r}?"
    return f"no layer writes it; at this point there are {', '.join(known) or 'no blobs'}"
