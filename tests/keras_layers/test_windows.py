"""The layers of our own that slide windows: any size, any precision, saved and loaded, and gradients through them.

What they compute is held against plain loops and real Caffe in tests/layers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import loops

from harness.extras import import_keras, import_keras_layers

Build = Callable[..., object]

LAYERS: dict[str, tuple[str, dict[str, object]]] = {
    "max": ("MaxPooling", {"pool_size": (3, 2), "strides": 2, "padding": 1}),
    "max, over the edge": ("MaxPooling", {"pool_size": 3, "strides": (2, 3)}),
    "max, rounded down": ("MaxPooling", {"pool_size": 2, "strides": 2, "padding": (1, 0), "floor": True}),
    "average": ("AveragePooling", {"pool_size": (3, 4), "strides": 2, "padding": (1, 2)}),
    "average, over the edge": ("AveragePooling", {"pool_size": 2, "strides": 2}),
    "mask": ("MaxPoolingWithMask", {"pool_size": 3, "strides": 2, "padding": 1}),
    "im2col": ("Im2col", {"kernel_size": (2, 3), "strides": (2, 1), "padding": 1, "dilation_rate": (1, 2)}),
    "interp, to a size": ("Interp", {"height": 7, "width": 5}),
    "interp, by a factor": ("Interp", {"zoom_factor": 3, "shrink_factor": 2, "pad_beg": -1}),
    "deconvolution": ("DepthwiseConv2DTranspose", {"kernel_size": (3, 4), "strides": (2, 3), "depth_multiplier": 2}),
    "deconvolution, short": ("DepthwiseConv2DTranspose", {"kernel_size": 2, "strides": 3, "use_bias": False}),
}
every_layer = pytest.mark.parametrize("which", LAYERS)


def made(which: str, **more: object):
    name, arguments = LAYERS[which]
    import_keras()
    return getattr(import_keras_layers(), name)(**arguments, **more)


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def arrays(tensors: object) -> list[np.ndarray]:
    return [np.asarray(one) for one in (tensors if isinstance(tensors, (list, tuple)) else [tensors])]


@every_layer
@pytest.mark.parametrize("size", [(8, 9), (9, 8), (7, 11)])
def test_a_size_that_is_not_known_when_the_model_is_built(which: str, size: tuple[int, int]) -> None:
    keras = import_keras()
    layer, x = made(which), pictures(2, *size, 3)
    at_once = arrays(layer(x))
    entry = keras.Input((None, None, 3))
    model = keras.Model(entry, layer(entry))
    later = arrays(model.predict(x, verbose=0))  # in a graph, where the size is a tensor
    assert [one.shape for one in later] == [one.shape for one in at_once]
    for one, other in zip(later, at_once, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)


@every_layer
def test_saved_and_loaded(which: str, tmp_path: Path) -> None:
    keras = import_keras()
    entry = keras.Input((8, 9, 3))
    model = keras.Model(entry, made(which)(entry))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    x = pictures(2, 8, 9, 3)
    for one, other in zip(arrays(again(x)), arrays(model(x)), strict=True):
        np.testing.assert_array_equal(one, other)


@every_layer
@pytest.mark.parametrize(("policy", "close"), [("float64", 1e-6), ("mixed_float16", 2e-2), ("mixed_bfloat16", 1e-1)])
def test_precisions(which: str, policy: str, close: float) -> None:
    usual, other = made(which), made(which, dtype=policy)
    x = pictures(1, 8, 9, 3)
    usual.build(x.shape)
    other.build(x.shape)
    other.set_weights(usual.get_weights())
    expected, *_ = arrays(usual(x))
    found, *rest = [np.asarray(one, np.float64) for one in arrays(other(x.astype(np.float64)))]
    assert np.abs(found - expected).max() <= close * np.abs(expected).max()
    assert all(np.isfinite(one).all() for one in rest)
    compute = str(other.compute_dtype)
    assert str(arrays(other(x))[0].dtype) == compute


@every_layer
def test_gradients_flow(which: str) -> None:
    import tensorflow as tf

    layer = made(which)
    x = tf.constant(pictures(1, 8, 9, 3))
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum((y[0] if isinstance(y, (list, tuple)) else y) ** 2)
    for gradient in tape.gradient(loss, [x, *layer.trainable_variables]):
        assert np.abs(np.asarray(gradient)).max() > 0


def test_pyramid_saved_and_loaded(tmp_path: Path) -> None:
    keras = import_keras()
    entry = keras.Input((11, 8, 3))
    model = keras.Model(entry, import_keras_layers().SpatialPyramidPooling(3, pool="average")(entry))
    assert model.output_shape == (None, 3 * (1 + 4 + 16))
    model.save(tmp_path / "model.keras")
    x = pictures(2, 11, 8, 3)
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))


def test_a_mean_behind_the_picture_is_zero_over_nothing_as_in_caffe() -> None:
    """Windows of one pixel, three apart, over six: the last begins where the picture ends, and its size is 6 − 6."""
    x = pictures(1, 6, 6, 2)
    means = np.asarray(import_keras_layers().AveragePooling(1, strides=3)(x))
    assert means.shape == (1, 3, 3, 2)
    np.testing.assert_array_equal(means[:, :2, :2], x[:, ::3, ::3])
    assert np.isnan(means[:, 2]).all()
    assert np.isnan(means[:, :, 2]).all()
    expected = loops.pooling(np.moveaxis(x, -1, 1), (1, 1), (3, 3), (0, 0), average=True)
    np.testing.assert_array_equal(np.moveaxis(means, -1, 1), expected.astype(np.float32))


def unpooling(**arguments: object):
    import_keras()
    return import_keras_layers().Unpooling(**arguments)


def test_unpooling_undoes_a_pooling_with_mask() -> None:
    x = np.abs(pictures(2, 6, 8, 3)) + 1
    largest, mask = import_keras_layers().MaxPoolingWithMask(2, strides=2)(x)
    back = np.asarray(unpooling(scale=2)([largest, mask]))
    assert back.shape == x.shape
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    assert np.count_nonzero(back) == np.asarray(largest).size


def test_of_many_numbers_for_one_place_the_last_one_stays() -> None:
    """Forty thousand numbers for six places of each plane, so that an order other than Caffe's would be seen."""
    x = pictures(2, 100, 200, 3)
    mask = np.random.default_rng(1).integers(0, 6, size=x.shape)
    expected = np.zeros((2, 6, 3), np.float32)
    for y in range(100):
        for left in range(200):
            for n in range(2):
                for c in range(3):
                    expected[n, mask[n, y, left, c], c] = x[n, y, left, c]
    found = np.asarray(unpooling(size=(2, 3))([x, mask.astype(np.float32)]))
    np.testing.assert_array_equal(found, expected.reshape(2, 2, 3, 3))


@pytest.mark.parametrize("place", [-1, 24])
def test_a_place_outside_of_the_plane_is_an_error(place: int) -> None:
    x = pictures(2, 2, 3, 1)
    with pytest.raises(Exception, match="does not index into"):
        unpooling(scale=2)([x, np.full(x.shape, place, np.float32)])


def test_unpooling_of_any_size_saved_and_loaded_with_gradients(tmp_path: Path) -> None:
    import tensorflow as tf

    keras = import_keras()
    entries = [keras.Input((None, None, 3)), keras.Input((None, None, 3))]
    model = keras.Model(entries, unpooling(scale=(2, 3))(entries))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    x = tf.constant(pictures(2, 4, 5, 3))
    mask = tf.constant(np.random.default_rng(1).permuted(np.tile(np.arange(20.0, dtype=np.float32), (6, 1)), axis=1))
    mask = tf.transpose(tf.reshape(mask, (2, 3, 4, 5)), (0, 2, 3, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = again([x, mask])
        loss = tf.reduce_sum(y * y)
    assert y.shape == (2, 8, 15, 3)
    np.testing.assert_allclose(np.asarray(tape.gradient(loss, x)), 2 * np.asarray(x), rtol=1e-6)
