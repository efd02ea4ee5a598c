"""PSPNet's pyramid with an interpolation of its own, corners on corners, and BatchNorm and Scale of its own."""

import keras
import numpy as np  # noqa: F401
import tensorflow as tf
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


@keras.saving.register_keras_serializable("bugs")
class Interp(layers.Layer):
    """Bilinear, with the corners of both pictures on each other."""

    def __init__(self, size, **more):
        super().__init__(**more)
        self.size = size

    def call(self, x):
        return tf.raw_ops.ResizeBilinear(images=x, size=self.size, align_corners=True)


@keras.saving.register_keras_serializable("bugs")
class Norm(layers.Layer):
    """BatchNorm at inference, with the blobs as Caffe stores them."""

    def build(self, shape):
        self.mean = self.add_weight(shape=(shape[-1],), name="mean")
        self.variance = self.add_weight(shape=(shape[-1],), name="variance")
        self.factor = self.add_weight(shape=(1,), name="factor")

    def call(self, x):
        factor = 1 / self.factor
        return (x - self.mean * factor) / tf.sqrt(self.variance * factor + 1e-5)


@keras.saving.register_keras_serializable("bugs")
class Scale(layers.Layer):
    """A factor and a summand for each channel."""

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), name="beta")

    def call(self, x):
        return x * self.gamma + self.beta


def get_model():
    image = keras.Input((49, 49, 3))
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(12, 3, strides=2, use_bias=False, name="conv1")(x)
    x = Norm(name="conv1_bn")(x)
    x = Scale(name="conv1_scale")(x)
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.Conv2D(12, 3, padding="same", dilation_rate=2, activation="relu", name="conv2")(x)
    a = layers.AveragePooling2D(12, strides=13, name="pool_a")(x)
    a = layers.Conv2D(4, 1, name="pool_a_conv")(a)
    a = Interp((25, 25), name="pool_a_interp")(a)
    b = layers.AveragePooling2D(5, strides=5, name="pool_b")(x)
    b = layers.Conv2D(4, 1, name="pool_b_conv")(b)
    b = Interp((25, 25), name="pool_b_interp")(b)
    x = layers.Concatenate(name="concat")([x, a, b])
    x = layers.Conv2D(5, 1, name="conv6")(x)
    x = Interp((49, 49), name="conv6_interp")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__)
    return model
