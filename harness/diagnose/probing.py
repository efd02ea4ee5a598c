"""A kernel and a bias read off from what Keras gives for single pixels: where no variable says what they are.

Each item of the probe has one number other than zero. Caffe's definition with a numbered kernel tells which of the kernel's
numbers each element of the top then is; of the bias it is the rest.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from harness.data import Layer, Shape
from harness.diagnose.clues import Clues
from harness.diagnose.learned import KERNELS, Learned
from harness.diagnose.trial import Trial
from harness.errors import CandidateError, HarnessError
from harness.layers import layer_type
from harness.layers.base import Blobs
from harness.layers.inner_product import InnerProduct
from harness.layout import channels_last, last_shape

LARGEST = 500_000_000
"""Multiplications that a probe may cost: a few seconds."""

MANY = 1 << 22
"""Numbers that a probe may have."""

LOUD = 2.0**20
"""A probe's number: far above a bias over a weight, so that a ReLU behind it only hides weights below zero."""


def probe(clues: Clues) -> Learned | None:
    """The kernel, in Caffe's layout, and the bias; None where a layer is too large, not linear, or cannot be run so."""
    trial, blobs = clues.trial, clues.blobs
    kinds = [layer.type for layer in clues.pair.caffe[1:]]
    if (
        trial is None
        or not trial.wide
        or not isinstance(layer_type(clues.pair.layer), KERNELS)
        or len(clues.bottoms) > 1
    ):
        return None
    if not set(kinds) <= {"ReLU", "Bias"} or any(
        layer.parameters.relu_param.negative_slope for layer in clues.pair.caffe[1:] if layer.type == "ReLU"
    ):
        return None
    try:
        return _read(trial, blobs, clues.pair.layer, clues.bottoms[0])
    except (HarnessError, CandidateError, ValueError):
        return None


def _read(trial: Trial, blobs: Blobs, layer: Layer, bottom: Shape) -> Learned | None:
    single = _single_pixels(layer, bottom)
    numbered: Any = np.arange(1.0, blobs[0].size + 1).reshape(blobs[0].shape)
    alone: dict[str, Blobs] = {layer.name: (numbered, *(np.zeros_like(blob) for blob in blobs[1:]))}
    setting = replace(trial.setting, layers=(layer,), blobs=alone, bottoms=(single,))
    if layer_type(layer).macs(layer, [single.shape], [setting.shape]) > LARGEST:
        return None
    places = np.rint(setting.define(setting.sites()).value).astype(np.int64)
    still, loud, louder, low, lower = (
        _given(trial, by * single, setting.shape) for by in (0.0, LOUD, 2 * LOUD, -LOUD, -2 * LOUD)
    )
    # Behind a ReLU one of the two is zero; without one both are the weight.
    with np.errstate(invalid="ignore"):  # of what is too loud for fewer digits
        above, below = (np.float32(one / LOUD).astype(np.float64) for one in (louder - loud, low - lower))
    kernel = np.full(blobs[0].size + 1, np.nan, np.float32)
    kernel[places] = np.where(np.abs(above) >= np.abs(below), above, below)
    if np.isnan(kernel[1:]).any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a channel without any weight
        beside = np.nanmedian(
            np.where(above != 0, loud - LOUD * above, np.where(below != 0, low + LOUD * below, np.nan)), axis=0
        )
    bias = np.where(still.any(axis=0), still.max(axis=0), np.nan_to_num(beside))
    return Learned(kernel[1:].reshape(blobs[0].shape), bias.astype(np.float32))


def _given(trial: Trial, bottom: np.ndarray, shape: Shape) -> np.ndarray:
    """What Keras gives for a bottom: sites × channels. Raises ValueError where that has another shape."""
    (top,) = trial.bottoms
    made = trial.rerun({top: channels_last(bottom)}, last_shape(shape), {}, {}, True)
    if made.shape != last_shape(shape):
        raise ValueError("the probe's top has another shape than Caffe's")
    return made.reshape(-1, made.shape[-1])


def _single_pixels(layer: Layer, bottom: Shape) -> np.ndarray:
    """As many items as it takes for every number of the kernel to be met, each with one pixel that is 1; N, C, H, W."""
    if isinstance(layer_type(layer), InnerProduct):
        terms = prod(bottom[1:])
        if terms * terms > MANY:
            raise ValueError(f"{terms} terms are too many to be probed one by one")
        return np.eye(terms).reshape(terms, *bottom[1:])
    extent, stride = layer_type(layer).reach(layer)
    extent, stride = ((*sides, *sides * len(bottom))[: len(bottom) - 2] for sides in (extent, stride))
    sizes = [2 * reach + step for reach, step in zip(extent, stride, strict=True)]
    phases = list(product(*(range(step) for step in stride)))
    if prod((len(phases), bottom[1], bottom[1], *sizes)) > MANY:
        raise ValueError("the probe would be too large")
    single = np.zeros((len(phases), bottom[1], bottom[1], *sizes))
    for number, phase in enumerate(phases):
        at = tuple(size // 2 - step + one for size, step, one in zip(sizes, stride, phase, strict=True))
        channels = np.arange(bottom[1])
        places: tuple[Any, ...] = (number, channels, channels, *at)
        single[places] = 1.0
    return single.reshape(-1, *single.shape[2:])
