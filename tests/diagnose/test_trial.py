"""Where an explanation is tried."""

from __future__ import annotations

import numpy as np
from support import nets

from harness.data import Pair
from harness.diagnose.trial import EDGE, SITES, Trial
from harness.layout import channels_last


def test_a_large_layer_is_tried_on_all_its_borders_and_on_every_column() -> None:
    net = nets.single("Convolution", (1, 1, 128, 256), "convolution_param { num_output: 1 kernel_size: 1 }")
    layer = net["layer"]
    pair = Pair((layer,), ("layer",), layer.bottoms, (), (), "same name", "layer")
    bottoms = {top: channels_last(array) for top, array in nets.random_inputs(net).items()}
    trial = Trial(pair, nets.random_blobs(net), bottoms, lambda *_: bottoms[layer.bottoms[0]])
    sites = trial._sites(trial.setting)
    assert len(sites) <= 2 * SITES < 128 * 256
    tried = np.zeros((128, 256), bool)
    tried[tuple(sites[:, 1:].T)] = True
    inner = tried.copy()
    inner[EDGE:-EDGE, EDGE:-EDGE] = True
    assert inner.all()
    assert tried[EDGE:-EDGE].any(axis=0).all()
