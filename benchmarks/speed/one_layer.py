"""One layer, the reference being kept, against importing TensorFlow and running the layer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from benchmarks.speed.timing import Row, against, harness, in_turn, python, row

LAYER = "conv5_3"

BARE = """
import sys
import numpy as np
import tensorflow
import keras
size = int(sys.argv[1])
layer = keras.layers.Conv2D(512, 3, dilation_rate=2, activation="relu")
layer(np.random.default_rng(0).standard_normal((1, size, size, 512), np.float32))
"""


def measure(*, quick: bool) -> Iterator[Row]:
    """A layer in the middle of dilation8, of which all but its neighbourhood need not be computed."""
    size = 437 if quick else 900
    case = f"dilation8_pascal_voc@{size}x{size}"
    with tempfile.TemporaryDirectory() as folder:
        ours = ["compare", case, "--layer", LAYER, "--quiet", "--out", folder]
        harness(*ours)  # the reference is recorded
        jobs = {"bare": lambda: python(BARE, size // 8), "ours": lambda: harness(*ours)}
        costs = in_turn(1 if quick else 5, jobs)
    yield row("import TensorFlow and Keras, run the layer", costs["bare"])
    yield row(f"harness compare {case} --layer {LAYER}", costs["ours"], against(costs["ours"], costs["bare"]), "≤ 1.3×")
