"""SENet's Axpy as a Caffe Python layer: hujie-frank/SENet, axpy_layer.cpp."""

import caffe
import numpy as np


class Axpy(caffe.Layer):
    """top = a * x + y; a is NxC or NxCx1x1 and counts for a whole plane of x."""

    def setup(self, bottom, top):
        """There is nothing to set up."""

    def reshape(self, bottom, top):
        """The shape of x and y."""
        a, x, y = (tuple(bottom[index].shape) for index in range(3))
        if x != y or a[:2] != x[:2] or any(edge != 1 for edge in a[2:]):
            raise ValueError("Axpy: a is %r, x %r, y %r" % (a, x, y))
        top[0].reshape(*x)

    def forward(self, bottom, top):
        """In float64, rounded once."""
        for image, out in enumerate(top[0].data):
            a, x, y = (bottom[index].data[image].astype(np.float64) for index in range(3))
            out[...] = a.reshape([-1] + [1] * (x.ndim - 1)) * x + y

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
