"""Caffemodel files: learned blobs by layer name, read and written layer by layer."""

from __future__ import annotations

import math
import mmap
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np

from harness.cache import open_sha256
from harness.caffe import impostors, wire
from harness.caffe.caffe_pb2 import (
    BlobProto,
    BlobShape,
    LayerParameter,
    NetParameter,
    V0LayerParameter,
    V1LayerParameter,
)
from harness.caffe.sharing import with_shared
from harness.data import Network, Shape, Weights
from harness.errors import CaffemodelError, WeightsError

MAX_AXES = 32  # Caffe's own limits on a blob
MAX_DIM = 2**31 - 1
MAX_BYTES = 2**31 - 1  # Caffe reads no larger file; protobuf writes none

_AGAIN = "copy or download it again, and compare its size and sha256 with those of the source"


def read_caffemodel(path: Path | str) -> dict[str, tuple[np.ndarray, ...]]:
    """The learned blobs of each layer that has any, float32, in Caffe's layouts (a convolution's kernel is OIHW).

    Shapes are as the file states them: an inner product of the old format is (1, 1, N, K), its bias (1, 1, 1, N).
    Reads the current format, V1 and V0. Of two layers of one name the last counts, as in Caffe.

    Raises:
        CaffemodelError: the file is missing, truncated, something else, or holds no weights.
    """
    path = Path(path)
    return dict(_index(_map(path)[0], path))


def load_weights(path: Path | str, kind: str = "trained", network: Network | None = None) -> Weights:
    """A caffemodel as Weights, with the digest of the very bytes that were read.

    The file stays mapped and each layer's blobs are copied when they are asked for: half a gigabyte of weights need not
    lie in memory beside Keras' own.

    Args:
        kind: "trained", or "synthetic" for weights that this tool made.
        network: the net that they are for: blobs that its layers share by name are then what Caffe ends up with.

    Raises:
        CaffemodelError: as `read_caffemodel`; but synthetic ones may be none, for a net that learns nothing.
    """
    if kind not in ("trained", "synthetic"):
        raise ValueError(f"kind must be 'trained' or 'synthetic', not {kind!r}")
    path = Path(path)
    data, digest = _map(path)
    blobs = _index(data, path, may_be_none=kind == "synthetic")
    weights = Weights(blobs=blobs, kind=kind, sha256=digest, path=path)
    return weights if network is None else with_shared(weights, network)


def write_caffemodel(
    path: Path | str,
    network_name: str,
    blobs: Mapping[str, Sequence[np.ndarray]],
    types: Mapping[str, str],
) -> None:
    """Write blobs as Caffe would: equal blobs give equal bytes, and the file appears whole or not at all.

    Args:
        blobs: by layer name, in the order of execution; written as float32.
        types: Caffe's type ("Convolution") of each of these layers.

    Raises:
        WeightsError: a layer without a type, or more than the 2 GiB that Caffe can read.
        CaffemodelError: the file cannot be written.
    """
    path = Path(path)
    untyped = [name for name in blobs if name not in types]
    if untyped:
        raise WeightsError("its type is not given", file=path, layer=untyped[0])
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            for piece in _pieces(network_name, blobs, types):
                file.write(piece)
                if file.tell() > MAX_BYTES:
                    raise WeightsError("more than 2 GiB of weights; Caffe reads no larger caffemodel", file=path)
        os.replace(temporary, path)
    except OSError as error:
        raise CaffemodelError(f"cannot be written: {error.strerror or error}", file=path) from error
    finally:
        temporary.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------------- reading


class _Span(NamedTuple):
    """Where a message lies in the file."""

    start: int
    stop: int


class _Numbers(NamedTuple):
    """The field numbers of a layer's name and blobs, which differ from format to format."""

    name: int
    blobs: int


_CURRENT = _Numbers(LayerParameter.NAME_FIELD_NUMBER, LayerParameter.BLOBS_FIELD_NUMBER)
_V1 = _Numbers(V1LayerParameter.NAME_FIELD_NUMBER, V1LayerParameter.BLOBS_FIELD_NUMBER)
_V0 = _Numbers(V0LayerParameter.NAME_FIELD_NUMBER, V0LayerParameter.BLOBS_FIELD_NUMBER)


def _map(path: Path) -> tuple[mmap.mmap, str]:
    """The file's bytes, and their digest."""
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CaffemodelError("is empty", file=path, fix=_AGAIN)
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), open_sha256(file, path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise CaffemodelError(f"cannot be read: {reason or error}", file=path) from error


class _Blobs(Mapping[str, tuple[np.ndarray, ...]]):
    """Blobs by layer, copied out of the file each time that they are asked for."""

    def __init__(self, data: mmap.mmap, path: Path, spans: Mapping[str, Sequence[_Span]]) -> None:
        self._data, self._path, self._spans = data, path, spans

    def __getitem__(self, layer: str) -> tuple[np.ndarray, ...]:
        spans = self._spans[layer]
        blobs = tuple(_blob(self._data, span, self._path, layer, index) for index, span in enumerate(spans))
        self._data.madvise(mmap.MADV_DONTNEED)
        return blobs

    def shapes(self, layer: str) -> tuple[Shape, ...]:
        """Of a layer's blobs; empty for a layer without any."""
        spans = self._spans.get(layer, ())
        return tuple(_header(self._data, span, self._path, layer, index)[0] for index, span in enumerate(spans))

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def _index(data: mmap.mmap, path: Path, *, may_be_none: bool = False) -> _Blobs:
    """Where each layer's blobs lie; all of them are checked, none is copied."""
    impostor = impostors.recognise(data[:1024])
    if impostor:
        raise CaffemodelError(impostor.is_, file=path, fix=impostor.fix)
    blobs: dict[str, Sequence[_Span]] = {}
    count = 0
    for span, numbers in _layers(data, path):
        count += 1
        name, spans = _layer(data, span, numbers, path)
        if spans:
            for index, blob in enumerate(spans):
                _header(data, blob, path, name, index)
            blobs.pop(name, None)  # its place is that of the last
            blobs[name] = spans
    if count == 0:
        _refuse(data, path)
    if not blobs and not may_be_none:
        raise CaffemodelError(
            f"holds no weights: {count} layers, none with blobs",
            file=path,
            fix="give the caffemodel of the trained net",
        )
    return _Blobs(data, path, blobs)


def _layers(data: mmap.mmap, path: Path) -> Iterator[tuple[_Span, _Numbers]]:
    current: list[_Span] = []
    old: list[_Span] = []
    try:
        for field in wire.walk(data, 0, len(data)):
            if field.number in (NetParameter.LAYER_FIELD_NUMBER, NetParameter.LAYERS_FIELD_NUMBER):
                if field.type != wire.WireType.LENGTH:
                    _refuse(data, path)
                (current if field.number == NetParameter.LAYER_FIELD_NUMBER else old).append(
                    _Span(field.start, field.stop)
                )
    except wire.TruncatedError as error:
        _refuse_truncated(data, path, error.field, readable=bool(current or old))
    except wire.MalformedError:
        if not (current or old):
            _refuse(data, path)
        after = max(span.stop for span in current + old)
        raise CaffemodelError(f"is damaged after byte {after:,}", file=path, fix=_AGAIN) from None
    # Where a file has layers of both formats, Caffe takes the old ones and drops the others.
    for span in old or current:
        if not old:
            yield span, _CURRENT
            continue
        inner = None
        for field in _fields(data, span, path):
            if field.number == V1LayerParameter.LAYER_FIELD_NUMBER:
                if field.type != wire.WireType.LENGTH:
                    raise _damaged(path, field.start)
                inner = _Span(field.start, field.stop)
        yield (inner, _V0) if inner else (span, _V1)


def _layer(data: mmap.mmap, span: _Span, numbers: _Numbers, path: Path) -> tuple[str, list[_Span]]:
    name = ""
    blobs = []
    for field in _fields(data, span, path):
        if field.number in numbers:
            if field.type != wire.WireType.LENGTH:
                raise _damaged(path, field.start, name or None)
            if field.number == numbers.name:
                name = _text(data[field.start : field.stop])
            else:
                blobs.append(_Span(field.start, field.stop))
    return name, blobs


def _blob(data: mmap.mmap, span: _Span, path: Path, layer: str, index: int) -> np.ndarray:
    dims, size, count = _header(data, span, path, layer, index)
    return _values(data, span, size, count, path, layer).reshape(dims)


def _header(data: mmap.mmap, span: _Span, path: Path, layer: str, index: int) -> tuple[tuple[int, ...], int, int]:
    """A blob's shape, the bytes of one value, and how many there are."""

    def damaged(what: str) -> CaffemodelError:
        return CaffemodelError(f"blob {index} {what}", file=path, layer=layer, fix=_AGAIN)

    shape: list[int] = []
    legacy: dict[int, int] = {}
    count = {4: 0, 8: 0}
    # Values lie in one packed run as a rule; written singly, each is a field of its own, and a list of them
    # would dwarf the file: they are counted here and copied in a second walk.
    for field in _fields(data, span, path, layer):
        if field.number == BlobProto.SHAPE_FIELD_NUMBER and field.type == wire.WireType.LENGTH:
            for dim in _dims(data, _Span(field.start, field.stop), path, layer):
                shape.append(dim)
                if len(shape) > MAX_AXES:
                    raise damaged(f"has more than {MAX_AXES} axes")
        elif field.number in _LEGACY_DIMS and field.type == wire.WireType.VARINT:
            legacy[field.number] = wire.signed(field.value)
        else:
            size = _VALUE_SIZE.get(field.number)
            if size is None:
                continue
            if field.type not in (wire.WireType.LENGTH, _SINGLE[size]) or (field.stop - field.start) % size:
                raise damaged("holds bytes that are no numbers")
            count[size] += (field.stop - field.start) // size
    # Caffe gives the four legacy dimensions precedence, and double values.
    dims = tuple(legacy.get(number, 0) for number in _LEGACY_DIMS) if legacy else tuple(shape)
    size = 8 if count[8] else 4
    if any(not 0 <= dim <= MAX_DIM for dim in dims) or math.prod(dims) != count[size]:
        stated = "×".join(map(str, dims)) or "a single number"
        raise damaged(f"is stated as {stated} but holds {count[size]:,} values")
    if math.prod(dim for dim in dims if dim) > MAX_BYTES:  # no values, but more than NumPy can count
        raise damaged(f"cannot be {'×'.join(map(str, dims))}")
    return dims, size, count[size]


_LEGACY_DIMS = (
    BlobProto.NUM_FIELD_NUMBER,
    BlobProto.CHANNELS_FIELD_NUMBER,
    BlobProto.HEIGHT_FIELD_NUMBER,
    BlobProto.WIDTH_FIELD_NUMBER,
)
_VALUE_SIZE = {BlobProto.DATA_FIELD_NUMBER: 4, BlobProto.DOUBLE_DATA_FIELD_NUMBER: 8}
_SINGLE = {4: wire.WireType.FIXED32, 8: wire.WireType.FIXED64}


def _values(data: mmap.mmap, span: _Span, size: int, count: int, path: Path, layer: str) -> np.ndarray:
    values = np.empty(count, dtype=np.float32)
    done = 0
    for field in _fields(data, span, path, layer):
        if _VALUE_SIZE.get(field.number) == size:
            length = (field.stop - field.start) // size
            values[done : done + length] = np.frombuffer(data, f"<f{size}", count=length, offset=field.start)
            done += length
    return values


def _dims(data: mmap.mmap, span: _Span, path: Path, layer: str) -> Iterator[int]:
    for field in _fields(data, span, path, layer):
        if field.number != BlobShape.DIM_FIELD_NUMBER:
            continue
        if field.type == wire.WireType.VARINT:
            yield wire.signed(field.value)
        elif field.type == wire.WireType.LENGTH:
            position = field.start
            while position < field.stop:
                try:
                    value, position = wire.read_varint(data, position, field.stop)
                except wire.MalformedError:
                    raise _damaged(path, span.start, layer) from None
                yield wire.signed(value)


def _fields(data: mmap.mmap, span: _Span, path: Path, layer: str | None = None) -> Iterator[wire.Field]:
    try:
        yield from wire.walk(data, *span)
    except wire.MalformedError:
        raise _damaged(path, span.start, layer) from None


def _damaged(path: Path, position: int, layer: str | None = None) -> CaffemodelError:
    return CaffemodelError(f"is damaged near byte {position:,}", file=path, layer=layer, fix=_AGAIN)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _refuse(data: mmap.mmap, path: Path) -> NoReturn:
    head = data[:1024]
    if b"\0" not in head and (b"layer" in head or b"name:" in head):
        raise CaffemodelError(
            "is a text file, perhaps a prototxt", file=path, fix="give the caffemodel, not the prototxt"
        )
    raise CaffemodelError("is not a caffemodel", file=path, fix=_AGAIN)


def _refuse_truncated(data: mmap.mmap, path: Path, field: wire.Field | None, readable: bool) -> NoReturn:
    size = len(data)
    name = None
    if field and field.number in (NetParameter.LAYER_FIELD_NUMBER, NetParameter.LAYERS_FIELD_NUMBER):
        numbers = _CURRENT if field.number == NetParameter.LAYER_FIELD_NUMBER else _V1
        name = _first_name(data, _Span(field.start, size), numbers)
    if not (readable or name):
        _refuse(data, path)
    missing = f"at least {field.stop - size:,} bytes are missing" if field else "the rest is missing"
    raise CaffemodelError(f"is cut off at {size:,} bytes; {missing}", file=path, layer=name, fix=_AGAIN) from None


def _first_name(data: mmap.mmap, span: _Span, numbers: _Numbers) -> str | None:
    try:
        for field in wire.walk(data, *span):
            if field.number == numbers.name and field.type == wire.WireType.LENGTH:
                name: str = data[field.start : field.stop].decode("utf-8")
                return name
    except (wire.MalformedError, UnicodeDecodeError):
        pass
    return None


# ------------------------------------------------------------------------------------------------------- writing


def _pieces(
    network_name: str, blobs: Mapping[str, Sequence[np.ndarray]], types: Mapping[str, str]
) -> Iterator[bytes | memoryview]:
    # Serialised messages merge when they are joined, so a net can be written a layer at a time.
    yield NetParameter(name=network_name).SerializeToString()
    for name, arrays in blobs.items():
        head = LayerParameter(name=name, type=types[name]).SerializeToString()
        lengths = [_blob_length(array.shape) for array in arrays]
        yield wire.prefix(
            NetParameter.LAYER_FIELD_NUMBER,
            len(head) + sum(len(wire.prefix(_CURRENT.blobs, length)) + length for length in lengths),
        )
        yield head
        for array, length in zip(arrays, lengths, strict=True):
            yield wire.prefix(_CURRENT.blobs, length)
            yield _shape_field(array.shape)
            yield wire.prefix(BlobProto.DATA_FIELD_NUMBER, 4 * array.size)
            yield np.ascontiguousarray(array, dtype="<f4").reshape(-1).view(np.uint8).data


def _blob_length(shape: Shape) -> int:
    size = 4 * math.prod(shape)
    return len(_shape_field(shape)) + len(wire.prefix(BlobProto.DATA_FIELD_NUMBER, size)) + size


def _shape_field(shape: Iterable[int]) -> bytes:
    encoded: bytes = BlobShape(dim=shape).SerializeToString()
    return wire.prefix(BlobProto.SHAPE_FIELD_NUMBER, len(encoded)) + encoded
