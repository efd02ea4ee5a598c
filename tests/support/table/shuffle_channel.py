"""ShuffleChannel, which BVLC Caffe has not."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain

KIND = "ShuffleChannel"


def _entry(id: str, shape, group: int) -> Entry:
    return plain(KIND, id, shape, f"shuffle_channel_param {{ group: {group} }}", fork=True)


ENTRIES = (
    _entry("two groups", (2, 6, 3, 4), 2),
    _entry("three groups", (1, 12, 2, 3), 3),
    _entry("one group", (1, 4, 2, 3), 1),
    _entry("groups of one", (1, 4, 2, 3), 4),
    _entry("of a vector", (2, 6), 3),
    _entry("of a sequence", (2, 6, 4), 2),
)


def tops_of(entry: Entry, blobs, bottoms):
    """As ShuffleChannelLayer::Resize_cpu copies them, channel by channel."""
    (x,) = bottoms
    group = int(entry.net["layer"].parameters.shuffle_channel_param.group)
    columns = x.shape[1] // group
    top = np.zeros(x.shape)
    for i in range(group):
        for j in range(columns):
            top[:, j * group + i] = x[:, i * columns + j]
    return [top]
