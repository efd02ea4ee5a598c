"""Blobs shared by name: who owns them, and whose numbers stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets

from harness.caffe import load_weights, read_caffemodel, read_network, share_blobs, write_caffemodel
from harness.data import Network, Weights


def conv(name: str, bottom: str, first: str = "", second: str = "") -> str:
    names = "".join(f'param {{ name: "{one}" }} ' if one else "param { lr_mult: 2 } " for one in (first, second))
    return nets.layer("Convolution", bottom, name, f"convolution_param {{ num_output: 2 kernel_size: 1 }} {names}")


# a owns both; b shares both, c the kernel only, d nothing, e the bias only.
TEXT = (
    nets.data(1, 2, 3, 4)
    + conv("a", "data", "w", "v")
    + conv("b", "a", "w", "v")
    + conv("c", "b", "w")
    + conv("d", "c")
    + conv("e", "d", "", "v")
)


def network(folder: Path, text: str = TEXT) -> Network:
    (folder / "deploy.prototxt").write_text(text)
    return read_network(folder / "deploy.prototxt")


def numbered(value: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full((2, 2, 1, 1), value, np.float32), np.full(2, value + 0.5, np.float32)


def loaded(folder: Path, *order: str, text: str = TEXT) -> Weights:
    """Weights of a file with these layers in this order, numbered from 1."""
    blobs = {name: numbered(value) for value, name in enumerate(order, 1)}
    write_caffemodel(folder / "net.caffemodel", "", blobs, dict.fromkeys(order, "Convolution"))
    return load_weights(folder / "net.caffemodel", network=network(folder, text))


def first(weights: Weights, layer: str) -> list[float]:
    return [float(blob.reshape(-1)[0]) for blob in weights.of(layer)]


def test_the_first_layer_with_a_name_owns_the_blob(tmp_path: Path) -> None:
    assert share_blobs(network(tmp_path)) == {
        ("b", 0): ("a", 0),
        ("b", 1): ("a", 1),
        ("c", 0): ("a", 0),
        ("e", 1): ("a", 1),
    }


def test_names_of_the_old_format(tmp_path: Path) -> None:
    text = 'input: "data" input_dim: [1, 2, 3, 4]\n'
    for name in ("a", "b"):
        text += (
            f'layers {{ name: "{name}" type: CONVOLUTION bottom: "data" top: "{name}" param: "w" param: "{name}" }}\n'
        )
    assert share_blobs(network(tmp_path, text)) == {("b", 0): ("a", 0)}


def test_a_layer_with_one_name_twice_shares_with_itself(tmp_path: Path) -> None:
    assert share_blobs(network(tmp_path, nets.data(1, 2, 3, 4) + conv("a", "data", "w", "w"))) == {("a", 1): ("a", 0)}


def test_without_names_the_weights_are_the_files(tmp_path: Path) -> None:
    text = nets.data(1, 2, 3, 4) + conv("a", "data")
    weights = loaded(tmp_path, "a", text=text)
    assert type(weights.blobs) is type(load_weights(weights.path).blobs)


def test_a_layer_that_the_file_lacks_has_its_owners_blobs(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "a", "c", "d", "e")
    assert first(weights, "b") == [2.0, 4.5]
    assert set(weights.blobs) == {"a", "b", "c", "d", "e"}
    assert len(weights.blobs) == 5


def test_the_last_layer_of_the_file_stays(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "a", "b", "c", "d", "e")
    assert [first(weights, name) for name in "abcde"] == [[3, 5.5], [3, 5.5], [3, 3.5], [4, 4.5], [5, 5.5]]
    weights = loaded(tmp_path, "c", "e", "b", "a", "d")
    assert [first(weights, name) for name in "abcde"] == [[4, 4.5], [4, 4.5], [4, 1.5], [5, 5.5], [2, 4.5]]


def test_the_owner_itself_may_be_missing(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "b", "d")
    assert first(weights, "a") == [1.0, 1.5]


def test_a_blob_that_nobody_gives_is_missing(tmp_path: Path) -> None:
    weights = loaded(tmp_path, "a", "d")
    assert weights.of("e") == ()  # its kernel is its own
    assert first(weights, "c") == [1.0]  # its bias is its own
    assert "e" not in weights.blobs


def test_other_shapes_of_the_same_numbers_keep_their_shape(tmp_path: Path) -> None:
    text = nets.data(1, 2, 3, 4) + conv("a", "data", "w") + conv("b", "a", "w")
    blobs = {"a": (np.arange(4.0), np.zeros(2)), "b": (np.arange(4.0, 8).reshape(2, 2), np.zeros(2))}
    write_caffemodel(tmp_path / "net.caffemodel", "", blobs, dict.fromkeys("ab", "Convolution"))
    weights = load_weights(tmp_path / "net.caffemodel", network=network(tmp_path, text))
    np.testing.assert_array_equal(weights.of("a")[0], [4, 5, 6, 7])
    np.testing.assert_array_equal(weights.of("b")[0], [[4, 5], [6, 7]])


def test_a_layer_that_comes_twice_in_the_file_counts_where_it_comes_last(tmp_path: Path) -> None:
    def part(name: str, value: float) -> bytes:
        write_caffemodel(tmp_path / "part", "", {name: numbered(value)}, {name: "Convolution"})
        return (tmp_path / "part").read_bytes()

    path = tmp_path / "net.caffemodel"
    path.write_bytes(part("a", 1) + part("b", 2) + part("a", 3))
    assert list(read_caffemodel(path)) == ["b", "a"]
    weights = load_weights(path, network=network(tmp_path))
    assert first(weights, "b") == [3.0, 3.5]


@pytest.mark.parametrize("kind", ["trained", "synthetic"])
def test_only_synthetic_weights_may_be_none(tmp_path: Path, kind: str) -> None:
    write_caffemodel(tmp_path / "net.caffemodel", "", {"relu": ()}, {"relu": "ReLU"})
    if kind == "synthetic":
        assert dict(load_weights(tmp_path / "net.caffemodel", kind).blobs) == {}
        return
    from harness.errors import CaffemodelError

    with pytest.raises(CaffemodelError, match="holds no weights: 1 layers, none with blobs"):
        load_weights(tmp_path / "net.caffemodel", kind)
