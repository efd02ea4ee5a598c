"""The small DilatedNet as one Sequential, softmax over pixels as the seed article has it: reshape, softmax, reshape."""

import keras
import numpy as np
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    model = keras.Sequential(
        [
            keras.Input((61, 61, 3)),
            layers.Conv2D(8, 3, activation="relu", name="conv1_1"),
            layers.Conv2D(8, 3, activation="relu", name="conv1_2"),
            layers.MaxPooling2D(2, strides=2, padding="same", name="pool1"),
            layers.Conv2D(16, 3, activation="relu", name="conv2_1"),
            layers.Conv2D(16, 3, activation="relu", name="conv2_2"),
            layers.Conv2D(16, 3, dilation_rate=2, activation="relu", name="conv5_1"),
            layers.Conv2D(16, 3, dilation_rate=2, activation="relu", name="conv5_2"),
            layers.Conv2D(5, 1, name="final"),
            layers.ZeroPadding2D(7),
            layers.Conv2D(10, 3, activation="relu", name="ct_conv1_1"),
            layers.Conv2D(10, 3, dilation_rate=2, activation="relu", name="ct_conv2_1"),
            layers.Conv2D(10, 3, dilation_rate=4, activation="relu", name="ct_conv3_1"),
            layers.Conv2D(5, 1, name="ct_final"),
            layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False, name="upsample"),
            layers.Reshape((34 * 34, 5)),
            layers.Softmax(name="prob"),
            layers.Reshape((34, 34, 5)),
        ]
    )
    load_weights(model, __file__)
    return model


def load_input(path, size):
    """A photograph's middle as BGR less its mean, H, W, C."""
    image = keras.utils.img_to_array(keras.utils.load_img(path))
    top, left = (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2
    image = image[top : top + size[0], left : left + size[1]]
    image = image[..., ::-1]
    return image - np.array([104.0, 117.0, 123.0], np.float32)
