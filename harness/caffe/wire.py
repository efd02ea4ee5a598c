"""Protobuf's wire format, walked in place: where each field lies, without building messages."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple, Protocol


class Bytes(Protocol):
    """What is walked: bytes, or a file mapped into memory."""

    def __getitem__(self, index: int, /) -> int: ...


class WireType(IntEnum):
    """How a field's payload is laid out. Groups (3 and 4) do not occur in Caffe's files."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2
    FIXED32 = 5


class Field(NamedTuple):
    """One field: its payload lies at [start, stop); `value` is that of a VARINT."""

    number: int
    type: WireType
    start: int
    stop: int
    value: int = 0


class MalformedError(ValueError):
    """These bytes are no protobuf message."""


class TruncatedError(MalformedError):
    """A field reaches past the end; `field` says which and how far."""

    def __init__(self, field: Field | None) -> None:
        super().__init__("the bytes end in the middle of a field")
        self.field = field


def walk(data: Bytes, start: int, stop: int) -> Iterator[Field]:
    """The fields of the message that lies at [start, stop), in their order.

    Raises:
        TruncatedError: a field reaches past `stop`.
        MalformedError: a field number or wire type that cannot be.
    """
    position = start
    while position < stop:
        tag, position = read_varint(data, position, stop)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number >= 1 << 29:
            raise MalformedError(f"field number {number} at byte {position}")
        if kind == WireType.VARINT:
            value, end = read_varint(data, position, stop)
            yield Field(number, WireType.VARINT, position, end, value)
        elif kind in (WireType.LENGTH, WireType.FIXED32, WireType.FIXED64):
            if kind == WireType.LENGTH:
                length, position = read_varint(data, position, stop)
            else:
                length = 4 if kind == WireType.FIXED32 else 8
            end = position + length
            field = Field(number, WireType(kind), position, end)
            if end > stop:
                raise TruncatedError(field)
            yield field
        else:
            raise MalformedError(f"wire type {kind} at byte {position}")
        position = end


def read_varint(data: Bytes, position: int, stop: int) -> tuple[int, int]:
    """The unsigned number at `position`, and where it ends.

    Raises:
        TruncatedError: it reaches past `stop`.
        MalformedError: it is longer than the ten bytes that 64 bits take.
    """
    value = 0
    for shift in range(0, 70, 7):
        if position >= stop:
            raise TruncatedError(None)
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
    raise MalformedError(f"a number of more than 64 bits before byte {position}")


def signed(value: int) -> int:
    """A varint read as int32 or int64, as protobuf writes negative ones: two's complement in 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varint(value: int) -> bytes:
    """An unsigned number as it is written."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def prefix(number: int, length: int) -> bytes:
    """What stands before the `length` bytes of a string, message or packed array."""
    return varint(number << 3 | WireType.LENGTH) + varint(length)
