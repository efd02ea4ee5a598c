"""Weights come back as they were written, and damaged files are told apart."""

from __future__ import annotations

import hashlib
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import harness.caffe.caffemodel as module
from harness import cache
from harness.caffe import load_weights, read_caffemodel, write_caffemodel
from harness.caffe.caffe_pb2 import (
    BlobProto,
    BlobShape,
    LayerParameter,
    NetParameter,
    V0LayerParameter,
    V1LayerParameter,
)
from harness.errors import CaffemodelError, WeightsError

BLOBS = {
    "conv1": (np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), np.array([0.5, -0.5], np.float32)),
    "bn/1": (np.ones(3, np.float32), np.full(3, 2, np.float32), np.array([999.98236], np.float32)),
}
TYPES = {"conv1": "Convolution", "bn/1": "BatchNorm"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.caffemodel"


def write_net(path: Path, **fields: object) -> None:
    path.write_bytes(NetParameter(**fields).SerializeToString())  # type: ignore[arg-type]


def complaint(path: Path) -> str:
    with pytest.raises(CaffemodelError) as caught:
        read_caffemodel(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def assert_equal(read: dict[str, tuple[np.ndarray, ...]], expected: dict[str, tuple[np.ndarray, ...]]) -> None:
    assert list(read) == list(expected)
    for name, arrays in expected.items():
        assert [array.shape for array in read[name]] == [array.shape for array in arrays]
        for got, wanted in zip(read[name], arrays, strict=True):
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, wanted)


# ------------------------------------------------------------------------------------------------ there and back


def test_what_is_written_is_read(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    assert_equal(read_caffemodel(path), BLOBS)


def test_protobuf_reads_what_is_written(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    net = NetParameter.FromString(path.read_bytes())
    assert (net.name, [layer.name for layer in net.layer]) == ("net", ["conv1", "bn/1"])
    assert [layer.type for layer in net.layer] == ["Convolution", "BatchNorm"]
    assert list(net.layer[0].blobs[0].shape.dim) == [2, 3, 2, 2]
    assert list(net.layer[0].blobs[0].data) == list(range(24))


def test_equal_weights_give_equal_bytes(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    first = path.read_bytes()
    write_caffemodel(
        path, "net", {name: tuple(map(np.asfortranarray, arrays)) for name, arrays in BLOBS.items()}, TYPES
    )
    assert path.read_bytes() == first


def test_scalars_and_empty_blobs(path: Path) -> None:
    blobs = {"a": (np.array(3, np.float32), np.empty((0, 4), np.float32))}
    write_caffemodel(path, "net", blobs, {"a": "Parameter"})
    assert_equal(read_caffemodel(path), blobs)


def test_failed_write_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    before = path.read_bytes()
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    with pytest.raises(WeightsError, match="Caffe reads no larger caffemodel"):
        write_caffemodel(path, "other", BLOBS, TYPES)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_write_needs_types(path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights\.caffemodel, layer 'bn/1': its type is not given"):
        write_caffemodel(path, "net", BLOBS, {"conv1": "Convolution"})


def test_write_into_nowhere(path: Path) -> None:
    with pytest.raises(CaffemodelError, match="cannot be written: No such file or directory"):
        write_caffemodel(path.parent / "nowhere" / "w.caffemodel", "net", BLOBS, TYPES)


def test_digest_is_that_of_the_file(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    weights = load_weights(path, kind="synthetic")
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (weights.kind, weights.path) == ("synthetic", path)
    assert len(weights.of("bn/1")) == 3
    assert weights.of("relu") == ()


def test_shapes_are_those_of_the_blobs(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    weights = load_weights(path)
    assert {name: weights.shapes_of(name) for name in BLOBS} == {
        name: tuple(blob.shape for blob in blobs) for name, blobs in BLOBS.items()
    }
    assert weights.shapes_of("relu") == ()


def test_digest_follows_a_large_file_that_changes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_SETTLED_NS", -1)  # remember digests of young files too
    blob = np.zeros(2 << 20, np.float32)
    for value in (1, 2):
        write_caffemodel(path, "net", {"fc": (blob + value,)}, {"fc": "InnerProduct"})
        assert load_weights(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert len(list((tmp_path / "cache" / "digests").iterdir())) == 1


# --------------------------------------------------------------------------------------------------- old formats

LEGACY = BlobProto(num=1, channels=1, height=2, width=3, data=range(6))
EXPECTED = {"fc": (np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3),)}


def test_v1(path: Path) -> None:
    write_net(path, layers=[V1LayerParameter(name="fc", blobs=[LEGACY]), V1LayerParameter(name="relu")])
    assert_equal(read_caffemodel(path), EXPECTED)


def test_v0(path: Path) -> None:
    write_net(path, layers=[V1LayerParameter(layer=V0LayerParameter(name="fc", blobs=[LEGACY]), top=["fc"])])
    assert_equal(read_caffemodel(path), EXPECTED)


def test_old_dimensions_take_precedence(path: Path) -> None:
    blob = BlobProto(shape=BlobShape(dim=[6]), data=range(6), num=1, channels=1, height=2, width=3)
    write_net(path, layer=[LayerParameter(name="fc", blobs=[blob])])
    assert_equal(read_caffemodel(path), EXPECTED)


def test_double_values(path: Path) -> None:
    blob = BlobProto(shape=BlobShape(dim=[1, 1, 2, 3]), double_data=range(6))
    write_net(path, layer=[LayerParameter(name="fc", blobs=[blob])])
    assert_equal(read_caffemodel(path), EXPECTED)


def test_values_written_singly(path: Path) -> None:
    dims = BlobProto(num=1, channels=1, height=2, width=3).SerializeToString()
    singly = b"".join(b"\x2d" + struct.pack("<f", value) for value in range(6))
    layer = LayerParameter(name="fc").SerializeToString()
    blob = dims + singly
    body = layer + b"\x3a" + bytes([len(blob)]) + blob
    path.write_bytes(b"\xa2\x06" + bytes([len(body)]) + body)
    assert NetParameter.FromString(path.read_bytes()).layer[0].blobs[0].data[5] == 5
    assert_equal(read_caffemodel(path), EXPECTED)


def test_gradients_and_a_forks_fields_are_skipped(path: Path) -> None:
    blob = BlobProto(num=1, channels=1, height=2, width=3, data=range(6), diff=range(9, 15))
    layer = LayerParameter(name="fc", blobs=[blob]).SerializeToString() + b"\xca\x3e\x03abc"
    path.write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    assert_equal(read_caffemodel(path), EXPECTED)


# ------------------------------------------------------------------------------------------------------- damage

AGAIN = "\n  → copy or download it again, and compare its size and sha256 with those of the source"


@pytest.mark.parametrize("missing", [1, 20, 60])
def test_truncated(path: Path, missing: int) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    whole = path.read_bytes()
    path.write_bytes(whole[:-missing])
    assert complaint(path) == (
        f"weights.caffemodel, layer 'bn/1': is cut off at {len(whole) - missing} bytes; "
        f"at least {missing} bytes are missing{AGAIN}"
    )


def test_truncated_in_the_first_layer(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    path.write_bytes(path.read_bytes()[:60])
    assert complaint(path).startswith("weights.caffemodel, layer 'conv1': is cut off at 60 bytes")


def test_every_truncation_is_noticed_or_between_two_layers(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    whole = path.read_bytes()
    readable = []
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with suppress(CaffemodelError):
            readable.append(list(read_caffemodel(path)))
    assert readable == [["conv1"]]


def test_every_flipped_bit_is_read_or_refused(path: Path) -> None:
    write_caffemodel(path, "net", BLOBS, TYPES)
    whole = path.read_bytes()
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            with suppress(CaffemodelError):
                read_caffemodel(path)


def test_random_bytes_are_refused(path: Path) -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        path.write_bytes(generator.bytes(500))
        with pytest.raises(CaffemodelError):
            read_caffemodel(path)


@pytest.mark.parametrize(
    ("dims", "stated"),
    [([2**40, 2**20], "1099511627776×1048576"), ([7], "7"), ([-2, -3], "-2×-3"), ([], "a single number")],
)
def test_shape_that_the_values_do_not_fill(path: Path, dims: list[int], stated: str) -> None:
    blob = BlobProto(shape=BlobShape(dim=dims), data=range(6))
    write_net(path, layer=[LayerParameter(name="fc", blobs=[LEGACY, blob])])
    assert complaint(path) == (
        f"weights.caffemodel, layer 'fc': blob 1 is stated as {stated} but holds 6 values{AGAIN}"
    )


@pytest.mark.parametrize("dims", [[0, 2**62], [0, *[2**31 - 1] * 8]])
def test_empty_blob_of_impossible_size(path: Path, dims: list[int]) -> None:
    write_net(path, layer=[LayerParameter(name="fc", blobs=[BlobProto(shape=BlobShape(dim=dims))])])
    assert complaint(path).startswith("weights.caffemodel, layer 'fc': blob 0 ")


def test_too_many_axes(path: Path) -> None:
    write_net(path, layer=[LayerParameter(name="fc", blobs=[BlobProto(shape=BlobShape(dim=[1] * 33), data=[1])])])
    assert complaint(path) == f"weights.caffemodel, layer 'fc': blob 0 has more than 32 axes{AGAIN}"


@pytest.mark.parametrize("cut", range(1, 9))
def test_number_cut_off_within_a_shape(path: Path, cut: int) -> None:
    shape = (b"\x0a" + bytes([cut]) + b"\xff" * cut)[: cut + 2]
    blob = b"\x3a" + bytes([len(shape)]) + shape
    layer = LayerParameter(name="fc").SerializeToString() + b"\x3a" + bytes([len(blob)]) + blob
    path.write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    assert "layer 'fc': is damaged near byte" in complaint(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", f"is empty{AGAIN}"),
        (b"\xff\xfe\x00garbage", f"is not a caffemodel{AGAIN}"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
            "is a Git LFS pointer, not the file itself\n  → fetch the file it points to: git lfs pull",
        ),
        (
            b"\n<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title>",
            "is an HTML page, not the file itself\n"
            "  → open it in a browser to see what the link led to (a login, an error), and download the file itself",
        ),
        (
            b"\x89HDF\r\n\x1a\n\0\0",
            "is an HDF5 file; a binary caffemodel is needed\n"
            "  → load it in Caffe and save it with net.save('weights.caffemodel')",
        ),
        (b"PK\x03\x04\x14\0", "is a compressed archive\n  → unpack it first"),
        (
            b'name: "net"\nlayer { name: "a" }\n',
            "is a text file, perhaps a prototxt\n  → give the caffemodel, not the prototxt",
        ),
        (
            NetParameter(layer=[LayerParameter(name="a")]).SerializeToString(),
            "holds no weights: 1 layers, none with blobs\n  → give the caffemodel of the trained net",
        ),
    ],
)
def test_something_else(path: Path, content: bytes, expected: str) -> None:
    path.write_bytes(content)
    assert complaint(path) == f"weights.caffemodel: {expected}"


def test_missing_file(path: Path) -> None:
    assert complaint(path) == "weights.caffemodel: cannot be read: No such file or directory"


def test_folder(path: Path) -> None:
    path.mkdir()
    assert complaint(path) == "weights.caffemodel: cannot be read: Is a directory"
