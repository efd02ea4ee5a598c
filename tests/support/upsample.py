"""SegNet's Upsample as a Python layer of Caffe's; runs in the image, with its Python."""

import re

import caffe
import numpy as np


class Upsample(caffe.Layer):
    """Every bottom element to where the mask says within its channel's plane; zeros elsewhere."""

    def setup(self, bottom, top):
        self.said = dict(re.findall(r"(\w+): (\w+)", self.param_str))

    def reshape(self, bottom, top):
        count, channels, height, width = bottom[0].data.shape
        if "upsample_h" in self.said:
            height, width = int(self.said["upsample_h"]), int(self.said["upsample_w"])
        else:
            scale = int(self.said["scale"])
            height = height * scale - (self.said.get("pad_out_h") == "true")
            width = width * scale - (self.said.get("pad_out_w") == "true")
        top[0].reshape(count, channels, height, width)

    def forward(self, bottom, top):
        planes = bottom[0].data.shape[0] * bottom[0].data.shape[1]
        out = np.zeros((planes, top[0].data[0, 0].size), np.float32)
        where = bottom[1].data.reshape(planes, -1).astype(int)
        np.put_along_axis(out, where, bottom[0].data.reshape(planes, -1), axis=1)
        top[0].data[...] = out.reshape(top[0].data.shape)

    def backward(self, top, propagate_down, bottom):
        raise NotImplementedError
