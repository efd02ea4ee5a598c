"""SegNet's Upsample as a Caffe Python layer: alexgkendall/caffe-segnet, upsample_layer.cpp.

Bottoms: values, and the mask of the max pooling that they come from. Each value goes to the place that the mask names,
counted within a plane of the top; where two go to the same place the last stays; all the rest is zero.
"""

import json

import caffe
import numpy as np


class Upsample(caffe.Layer):
    """Max unpooling by mask."""

    def setup(self, bottom, top):
        """Reads the size, or the factor and whether a row or column less is wanted."""
        self.about = json.loads(self.param_str)
        exact = "upsample_h" in self.about and "upsample_w" in self.about
        if not exact and ("scale_h" in self.about) != ("scale_w" in self.about):
            raise ValueError("Upsample: scale_h and scale_w go together")
        for axis, factor in zip("hw", self._factors()):
            if exact:
                continue
            if factor < 2:
                raise ValueError("Upsample: a scale of %d; it must be 2 or more" % factor)
            if self.about.get("pad_out_" + axis) and factor != 2:
                raise ValueError("Upsample: pad_out_%s asks for a scale of 2, not %d" % (axis, factor))

    def _factors(self):
        scale = self.about.get("scale", 2)
        return self.about.get("scale_h", scale), self.about.get("scale_w", scale)

    def reshape(self, bottom, top):
        """The given size, else the bottom's times the factor, less one where pad_out says so."""
        values, mask = tuple(bottom[0].shape), tuple(bottom[1].shape)
        if len(values) != 4 or values != mask:
            raise ValueError("Upsample: values %r and mask %r are not of one shape" % (values, mask))
        if "upsample_h" in self.about and "upsample_w" in self.about:
            size = [self.about["upsample_h"], self.about["upsample_w"]]
        else:
            padded = [int(bool(self.about.get("pad_out_" + axis))) for axis in "hw"]
            size = [edge * factor - pad for edge, factor, pad in zip(values[2:], self._factors(), padded)]
        top[0].reshape(values[0], values[1], size[0], size[1])

    def forward(self, bottom, top):
        """Scatters the values; a place outside of the plane is an error."""
        planes, area = top[0].data.shape[:2], int(np.prod(top[0].data.shape[2:]))
        places = bottom[1].data.reshape(planes[0] * planes[1], -1).astype(np.int64)
        wrong = (places < 0) | (places >= area)
        if wrong.any():
            raise ValueError(
                "Upsample: the mask names place %d of a plane of %d; is the size that of the pooling's bottom?"
                % (places[wrong][0], area)
            )
        flat = (places + area * np.arange(len(places))[:, None]).reshape(-1)
        order = np.argsort(flat, kind="mergesort")  # stable: of equal places the last comes last
        last = np.append(flat[order][1:] != flat[order][:-1], True)
        out = np.zeros(planes[0] * planes[1] * area, np.float32)
        out[flat[order][last]] = bottom[0].data.reshape(-1)[order][last]
        top[0].data[...] = out.reshape(top[0].data.shape)

    def backward(self, top, propagate_down, bottom):
        """Nothing is trained here."""
