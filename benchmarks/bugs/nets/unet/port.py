"""The small U-Net, its crops by Cropping2D, a deconvolution of kernel 3 with its pad cropped by hand."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((44, 44, 3))
    down1 = layers.Conv2D(8, 3, padding="same", activation="relu", name="down1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(down1)
    x = layers.Conv2D(12, 3, activation="relu", name="down2")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, name="up1")(x)
    x = layers.Cropping2D(1)(x)
    x = layers.ReLU(name="relu_u1")(x)
    skip = layers.Cropping2D(((1, 4), (3, 2)), name="crop1")(down1)
    x = layers.Concatenate(name="cat1")([skip, x])
    x = layers.Conv2DTranspose(6, 2, strides=2, name="up2")(x)
    x = layers.Dropout(0.5, name="drop2")(x)
    x = layers.Conv2D(4, 1, name="score")(x)
    x = layers.Conv2DTranspose(4, 4, strides=2, use_bias=False, name="up_score")(x)
    x = layers.Cropping2D(((19, 95), (19, 95)), name="crop2")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__)
    return model
