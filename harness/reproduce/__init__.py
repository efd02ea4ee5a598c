"""The smallest thing to send to someone: one layer cut out of both nets, its arrays, and a pytest that fails.

`one_layer` cuts the Caffe net, `harness.engines.keras.extract` the Keras model; `held` says how Keras holds each array;
`layer_test` and `readme` write down what was found, and `reproducer` puts it all into a folder, which is a case of its own.
"""

from harness.reproduce.reproducer import reproduce
from harness.reproduce.writer import Reproducer

__all__ = ["Reproducer", "reproduce"]
