"""Rows for columns: a picture that is read or given with height and width exchanged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import Setting, all_of, in_bottoms, with_result
from harness.diagnose.trial import LARGEST
from harness.layout import channels_first, last_shape

REORDERED = ("InnerProduct", "Softmax")
"""Types whose pictures are flattened, so that it is the flattening's order that is wrong."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try the layer on its bottom with rows and columns exchanged, and its result so exchanged."""
    if clues.trial is None or not clues.bottoms or len(clues.bottoms[0]) != 4 or max(clues.bottoms[0][2:]) == 1:
        return
    layer = clues.pair.layer
    if layer.type in REORDERED:
        return
    turned = in_bottoms(lambda bottoms: [np.swapaxes(one, 2, 3) if one.ndim == 4 else one for one in bottoms])
    for what, mistake in (
        ("reads rows as columns", turned),
        ("gives its result with rows and columns exchanged", _result),
        ("reads rows as columns and exchanges them again behind", all_of(turned, _result)),
    ):
        yield Suspicion(
            "input.layout",
            f"Keras {what}",
            f"{layer.name}: with height and width exchanged so, its definition gives what Keras gives",
            "leave rows and columns as they are: N, H, W, C in Keras for Caffe's N, C, H, W",
            clues.place,
            mistake=mistake,
        )


def _result(setting: Setting) -> Setting:
    """The top, behind all that is fused, with rows and columns exchanged."""
    shape = setting.shape
    if len(shape) != 4 or math.prod(shape) > LARGEST:
        raise ValueError("no picture, or too large to be turned as a whole")
    exact = setting.define(setting.sites())
    value, scale = (channels_first(one.reshape(last_shape(shape))) for one in (exact.value, exact.scale))
    turned = with_result(lambda _: (np.swapaxes(value, 2, 3), np.swapaxes(scale, 2, 3)))
    return turned(replace(setting, layers=setting.layers[:1], offset=(), size=(), then=()))
