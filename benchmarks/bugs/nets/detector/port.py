"""The detector with layers of its own for activations, heads reshaped as SSD ports do, and a flatten in Caffe's order."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((48, 48, 3))
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(12, 3, strides=2, use_bias=False, name="conv1")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn1")(x)
    x = layers.LeakyReLU(negative_slope=0.1, name="relu1")(x)
    x = layers.MaxPooling2D(2, strides=2, name="pool1")(x)
    x = layers.Conv2D(16, 3, padding="same", name="conv2")(x)
    x = layers.ELU(alpha=0.5, name="elu2")(x)
    x = layers.Conv2D(16, 3, padding="same", name="conv3")(x)
    x = layers.Activation("tanh", name="tanh3")(x)
    x = layers.Conv2D(16, 3, padding="same", name="conv4")(x)
    x = layers.LeakyReLU(negative_slope=0.01, name="relu4")(x)
    classes = layers.Conv2D(12, 3, padding="same", name="conf")(x)
    classes = layers.Reshape((-1, 3), name="conf_reshape")(classes)
    classes = layers.Softmax(axis=-1, name="conf_softmax")(classes)
    boxes = layers.Conv2D(16, 3, padding="same", name="loc")(x)
    boxes = layers.Flatten(name="loc_flat")(boxes)
    extra = layers.Conv2D(8, 1, name="extra")(x)
    extra = layers.Permute((3, 1, 2))(extra)
    extra = layers.Flatten(name="extra_flat")(extra)
    extra = layers.Dense(6, name="scores")(extra)
    model = keras.Model(image, [classes, boxes, extra])
    load_weights(model, __file__, scales={"bn1": "scale1"})
    return model
