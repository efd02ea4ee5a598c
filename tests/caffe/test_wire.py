"""Protobuf's wire format, against protobuf itself."""

from __future__ import annotations

import pytest

from harness.caffe import wire
from harness.caffe.caffe_pb2 import BlobProto, LayerParameter, NetState


def test_fields_are_found_where_protobuf_wrote_them() -> None:
    data = LayerParameter(name="conv", loss_weight=[0.5], phase="TEST").SerializeToString()
    fields = list(wire.walk(data, 0, len(data)))
    assert [(field.number, field.type.name) for field in fields] == [(1, "LENGTH"), (5, "FIXED32"), (10, "VARINT")]
    assert data[fields[0].start : fields[0].stop] == b"conv"
    assert fields[2].value == 1


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31 - 1, -1, -(2**31)])
def test_numbers(value: int) -> None:
    data = NetState(level=value).SerializeToString()
    (field,) = wire.walk(data, 0, len(data))
    assert wire.signed(field.value) == value


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_384, 2_000_000])
def test_prefix_is_the_one_that_protobuf_writes(length: int) -> None:
    data = LayerParameter(name="x" * length).SerializeToString()
    assert data[: len(data) - length] == wire.prefix(1, length)


def test_end_within_a_field() -> None:
    data = BlobProto(data=[1, 2, 3]).SerializeToString()
    with pytest.raises(wire.TruncatedError) as caught:
        list(wire.walk(data, 0, len(data) - 1))
    assert caught.value.field == wire.Field(5, wire.WireType.LENGTH, 2, 14)


@pytest.mark.parametrize("data", [b"\x00", b"\x0b", b"\x0f\x01", b"\x08" + b"\xff" * 11])
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(wire.MalformedError):
        list(wire.walk(data, 0, len(data)))
