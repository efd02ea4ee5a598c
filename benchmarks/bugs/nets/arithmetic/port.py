"""The arithmetic net with Lambda layers for what Keras has no layer for."""

import keras
import numpy as np  # noqa: F401
from keras import layers

from benchmarks.bugs.loading import change, exchanged, initial, load_weights  # noqa: F401


@keras.saving.register_keras_serializable("bugs")
class Scale(layers.Layer):
    """A factor and a summand for each channel."""

    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), name="beta")

    def call(self, x):
        return x * self.gamma + self.beta


def get_model():
    image = keras.Input((24, 24, 3))
    x = layers.Rescaling(0.02, offset=0.5, name="norm")(image)
    a = layers.Conv2D(8, 3, padding="same", name="a")(x)
    b = layers.Conv2D(8, 3, padding="same", name="b")(x)
    difference = layers.Subtract(name="difference")([a, b])
    product = layers.Multiply(name="product")([a, b])
    largest = layers.Maximum(name="largest")([a, b])
    total = layers.Add(name="sum")([difference, product, largest])
    square = layers.Lambda(lambda x: (0.25 + 0.5 * x) ** 2, name="square")(total)
    x = Scale(name="gain")(total)
    c = layers.Conv2D(8, 3, padding="same", name="c")(x)
    x = layers.Lambda(lambda pair: 0.7 * pair[0] + 0.3 * pair[1], name="mix")([c, square])
    x = layers.Lambda(lambda x: 2.0 * x - 1.0, name="bend")(x)
    score = layers.Conv2D(4, 1, name="score")(x)
    prob = layers.Activation("sigmoid", name="prob")(score)
    wide = layers.Concatenate(name="wide")([prob, score])
    tall = layers.Concatenate(axis=1, name="tall")([a, b])
    folded = layers.Reshape((4, 48, 24), name="folded")(layers.Permute((3, 1, 2))(b))
    model = keras.Model(image, [wide, tall, folded])
    load_weights(model, __file__)
    return model
