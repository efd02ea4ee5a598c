"""The small DilatedNet in the functional style, its activations by themselves and all names of its own."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401

NAMES = {
    "one_a": "conv1_1",
    "one_b": "conv1_2",
    "two_a": "conv2_1",
    "two_b": "conv2_2",
    "five_a": "conv5_1",
    "five_b": "conv5_2",
    "scores": "final",
    "context_a": "ct_conv1_1",
    "context_b": "ct_conv2_1",
    "context_c": "ct_conv3_1",
    "labels": "ct_final",
    "bilinear": "upsample",
}


def get_model():
    image = keras.Input((61, 61, 3))
    x = layers.ReLU()(layers.Conv2D(8, 3, name="one_a")(image))
    x = layers.ReLU()(layers.Conv2D(8, 3, name="one_b")(x))
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.ReLU()(layers.Conv2D(16, 3, name="two_a")(x))
    x = layers.ReLU()(layers.Conv2D(16, 3, name="two_b")(x))
    x = layers.ReLU()(layers.Conv2D(16, 3, dilation_rate=2, name="five_a")(x))
    x = layers.ReLU()(layers.Conv2D(16, 3, dilation_rate=2, name="five_b")(x))
    x = layers.Conv2D(5, 1, name="scores")(x)
    x = layers.ReLU()(layers.Conv2D(10, 3, name="context_a")(layers.ZeroPadding2D(7)(x)))
    x = layers.ReLU()(layers.Conv2D(10, 3, dilation_rate=2, name="context_b")(x))
    x = layers.ReLU()(layers.Conv2D(10, 3, dilation_rate=4, name="context_c")(x))
    x = layers.Conv2D(5, 1, name="labels")(x)
    x = layers.Conv2DTranspose(5, 4, strides=2, padding="same", use_bias=False, name="bilinear")(x)
    x = layers.Softmax(name="probabilities")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__, names=NAMES)
    return model
