"""What is fed to the net: a photograph, an array, or numbers from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import nets

from harness.convert.synthetic import synthetic_input
from harness.data import Case, InputSource, Network, WeightsSource
from harness.errors import CaseError, FormatError, UsageError
from harness.inputs import describe, fit_picture, input_shapes, make_inputs


def case(**source: object) -> Case:
    return Case("mine", Path(), Path(), "auto", WeightsSource(seed=0), InputSource(**source))


def net(*shape: int) -> Network:
    return nets.network(nets.data(*shape) + nets.relu("data", top="r"))


@pytest.fixture
def picture(tmp_path: Path) -> tuple[Path, np.ndarray]:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "cat.png")
    return tmp_path / "cat.png", rgb


def test_a_picture_is_bgr_less_its_mean_times_scale(picture: tuple[Path, np.ndarray]) -> None:
    path, rgb = picture
    blob = make_inputs(case(image=path, mean_bgr=(10.0, 20.0, 30.5), scale=0.5), net(1, 3, 5, 7))["data"]
    assert (blob.shape, blob.dtype) == ((1, 3, 5, 7), np.float32)
    for c, y, x in np.ndindex(3, 5, 7):
        assert blob[0, c, y, x] == (float(rgb[y, x, 2 - c]) - (10.0, 20.0, 30.5)[c]) * 0.5


def test_a_batch_is_filled_with_the_one_picture(picture: tuple[Path, np.ndarray]) -> None:
    blob = make_inputs(case(image=picture[0]), net(2, 3, 5, 7))["data"]
    assert blob.flags.c_contiguous
    np.testing.assert_array_equal(blob[0], blob[1])


def test_a_net_of_one_channel_takes_the_mean(picture: tuple[Path, np.ndarray]) -> None:
    blob = make_inputs(case(image=picture[0], mean_bgr=(4.0, 0.0, 0.0)), net(1, 1, 5, 7))["data"]
    np.testing.assert_allclose(blob[0, 0], picture[1].astype(np.float64).mean(axis=2) - 4.0, rtol=1e-5)


def test_margin_is_mirrored_without_the_edge_itself() -> None:
    row = np.arange(4, dtype=np.float32).reshape(4, 1, 1).repeat(4, axis=1)
    out = fit_picture(row, InputSource(margin=2), (8, 8))
    assert [float(one) for one in out[:, 3, 0]] == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (4, [1, 2, 3, 4]),  # of 0 … 5: one too many on each side
        (3, [1, 2, 3]),  # an odd surplus: the smaller half is cut before
        (6, [0, 1, 2, 3, 4, 5]),
        (8, [0, 1, 2, 3, 4, 5, 4, 3]),  # mirrored on at the end only
    ],
)
@pytest.mark.parametrize("axis", [0, 1])
def test_fitting_each_axis_by_itself(size: int, expected: list[int], axis: int) -> None:
    ramp = np.moveaxis(np.arange(6, dtype=np.float32).reshape(6, 1, 1).repeat(5, axis=1), 0, axis)
    wanted = (size, 5) if axis == 0 else (5, size)
    out = fit_picture(ramp, InputSource(), wanted)
    assert out.shape == (*wanted, 1)
    assert [int(one) for one in np.moveaxis(out, axis, 0)[:, 2, 0]] == expected


def test_an_array_is_taken_as_it_is(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(1, 3, 5, 7))
    np.save(tmp_path / "x.npy", x)
    blob = make_inputs(case(array=tmp_path / "x.npy", scale=3.0), net(1, 3, 5, 7))["data"]
    np.testing.assert_array_equal(blob, x.astype(np.float32))


def test_an_array_of_another_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 5, 7, 3)))
    with pytest.raises(FormatError) as caught:
        make_inputs(case(array=tmp_path / "x.npy"), net(1, 3, 5, 7))
    assert str(caught.value).endswith(
        "x.npy: has the shape (1, 5, 7, 3), the net takes (1, 3, 5, 7)\n  → N, C, H, W as Caffe has it"
    )


def two_inputs() -> Network:
    return nets.network(nets.data(1, 3, name="a") + nets.data(2, 3, name="b") + nets.relu("a", top="r"))


def test_an_array_for_each_input(tmp_path: Path) -> None:
    arrays = {"a": np.ones((1, 3), np.float32), "b": np.full((2, 3), 2, np.float32)}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    source = case(array={name: tmp_path / f"{name}.npy" for name in arrays})
    blobs = make_inputs(source, two_inputs())
    for name, array in arrays.items():
        np.testing.assert_array_equal(blobs[name], array)
    assert describe(source) == "a.npy, b.npy"


def test_arrays_for_other_inputs_than_the_net_has(tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        make_inputs(case(array={"a": tmp_path / "a.npy", "c": tmp_path / "c.npy"}), two_inputs())
    assert str(caught.value) == (
        "[input] array gives a, c; the net's inputs are a, b\n  → give each input an array, under its name"
    )


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="is not an array that can be read"):
        make_inputs(case(array=tmp_path / "x.npy"), net(1, 3, 5, 7))


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_picture_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(FormatError, match=r"cat\.png: is not a picture that can be read"):
        make_inputs(case(image=tmp_path / "cat.png"), net(1, 3, 5, 7))


def test_a_picture_for_an_input_that_is_no_image(picture: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(CaseError, match=r"a picture cannot be fed to an input of shape \(1, 3\)"):
        make_inputs(case(image=picture[0]), net(1, 3))


def test_a_seed_feeds_every_input_other_numbers() -> None:
    two = nets.network(nets.data(1, 3, 4, 4, name="a") + nets.data(1, 3, 4, 4, name="b") + nets.relu("a", top="r"))
    blobs = make_inputs(case(seed=5), two)
    np.testing.assert_array_equal(blobs["a"], synthetic_input((1, 3, 4, 4), 5))
    assert not np.array_equal(blobs["a"], blobs["b"])


def test_sizes_replace_height_and_width_only() -> None:
    assert input_shapes(case(size=(9, 8)), net(2, 3, 5, 7).inputs) == {"data": (2, 3, 9, 8)}
    assert input_shapes(case(), net(2, 3, 5, 7).inputs) == {"data": (2, 3, 5, 7)}
    with pytest.raises(UsageError, match=r"input 'data' has the shape \(2, 3\): no height and width to set"):
        input_shapes(case(size=(9, 8)), net(2, 3).inputs)


def test_description() -> None:
    assert describe(case(image=Path("a/cat.png"))) == "cat.png"
    assert describe(case(array=Path("a/x.npy"))) == "x.npy"
    assert describe(case(seed=3)) == "seed 3"


def test_numbers_drawn_for_an_input_are_such_as_its_readers_take() -> None:
    text = nets.data(50, 4, name="words") + nets.data(50, 4, name="cont") + nets.data(9, 3, name="x")
    text += nets.data(20, name="index") + nets.data(9, 1, name="chosen")
    text += nets.layer("Embed", "words", "embed", "embed_param { input_dim: 7 num_output: 2 }")
    text += 'layer { name: "h" type: "LSTM" bottom: "embed" bottom: "cont" top: "h" recurrent_param { num_output: 2 } }'
    text += 'layer { name: "again" type: "BatchReindex" bottom: "x" bottom: "index" top: "again" }'
    text += 'layer { name: "some" type: "Filter" bottom: "x" bottom: "chosen" top: "some" }'
    blobs = make_inputs(case(seed=0), nets.network(text))
    found = {name: set(blob.reshape(-1)) for name, blob in blobs.items() if name != "x"}
    assert found == {
        "words": set(range(7)),
        "cont": {0, 1},
        "index": set(range(9)) & found["index"],
        "chosen": {0, 1},
    }
    assert len(found["index"]) > 4
    np.testing.assert_array_equal(blobs["x"], synthetic_input((9, 3), 2))
