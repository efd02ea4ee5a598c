"""DeepLab's and PSPNet's Interp as a Caffe Python layer: gpapan/caffe, interp_layer.cpp and util/interp.cpp.

Bilinear, corners on corners: row y of the top lies at y * (in - 1) / (out - 1) of the bottom, which pad_beg and pad_end
(zero or less) have cut before. Where a row lies is computed in float32, as in the fork: it decides how much each
neighbour counts. The sum of the four neighbours is in float64 and rounded once.
"""

import json

import caffe
import numpy as np


class Interp(caffe.Layer):
    """The size is given, or by a factor (zoom: in + (in - 1)(z - 1), shrink: (in - 1) / s + 1), or by a second bottom."""

    def setup(self, bottom, top):
        """Sees that the size is given in one way."""
        self.about = about = json.loads(self.param_str)
        self.begin, self.end = about.get("pad_beg", 0), about.get("pad_end", 0)
        if self.begin > 0 or self.end > 0:
            raise ValueError("Interp: pad_beg and pad_end can only cut: they are zero or less")
        factors = [about[name] for name in ("shrink_factor", "zoom_factor") if name in about]
        if any(factor < 1 for factor in factors):
            raise ValueError("Interp: a factor of %d; it must be 1 or more" % min(factors))
        if not factors and not ("height" in about and "width" in about) and len(bottom) != 2:
            raise ValueError("Interp: neither zoom_factor, shrink_factor nor height and width")

    def reshape(self, bottom, top):
        """The size as one of the ways gives it."""
        shape, about = tuple(bottom[0].shape), self.about
        if len(shape) != 4:
            raise ValueError("Interp: its bottom has %d axes, not 4" % len(shape))
        inside = [edge + self.begin + self.end for edge in shape[2:]]
        if min(inside) < 1:
            raise ValueError("Interp: pad_beg and pad_end leave nothing of %dx%d" % shape[2:])
        factors = [name for name in ("shrink_factor", "zoom_factor") if name in about]
        if "height" in about and "width" in about and len(factors) != 1:  # one factor goes before a size
            size = [about["height"], about["width"]]
        elif factors:
            size = [(edge - 1) // about.get("shrink_factor", 1) + 1 for edge in inside]
            size = [edge + (edge - 1) * (about.get("zoom_factor", 1) - 1) for edge in size]
        else:
            size = list(bottom[1].shape)[2:]
        top[0].reshape(shape[0], shape[1], size[0], size[1])

    def forward(self, bottom, top):
        """Rows first, then columns."""
        height, width = bottom[0].data.shape[2:]
        data = bottom[0].data[:, :, -self.begin : height + self.end, -self.begin : width + self.end]
        if data.shape == top[0].data.shape:
            top[0].data[...] = data
            return
        for image, out in zip(data, top[0].data):
            x = image.astype(np.float64)
            for axis in (1, 2):
                low, high, part = _places(x.shape[axis], out.shape[axis])
                part = part.reshape([-1, 1] if axis == 1 else [1, -1])
                x = (1 - part) * np.take(x, low, axis) + part * np.take(x, high, axis)
            out[...] = x

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""


def _places(size_in, size_out):
    """For each place of the top: the bottom's places before and behind it, and how much of the latter."""
    ratio = np.float32(size_in - 1) / np.float32(size_out - 1) if size_out > 1 else np.float32(0)
    place = ratio * np.arange(size_out, dtype=np.float32)
    low = place.astype(np.int64)
    return low, np.minimum(low + 1, size_in - 1), (place - low.astype(np.float32)).astype(np.float64)
