"""SegNet's BN as a Caffe Python layer: alexgkendall/caffe-segnet, bn_layer.cpp.

LEARN normalises with the statistics of the batch it sees, at inference too; INFERENCE is scale*x + shift, the
statistics having been merged into the two blobs, each 1xCx1x1. Sums are in float64 and rounded once: the fork's
E[x^2] - E[x]^2 in float32 loses the more digits the larger a channel's mean is beside its deviation.
"""

import json

import caffe
import numpy as np

EPSILON = 1e-9


class BN(caffe.Layer):
    """Tops: the normalised blob, and if asked for the batch's mean and variance, 1xCx1x1 (LEARN only)."""

    def setup(self, bottom, top):
        """Adds the two blobs, with what constant fillers would put into them."""
        self.about = json.loads(self.param_str)
        if self.about["mode"] not in ("LEARN", "INFERENCE"):
            raise ValueError("BN: no mode %r" % self.about["mode"])
        if len(bottom[0].shape) != 4:
            raise ValueError("BN: its bottom has %d axes, not 4" % len(bottom[0].shape))
        if len(top) > 1 and self.about["mode"] != "LEARN":
            raise ValueError("BN: only LEARN has a mean and a variance for further tops")
        for index, name in enumerate(("scale", "shift")):
            self.blobs.add_blob(1, bottom[0].shape[1], 1, 1)
            self.blobs[index].data[...] = self.about[name]

    def reshape(self, bottom, top):
        """The bottom's shape; statistics have one value per channel."""
        top[0].reshape(*bottom[0].shape)
        for index in range(1, len(top)):
            top[index].reshape(1, bottom[0].shape[1], 1, 1)

    def forward(self, bottom, top):
        """scale * (x - mean) / sqrt(variance + 1e-9) + shift, or scale * x + shift."""
        data, out = bottom[0].data, top[0].data
        scale, shift = (blob.data.astype(np.float64).reshape(-1) for blob in self.blobs)
        for channel in range(data.shape[1]):  # one at a time: float64 copies of a whole blob can be gigabytes
            x = data[:, channel].astype(np.float64)
            if self.about["mode"] == "LEARN":
                mean = x.mean()
                variance = (x * x).mean() - mean * mean
                x = (x - mean) / np.sqrt(variance + EPSILON)
                for index in range(1, len(top)):
                    top[index].data[0, channel] = (mean, variance)[index - 1]
            out[:, channel] = scale[channel] * x + shift[channel]

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
