"""The small inception net in the functional style, all activations fused, average pools padded by hand."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((62, 62, 3))
    x = layers.Conv2D(12, 3, activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    squeeze = layers.Conv2D(8, 1, activation="relu", name="fire__squeeze")(x)
    one = layers.Conv2D(12, 1, activation="relu", name="fire__expand1x1")(squeeze)
    three = layers.Conv2D(12, 3, padding="same", activation="relu", name="fire__expand3x3")(squeeze)
    x = layers.Concatenate(name="fire__concat")([one, three])
    x = layers.AveragePooling2D(3, strides=2, padding="same", name="pool3")(x)
    one = layers.Conv2D(8, 1, name="i4__1x1")(x)
    wide = layers.Conv2D(8, (1, 7), padding="same", name="i4__1x7")(x)
    pool = layers.AveragePooling2D(3, strides=1, name="i4__pool")(layers.ZeroPadding2D(1)(x))
    pool = layers.Conv2D(8, 1, name="i4__proj")(pool)
    largest = layers.MaxPooling2D(3, strides=1, padding="same", name="i4__max")(one)
    x = layers.Concatenate(name="i4__output")([one, wide, pool, largest])
    x = layers.Conv2D(10, 1, activation="relu", name="conv10")(x)
    x = layers.GlobalAveragePooling2D(name="pool10")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__)
    return model
