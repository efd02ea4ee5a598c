"""The small AlexNet in the functional style, its rectifiers fused, LRN by TensorFlow's own operation."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401

MEAN_BGR = np.array([104.0, 117.0, 123.0], np.float32)


@keras.saving.register_keras_serializable("bugs")
class LRN(layers.Layer):
    """Local response normalization across channels."""

    def __init__(self, radius, bias, alpha, beta, **more):
        super().__init__(**more)
        self.settings = {"depth_radius": radius, "bias": bias, "alpha": alpha, "beta": beta}

    def call(self, x):
        return tf.nn.local_response_normalization(x, **self.settings)


def get_model():
    image = keras.Input((67, 67, 3))
    x = layers.Conv2D(16, 5, strides=2, activation="relu", name="conv1")(image)
    x = LRN(2, 1.0, 1e-4 / 5, 0.75, name="norm1")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    x = layers.Conv2D(32, 5, padding="same", groups=2, activation="relu", name="conv2")(x)
    x = LRN(1, 2.0, 5e-4 / 3, 0.75, name="norm2")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool2")(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.Conv2D(32, 3, padding="same", groups=2, activation="relu", name="conv4")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool5")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(48, activation="relu", name="fc6")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(32, activation="relu", name="fc7")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(10, name="fc8")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__, flattened={"fc6": (32, 4, 4)})
    return model


def load_input(path, size):
    """A photograph's middle as BGR less its mean, H, W, C."""
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float32)
    top, left = (rgb.shape[0] - size[0]) // 2, (rgb.shape[1] - size[1]) // 2
    rgb = rgb[top : top + size[0], left : left + size[1]]
    bgr = rgb[:, :, ::-1]
    return bgr - MEAN_BGR
