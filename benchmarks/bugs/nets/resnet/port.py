"""The beginning of a ResNet as keras.applications writes it: each convolution padded by itself, BatchNorm with its Scale."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((64, 64, 3))
    x = layers.ZeroPadding2D(3)(image)
    x = layers.Conv2D(16, 7, strides=2, name="conv1")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn_conv1")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    shortcut = layers.Conv2D(24, 1, use_bias=False, name="res2a_branch1")(x)
    shortcut = layers.BatchNormalization(epsilon=1e-5, name="bn2a_branch1")(shortcut)
    x = layers.Conv2D(8, 1, use_bias=False, name="res2a_branch2a")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn2a_branch2a")(x)
    x = layers.ReLU(name="res2a_branch2a_relu")(x)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="res2a_branch2b")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn2a_branch2b")(x)
    x = layers.ReLU(name="res2a_branch2b_relu")(x)
    x = layers.Conv2D(24, 1, use_bias=False, name="res2a_branch2c")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn2a_branch2c")(x)
    x = layers.Add(name="res2a")([shortcut, x])
    x = layers.ReLU(name="res2a_relu")(x)
    shortcut = layers.Conv2D(32, 1, strides=2, use_bias=False, name="res3a_branch1")(x)
    shortcut = layers.BatchNormalization(epsilon=1e-5, name="bn3a_branch1")(shortcut)
    x = layers.Conv2D(12, 1, strides=2, use_bias=False, name="res3a_branch2a")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn3a_branch2a")(x)
    x = layers.ReLU(name="res3a_branch2a_relu")(x)
    x = layers.Conv2D(12, 3, padding="same", use_bias=False, name="res3a_branch2b")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn3a_branch2b")(x)
    x = layers.ReLU(name="res3a_branch2b_relu")(x)
    x = layers.Conv2D(32, 1, use_bias=False, name="res3a_branch2c")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn3a_branch2c")(x)
    x = layers.Add(name="res3a")([shortcut, x])
    x = layers.ReLU(name="res3a_relu")(x)
    x = layers.AveragePooling2D(8, name="pool5")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(10, activation="softmax", name="fc10")(x)
    model = keras.Model(image, x)
    norms = [layer.name for layer in model.layers if layer.name.startswith("bn")]
    load_weights(model, __file__, scales={name: name.replace("bn", "scale") for name in norms})
    return model
