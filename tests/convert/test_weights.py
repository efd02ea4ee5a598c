"""The HDF5 file: what goes in comes out, and what does not fit is said by name."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from support import nets

from harness.convert.weights import check_weights, load_weights, write_weights
from harness.errors import WeightsError
from harness.extras import import_keras

NET = nets.network(
    nets.data(1, 3, 6, 7)
    + nets.conv("data", "conv/1", "num_output: 4 kernel_h: 3 kernel_w: 2")
    + nets.layer("InnerProduct", "conv/1", "ip", "inner_product_param { num_output: 5 }")
)
BLOBS = nets.random_blobs(NET)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_weights(NET, nets.weights(BLOBS), tmp_path / "new" / "weights.h5")
    return tmp_path / "new" / "weights.h5"


def model(
    units: int = 5, kernel: tuple[int, int] = (3, 2), names: tuple[str, str] = ("conv__1", "ip"), bias: bool = True
):
    keras = import_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 7, 3)),
            layers.Conv2D(4, kernel, use_bias=bias, name=names[0]),
            layers.Flatten(),
            layers.Dense(units, name=names[1]),
        ]
    )


def complaint(file: Path, *arguments, **options) -> str:
    with pytest.raises(WeightsError) as caught:
        load_weights(model(*arguments, **options), file)
    return str(caught.value)


def test_layout_of_the_file(file: Path) -> None:
    with h5py.File(file) as stored:
        assert stored.attrs["format"] == "harness-weights/1"
        assert sorted(stored) == ["conv__1", "ip"]
        kernel_hwio = stored["conv__1/kernel"][()]
        assert kernel_hwio.shape == (3, 2, 3, 4)
        kernel_oihw = BLOBS["conv/1"][0]
        for o, i, y, x in np.ndindex(kernel_oihw.shape):
            assert kernel_hwio[y, x, i, o] == kernel_oihw[o, i, y, x]
        np.testing.assert_array_equal(stored["conv__1/bias"][()], BLOBS["conv/1"][1])
        # Flatten runs over H, W, C in Keras, over C, H, W in Caffe; the map is 4 × 4 × 6.
        dense = stored["ip/kernel"][()]
        for o, c, y, x in np.ndindex(5, 4, 4, 6):
            assert dense[(y * 6 + x) * 4 + c, o] == BLOBS["ip"][0][o, (c * 4 + y) * 6 + x]
    assert [path.name for path in file.parent.iterdir()] == ["weights.h5"], "no unfinished file is left"


def test_round_trip(file: Path) -> None:
    filled = model()
    assert load_weights(filled, file) == ["conv__1", "ip"]
    x = nets.random_inputs(NET)
    np.testing.assert_array_equal(
        np.asarray(filled(np.moveaxis(next(iter(x.values())), 1, -1))), nets.run_keras(NET, BLOBS, x)[0]
    )


def test_names_of_the_case(file: Path) -> None:
    other = model(names=("first", "second"))
    assert load_weights(other, file, {"conv/1": "first", "ip": "second"}) == ["first", "second"]


def test_a_layer_that_the_model_lacks(file: Path) -> None:
    said = complaint(file, names=("conv__2", "ip"))
    assert said == (
        "layer 'conv__1': the Keras model has no layer 'conv__1' to take its weights; the nearest name is 'conv__2'\n"
        '  → name the Keras layer \'conv__1\', or write [names] "conv__1" = "…" into the case; '
        "--until LAYER judges an unfinished port"
    )


def test_a_layer_that_would_keep_its_initial_weights(file: Path) -> None:
    keras = import_keras()
    more = model()
    more.add(keras.layers.Dense(2, name="more"))
    with pytest.raises(WeightsError, match="Keras layers 'more' have weights, but the Caffe net has none for them"):
        load_weights(more, file)


def test_another_shape(file: Path) -> None:
    said = complaint(file, kernel=(2, 3))
    assert said.startswith("layer 'conv__1': kernel is 3×2×3×4 in Caffe's weights and 2×3×3×4 in the Keras layer\n")
    assert "compare filters, kernel_size and groups" in said


def test_a_bias_too_few(file: Path) -> None:
    assert complaint(file, bias=False).startswith(
        "layer 'conv__1': Caffe has bias, kernel for it, the Keras layer takes kernel\n"
    )


@pytest.mark.parametrize("content", [None, b"", b"not an HDF5 file at all"])
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "weights.h5"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.h5: ") as caught:
        load_weights(model(), file)
    assert "no such file" in str(caught.value) if content is None else "HDF5" in str(caught.value)


def test_weights_that_lack_a_layer() -> None:
    with pytest.raises(WeightsError) as caught:
        check_weights(NET, nets.weights({"conv/1": BLOBS["conv/1"], "ip_1": BLOBS["ip"]}))
    assert str(caught.value).endswith(
        "layer 'ip': weights.caffemodel has no weights for it\n  → it has some for 'ip_1': rename the layer"
    )


def test_weights_of_another_net() -> None:
    other = {**BLOBS, "ip": (BLOBS["ip"][0][:, :10], BLOBS["ip"][1])}
    with pytest.raises(WeightsError) as caught:
        check_weights(NET, nets.weights(other))
    assert "layer 'ip': its weights are 5×10, 5, the prototxt asks for 5×96, 5\n" in str(caught.value)


def test_old_files_write_every_blob_with_four_axes() -> None:
    old = {"conv/1": BLOBS["conv/1"], "ip": (BLOBS["ip"][0].reshape(1, 1, 5, 96), BLOBS["ip"][1].reshape(1, 1, 1, 5))}
    check_weights(NET, nets.weights(old))
    np.testing.assert_array_equal(
        nets.run_keras(NET, old, nets.random_inputs(NET))[0], nets.run_keras(NET, BLOBS, nets.random_inputs(NET))[0]
    )


NORMALIZED = nets.network(nets.data(1, 4, 5, 6) + nets.layer("BatchNorm", "data", "bn"))
SCALED = nets.network(
    nets.data(1, 4, 5, 6)
    + nets.layer("BatchNorm", "data", "bn")
    + nets.layer("Scale", "bn", "scale", "scale_param { bias_term: true }", top="bn")
)


def batch_normalization(**options):
    keras = import_keras()
    return keras.Sequential([keras.Input((5, 6, 4)), keras.layers.BatchNormalization(name="bn", **options)])


def test_a_normalization_that_scales_and_shifts_where_caffes_does_not(tmp_path: Path) -> None:
    """One and zero in place of what the layer held: the same function."""
    blobs = nets.random_blobs(NORMALIZED)
    write_weights(NORMALIZED, nets.weights(blobs), tmp_path / "weights.h5")
    filled = batch_normalization(epsilon=1e-5)
    filled.set_weights([np.full(4, 7.0)] * 4)
    assert load_weights(filled, tmp_path / "weights.h5") == ["bn"]
    variables = {variable.name: np.asarray(variable) for variable in filled.get_layer("bn").weights}
    np.testing.assert_array_equal(variables["gamma"], np.ones(4))
    np.testing.assert_array_equal(variables["beta"], np.zeros(4))
    np.testing.assert_array_equal(variables["moving_mean"], blobs["bn"][0] / blobs["bn"][2])
    x = nets.random_inputs(NORMALIZED)
    np.testing.assert_array_equal(
        np.asarray(filled(np.moveaxis(next(iter(x.values())), 1, -1))), nets.run_keras(NORMALIZED, blobs, x)[0]
    )


def test_a_normalization_that_has_no_room_for_caffes_scale(tmp_path: Path) -> None:
    write_weights(SCALED, nets.weights(nets.random_blobs(SCALED)), tmp_path / "weights.h5")
    with pytest.raises(
        WeightsError, match="Caffe has beta, gamma, moving_mean, moving_variance for it, the Keras layer"
    ):
        load_weights(batch_normalization(scale=False), tmp_path / "weights.h5")


def test_a_variance_is_not_made_up(tmp_path: Path) -> None:
    net = nets.network(nets.data(1, 4, 5, 6) + nets.layer("Scale", "data", "bn"))
    write_weights(net, nets.weights(nets.random_blobs(net)), tmp_path / "weights.h5")
    with pytest.raises(WeightsError, match="Caffe has scale for it, the Keras layer takes beta, gamma, moving_mean"):
        load_weights(batch_normalization(), tmp_path / "weights.h5")
