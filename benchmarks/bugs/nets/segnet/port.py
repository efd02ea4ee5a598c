"""The small SegNet with TensorFlow's pooling that says where its maxima were, and a scatter to put them back."""

import keras
import tensorflow as tf
from keras import layers

from benchmarks.bugs.loading import load_weights


@keras.saving.register_keras_serializable("bugs")
class MaxPoolingWithMask(layers.Layer):
    """Windows of 2; the mask counts places within a plane, as Caffe's does."""

    def call(self, x):
        pooled, places = tf.nn.max_pool_with_argmax(x, 2, 2, "SAME")
        return pooled, tf.cast(places // x.shape[-1], x.dtype)


@keras.saving.register_keras_serializable("bugs")
class Unpooling(layers.Layer):
    """Each value at the place that the mask names in a plane of `size`, zeros elsewhere; for one picture."""

    def __init__(self, size, **more):
        super().__init__(**more)
        self.size = size

    def call(self, pair):
        x, mask = pair
        (height, width), channels = self.size, x.shape[-1]
        places = tf.cast(mask, tf.int32) + tf.range(channels) * (height * width)
        planes = tf.scatter_nd(tf.reshape(places, (-1, 1)), tf.reshape(x, (-1,)), (channels * height * width,))
        return tf.transpose(tf.reshape(planes, (1, channels, height, width)), (0, 2, 3, 1))


def get_model():
    image = keras.Input((32, 40, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1")(image)
    x, mask1 = MaxPoolingWithMask(name="pool1")(x)
    x = layers.Conv2D(12, 3, padding="same", name="conv2")(x)
    x, mask2 = MaxPoolingWithMask(name="pool2")(x)
    x = Unpooling((16, 20), name="upsample2")([x, mask2])
    x = layers.Conv2D(8, 3, padding="same", name="conv_decode2")(x)
    x = Unpooling((32, 40), name="upsample1")([x, mask1])
    x = layers.Conv2D(4, 3, padding="same", name="conv_decode1")(x)
    x = layers.Softmax(name="prob")(x)
    model = keras.Model(image, x)
    load_weights(model, __file__)
    return model
