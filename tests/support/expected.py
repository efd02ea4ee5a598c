"""What a layer of the table gives by the plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from support import loops
from support.layer_table import Entry, Sliding


def top_of(entry: Entry, blobs: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """The top in float64, N, C, H, W."""
    w, b = (*blobs, None, None)[:2]
    message = entry.net["layer"].parameters
    if isinstance(entry, Sliding):
        if entry.kind == "Pooling":
            window = (entry.kernel, entry.stride, entry.pad)
            return loops.pooling(x, *window, average=entry.average, floor=entry.floor)
        slide = loops.convolution if entry.kind == "Convolution" else loops.deconvolution
        return slide(x, w, b, entry.stride, entry.pad, entry.dilation, entry.group)
    if entry.kind == "Pooling":
        average = message.pooling_param.pool == 1
        return loops.pooling(x, (x.shape[2], x.shape[3]), (1, 1), (0, 0), average=average)
    if entry.kind == "InnerProduct":
        return loops.inner_product(x, w, b, transpose=message.inner_product_param.transpose)
    if entry.kind == "ReLU":
        return loops.relu(x, float(message.relu_param.negative_slope))
    assert entry.kind == "Softmax"
    return loops.softmax(x)
