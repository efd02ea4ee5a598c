"""SSD's Permute as a Caffe Python layer: weiliu89/caffe (ssd), permute_layer.cpp."""

import json

import caffe
import numpy as np


class Permute(caffe.Layer):
    """Top's axis i is the bottom's axis order[i]; axes that are not named follow in their own order."""

    def setup(self, bottom, top):
        """Completes the order."""
        axes = len(bottom[0].shape)
        named = json.loads(self.param_str)["order"]
        if len(set(named)) != len(named) or any(axis >= axes for axis in named):
            raise ValueError("Permute: order %r of a bottom with %d axes" % (named, axes))
        self.order = named + [axis for axis in range(axes) if axis not in named]

    def reshape(self, bottom, top):
        """The bottom's edges in the new order."""
        top[0].reshape(*[bottom[0].shape[axis] for axis in self.order])

    def forward(self, bottom, top):
        """Moves, and computes nothing."""
        top[0].data[...] = np.transpose(bottom[0].data, self.order)

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
