"""The small MobileNet, a nested model for each block, a slash of Caffe written as two underscores."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


def get_model():
    image = keras.Input((64, 64, 3))
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="conv1")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="conv1__bn")(x)
    x = layers.ReLU(name="relu1")(x)
    x = block((32, 32, 8), "2_1", 16, 1, 1e-5)(x)
    x = block((32, 32, 16), "2_2", 24, 2, 1e-5)(x)
    x = block((16, 16, 24), "6", 32, 2, 1e-4)(x)
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool6")(x)
    x = layers.Conv2D(10, 1, name="fc7")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    norms = ["conv1", "conv2_1__dw", "conv2_1__sep", "conv2_2__dw", "conv2_2__sep", "conv6__dw", "conv6__sep"]
    load_weights(model, __file__, scales={f"{name}__bn": f"{name.replace('__', '/')}/scale" for name in norms})
    return model


def block(shape, tag, filters, stride, epsilon):
    """A depthwise convolution and a pointwise one, each with its BatchNorm and rectifier."""
    entry = keras.Input(shape)
    x = layers.ZeroPadding2D(1)(entry)
    x = layers.DepthwiseConv2D(3, strides=stride, use_bias=False, name=f"conv{tag}__dw")(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"conv{tag}__dw__bn")(x)
    x = layers.ReLU(name=f"relu{tag}__dw")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"conv{tag}__sep")(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"conv{tag}__sep__bn")(x)
    x = layers.ReLU(name=f"relu{tag}__sep")(x)
    return keras.Model(entry, x, name=f"block{tag}")
