"""MTCNN in the functional style; Keras refuses no hyphen, and the inner product on a map is a Dense behind a Flatten."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((48, 48, 3))
    x = layers.Conv2D(10, 3, name="conv1")(image)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu1")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    x = layers.Conv2D(16, 3, name="conv2")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu2")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)
    x = layers.Conv2D(16, 2, name="conv3")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu3")(x)
    scores = layers.Conv2D(6, 1, name="conv4-1")(x)
    scores = layers.Softmax(name="prob-map")(scores)
    x = layers.Flatten()(x)
    x = layers.Dense(32, name="conv4")(x)
    x = layers.PReLU(name="prelu4")(x)
    face = layers.Dense(2, name="conv5-1")(x)
    face = layers.Softmax(name="prob1")(face)
    box = layers.Dense(4, name="conv5-2")(x)
    model = keras.Model(image, [box, scores, face])
    load_weights(model, __file__, flattened={"conv4": (16, 9, 9)})
    return model
