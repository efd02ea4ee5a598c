"""ShuffleNet's ShuffleChannel as a Caffe Python layer: farmingyard/ShuffleNet, shuffle_channel_layer.cpp."""

import json

import caffe
import numpy as np


class ShuffleChannel(caffe.Layer):
    """Channels as a table of `group` rows, read column by column: top[j * group + i] = bottom[i * (C / group) + j]."""

    def setup(self, bottom, top):
        """Reads the number of groups."""
        self.group = json.loads(self.param_str)["group"]

    def reshape(self, bottom, top):
        """The bottom's shape."""
        channels = bottom[0].shape[1]
        if self.group < 1 or channels % self.group:
            raise ValueError("ShuffleChannel: %d channels in %d groups" % (channels, self.group))
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        """Moves, and computes nothing."""
        x = bottom[0].data
        table = x.reshape(x.shape[0], self.group, x.shape[1] // self.group, -1)
        top[0].data[...] = np.swapaxes(table, 1, 2).reshape(x.shape)

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
