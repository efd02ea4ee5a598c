"""SSD's Normalize as a Caffe Python layer: weiliu89/caffe (ssd), normalize_layer.cpp.

top = scale * x / sqrt(eps + sum of x^2), the sum over the channels of each position, or with across_spatial over the
whole of each image. The sum is in float64 and rounded once.
"""

import json

import caffe
import numpy as np


class Normalize(caffe.Layer):
    """One blob: the scale, a single number (channel_shared) or C of them."""

    def setup(self, bottom, top):
        """Adds the blob, with what a constant filler would put into it."""
        self.about = json.loads(self.param_str)
        if len(bottom[0].shape) < 2:
            raise ValueError("Normalize: its bottom has no channels")
        if self.about["channel_shared"]:
            self.blobs.add_blob()
        else:
            self.blobs.add_blob(bottom[0].shape[1])
        self.blobs[0].data[...] = self.about["scale"]

    def reshape(self, bottom, top):
        """The bottom's shape."""
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        """Divides by the norm, then scales."""
        data, out = bottom[0].data, top[0].data
        scale = self.blobs[0].data.astype(np.float64).reshape([-1] + [1] * (data.ndim - 2))
        for image in range(len(data)):
            x = data[image].astype(np.float64)
            norm = np.sqrt((x * x).sum(axis=None if self.about["across_spatial"] else 0) + self.about["eps"])
            out[image] = scale * (x / norm)

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
