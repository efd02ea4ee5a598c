"""What a train_val prototxt has for training only: losses and measures go, data layers become inputs.

Nothing goes in silence: for every layer that is left out or changed there is a sentence that says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from harness.caffe.caffe_pb2 import LayerParameter
from harness.caffe.entry import Entry
from harness.data import Shape, Size

DATA = frozenset(("Data", "DenseImageData", "HDF5Data", "ImageData", "MemoryData", "WindowData"))
"""Types that read what the net is fed from files (MemoryData: from the program around it)."""

MEASURES = frozenset(("Accuracy", "SegAccuracy", "DetectionEvaluate"))
RESHAPING = frozenset(
    ("ArgMax", "Concat", "Crop", "Flatten", "Permute", "Power", "Reshape", "Slice", "Split", "Threshold", "Tile")
)
"""Types that labels go through on their way to a loss. They learn nothing, so that a branch of the net is none."""

ASSUMED_CHANNELS = 3
GIVE_SIZE = "give --input-size HxW (CxHxW if it has not 3 channels), or [input] size = [height, width] in case.toml"


def without_training(
    entries: Sequence[Entry], shapes: Mapping[str, Shape], size: Size | None
) -> tuple[list[Entry], dict[str, str]]:
    """The layers that take part in inference, and what became of the others: name → a sentence.

    Args:
        shapes: of input blobs, as the caller wants them.
        size: height and width of pictures, perhaps with the channels before, where no shape is given.

    Raises:
        UnsupportedError: the shape of an input cannot be known from the file; the message says how to give it.
        PrototxtError: nothing is left.
    """
    if not any(_is_data(entry) or _is_for_training(entry) or _writes_file(entry) for entry in entries):
        return list(entries), {}
    net = _Net(entries)
    net.drop_training()
    net.drop_labels()
    kept = net.kept(shapes, size)
    if all(entry.parameters.type == "Input" for entry in kept):
        raise entries[0].error("the net has layers of training only", "give the prototxt of the whole net")
    return kept, {entries[index].name: why for index, why in sorted(net.why.items())}


def _is_data(entry: Entry) -> bool:
    layer = entry.parameters
    return layer.type in DATA or (layer.type == "Python" and not layer.bottom and bool(layer.top))


def _is_for_training(entry: Entry) -> bool:
    return bool(entry.parameters.type.endswith("Loss")) or entry.parameters.type in MEASURES


def _writes_file(entry: Entry) -> bool:
    return bool(entry.parameters.type == "HDF5Output")


class _Blob(NamedTuple):
    """One state of a blob: the entry that wrote it, and which of its tops."""

    writer: int
    top: int


class _Read(NamedTuple):
    """One bottom of one entry."""

    reader: int
    place: int


@dataclass
class _Net:
    entries: Sequence[Entry]
    bottoms: list[list[_Blob | None]] = field(default_factory=list)  # None: nobody has written it
    readers: dict[_Blob, list[_Read]] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    why: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        latest: dict[str, _Blob] = {}
        for index, entry in enumerate(self.entries):
            reads = [latest.get(blob) for blob in entry.parameters.bottom]
            self.bottoms.append(reads)
            for place, blob in enumerate(reads):
                if blob is not None:
                    self.readers.setdefault(blob, []).append(_Read(index, place))
            latest |= {top: _Blob(index, place) for place, top in enumerate(entry.parameters.top)}

    def drop_training(self) -> None:
        """Losses, measures, files written, and whatever reads what these compute."""
        for index, entry in enumerate(self.entries):
            kind = entry.parameters.type
            if _is_for_training(entry):
                self._drop(index, f"{_a(kind)} layer, for training only; left out")
            elif _writes_file(entry):
                self._drop(index, f"{_a(kind)} layer, which writes a file; left out")
            elif kind != "Silence":
                gone = [self._name(blob) for blob in self.bottoms[index] if blob and blob.writer in self.dropped]
                if gone:
                    self._drop(index, f"it reads {gone[0]!r}, which is computed for training only; left out")

    def drop_labels(self) -> None:
        """Layers between a data layer and the labels of a loss."""
        from_data: set[int] = set()
        for index, entry in enumerate(self.entries):
            given = _is_data(entry) or entry.parameters.type == "Input"
            sources = [blob is not None and blob.writer in from_data for blob in self.bottoms[index]]
            if given or (entry.parameters.type in RESHAPING and sources and all(sources)):
                from_data.add(index)
        for index in sorted(from_data, reverse=True):
            entry = self.entries[index]
            reads = [read for place in range(len(entry.parameters.top)) for read in self._readers(index, place)]
            if entry.parameters.type in RESHAPING and reads and all(map(self._is_label, reads)):
                self._drop(index, f"{_a(entry.parameters.type)} layer, which prepares labels only; left out")

    def _is_label(self, read: _Read) -> bool:
        """True for a loss' bottoms behind the first, which is what the net computed, and for what is left out before."""
        if read.reader not in self.dropped:
            return False
        return read.place > 0 or not _is_for_training(self.entries[read.reader])

    def kept(self, shapes: Mapping[str, Shape], size: Size | None) -> list[Entry]:
        """The entries that are left, data layers as Input layers."""
        kept = []
        for index, entry in enumerate(self.entries):
            if index in self.dropped:
                continue
            layer = entry.parameters
            if _is_data(entry) or layer.type == "Input":
                entry = self._input(index, shapes, size)
            elif layer.type == "Silence":
                entry = self._silence(index)
            if index not in self.dropped:
                kept.append(entry)
        return kept

    def _input(self, index: int, shapes: Mapping[str, Shape], size: Size | None) -> Entry:
        entry = self.entries[index]
        layer, data = entry.parameters, _is_data(entry)
        unread = [place for place in range(len(layer.top)) if self._is_unread(index, place, data)]
        places = [place for place in range(len(layer.top)) if place not in unread]
        gone = ", ".join(repr(str(layer.top[place])) for place in unread)
        if not data:
            if not unread:
                return entry
            self.why[index] = f"its top {gone} is read by layers of training only; left out"
            return self._without_tops(index, places)
        what = f"{_a(layer.type)} layer, which {'reads files' if layer.type != 'MemoryData' else 'a program feeds'}"
        if not places:
            self._drop(index, f"{what}; nobody reads its tops any more; left out")
            return entry
        inputs, says = LayerParameter(name=layer.name, type="Input"), []
        for place in places:
            blob = str(layer.top[place])
            shape, assumption = _shape(entry, place, shapes, size)
            inputs.top.append(blob)
            inputs.input_param.shape.add(dim=shape)
            says.append(f"{blob!r} becomes an input of {'×'.join(map(str, shape))}{assumption}")
        rest = f"; nobody reads {gone} any more" if gone else ""
        self.why[index] = f"{what}; its top {' and '.join(says)}{rest}"
        return replace(entry, parameters=inputs)

    def _without_tops(self, index: int, places: Sequence[int]) -> Entry:
        """An Input layer with some of its tops only."""
        entry = self.entries[index]
        if not places:
            self.dropped.add(index)
            return entry
        layer = LayerParameter()
        layer.CopyFrom(entry.parameters)
        shapes = list(layer.input_param.shape)
        del layer.top[:]
        layer.top.extend(entry.parameters.top[place] for place in places)
        if len(shapes) == len(entry.parameters.top) > 1:
            del layer.input_param.shape[:]
            layer.input_param.shape.extend(shapes[place] for place in places)
        return replace(entry, parameters=layer)

    def _silence(self, index: int) -> Entry:
        """A Silence without the blobs that are gone."""
        entry = self.entries[index]
        reads = list(zip(entry.parameters.bottom, self.bottoms[index], strict=True))
        left = [blob for blob, state in reads if state is None or not self._is_gone(state)]
        if len(left) == len(reads):
            return entry
        if not left:
            self._drop(index, "a Silence layer of blobs that are gone; left out")
            return entry
        layer = LayerParameter()
        layer.CopyFrom(entry.parameters)
        del layer.bottom[:]
        layer.bottom.extend(left)
        return replace(entry, parameters=layer)

    def _is_gone(self, blob: _Blob) -> bool:
        return blob.writer in self.dropped or self._is_unread(*blob, _is_data(self.entries[blob.writer]))

    def _is_unread(self, index: int, place: int, data: bool) -> bool:
        """True for a top that only layers of training read, and for a data layer's that nobody reads."""
        if not data and self.entries[index].parameters.type != "Input":
            return False
        reads = self._readers(index, place)
        left = [read for read in reads if not self._is_left_out(read)]
        return not left and (data or any(read.reader in self.dropped for read in reads))

    def _is_left_out(self, read: _Read) -> bool:
        return read.reader in self.dropped or self.entries[read.reader].parameters.type == "Silence"

    def _readers(self, index: int, place: int) -> list[_Read]:
        return self.readers.get(_Blob(index, place), [])

    def _name(self, blob: _Blob) -> str:
        return str(self.entries[blob.writer].parameters.top[blob.top])

    def _drop(self, index: int, why: str) -> None:
        self.dropped.add(index)
        self.why[index] = why


def _shape(entry: Entry, place: int, shapes: Mapping[str, Shape], size: Size | None) -> tuple[Shape, str]:
    """A data layer's top as the file states it, and what is assumed beside: N, C, H, W."""
    layer = entry.parameters
    blob = str(layer.top[place])
    if blob in shapes:
        return tuple(shapes[blob]), ""
    if place:
        raise entry.unsupported(
            f"the shape of its top {blob!r} is not known, which {_a(layer.type)} layer reads from its files",
            "give the deploy prototxt, with an Input layer that states it",
        )
    if layer.type == "MemoryData":
        memory = layer.memory_data_param
        return resized((memory.batch_size, memory.channels, memory.height, memory.width), size), ""
    batch, edges, channels = _stated(layer)
    if size is None and not all(edges):
        raise entry.unsupported(f"{_a(layer.type)} layer does not say how large its top {blob!r} is", GIVE_SIZE)
    assumed = not channels and (size is None or len(size) == 2)
    assumption = f" ({ASSUMED_CHANNELS} channels are assumed)" if assumed else ""
    return resized((batch or 1, channels or ASSUMED_CHANNELS, *edges), size), assumption


def resized(shape: Shape, size: Size | None) -> Shape:
    """The shape of a picture, N, C, H, W, with other last edges."""
    return shape if size is None else (*shape[: len(shape) - len(size)], *size)


def _stated(layer: LayerParameter) -> tuple[int, tuple[int, int], int | None]:
    """Batch, height and width (0 if not stated), and channels (None if not stated) of a data layer's pictures."""
    blocks: Mapping[str, Any] = {
        "Data": layer.data_param,
        "DenseImageData": layer.dense_image_data_param,
        "HDF5Data": layer.hdf5_data_param,
        "ImageData": layer.image_data_param,
        "WindowData": layer.window_data_param,
    }
    block, transform = blocks.get(layer.type), layer.transform_param
    crop = int(transform.crop_size or getattr(block, "crop_size", 0))
    edges = (crop, crop) if crop else (int(getattr(block, "new_height", 0)), int(getattr(block, "new_width", 0)))
    channels = None
    if transform.force_gray or not getattr(block, "is_color", True):
        channels = 1
    elif transform.force_color or len(transform.mean_value) == ASSUMED_CHANNELS:
        channels = ASSUMED_CHANNELS
    return int(getattr(block, "batch_size", 0)), edges, channels


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOUH' and not kind.startswith('Hinge') else 'a'} {kind}"
