"""Why a port's own preprocessing feeds something else than Caffe was fed: order, mean, scale and layout of the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.data import Cause, InputSource
from harness.layers.base import Float32, Float64, U

ROUNDINGS = 16.0
"""Rounding errors of float32 on the way from a pixel to what is fed."""

PIXEL = 256.0
"""Above the largest number that a picture's preprocessing starts from."""


@dataclass(frozen=True)
class Feed:
    """What is fed: (pixels − mean) · scale."""

    pixels: Float64  # N, C, H, W, in the order in which Caffe takes the channels
    mean: Float64  # 1, C, 1, 1
    scale: float

    @property
    def value(self) -> Float64:
        """N, C, H, W."""
        value: Float64 = (self.pixels - self.mean) * self.scale
        return value


@dataclass(frozen=True)
class Slip:
    """One mistake of a preprocessing."""

    code: str
    summary: str
    fix: str
    make: Callable[[Feed], Feed]


def explain_input(fed: Float32, own: Float32, source: InputSource, by: str) -> tuple[Cause, ...]:
    """The one or two mistakes that turn Caffe's input into the port's, proven by doing so; empty if none do.

    Args:
        fed, own: Caffe's input and the port's, N, C, H, W.
        source: the mean and the scale that Caffe's was made with.
        by: the port's function, for the evidence.
    """
    channels = fed.shape[1]
    mean = np.array(source.mean_bgr if channels == 3 else (0.0,) * channels).reshape(1, -1, 1, 1)
    right = Feed(fed.astype(np.float64) / source.scale + mean, mean, source.scale)
    slips = list(_slips(right, own))
    before = float(np.abs(own - fed).max(initial=0.0)) if own.shape == fed.shape else None
    for several in (*combinations(slips, 1), *combinations(slips, 2)):
        feed = right
        for slip in several:
            feed = slip.make(feed)
        left = _left(feed, own)
        if left is not None:
            return tuple(
                Cause(
                    code=slip.code,
                    summary=f"{slip.summary}.",
                    evidence=f"Caffe's input with {'this' if len(several) == 1 else 'these'} done to it is what {by} gives.",
                    fix=slip.fix,
                    proven=True,
                    before=before,
                    after=left,
                    source=by.partition(":")[0],
                )
                for slip in several
            )
    return ()


def _slips(right: Feed, own: Float32) -> Iterator[Slip]:
    """What people do, likely mistakes first; only what would change anything."""
    mean, scale = right.mean, right.scale
    shown = np.round(mean.reshape(-1), 4).tolist()
    lopsided = not np.array_equal(mean, mean[:, ::-1])
    if right.pixels.shape[1] > 1:
        fix = "x = x[..., ::-1] before the mean is subtracted: Caffe is fed BGR"
        yield Slip(
            "input.channel_order", "the channels are in reverse order, the mean in Caffe's", fix, _reversed_pixels
        )
        if lopsided:
            all_of = "the channels are in reverse order, and the mean with them"
            yield Slip("input.channel_order", all_of, "x = x[..., ::-1]: Caffe is fed BGR", _reversed_all)
    if mean.any():
        fix = f"x = x - {shown}, in the order BGR, once"
        yield Slip("input.mean", f"the mean {shown} is not subtracted", fix, _with_mean(0.0))
        yield Slip("input.mean", f"the mean {shown} is subtracted twice", fix, _with_mean(2.0))
        yield Slip("input.mean", f"the mean {shown} is added", fix, _with_mean(-1.0))
        if lopsided:
            yield Slip(
                "input.mean",
                f"the mean {shown} is subtracted in reverse order",
                fix,
                lambda f: replace(f, mean=f.mean[:, ::-1]),
            )
    for factor, said in ((1 / 255, "divided by 255"), (255.0, "multiplied by 255")):
        yield Slip(
            "input.scale", f"the input is {said}", f"feed pixels from 0 to 255, times {scale:g}", _scaled(factor)
        )
    if scale != 1.0:
        fix = f"x = x * {scale:g} behind the mean, once"
        yield Slip("input.scale", f"the input is not multiplied by {scale:g}", fix, _scaled(1 / scale))
        yield Slip("input.scale", f"the input is multiplied by {scale:g} twice", fix, _scaled(scale))
        if mean.any():
            before = f"the input is multiplied by {scale:g} before the mean is subtracted, not behind"
            yield Slip("input.scale", before, fix, lambda feed: replace(feed, mean=feed.mean / scale))
    swap = "rows and columns are swapped"
    yield Slip("input.layout", swap, "feed rows first: H, W, C", lambda f: replace(f, pixels=f.pixels.swapaxes(2, 3)))
    yield from _estimated(right, own)


def _estimated(right: Feed, own: Float32) -> Iterator[Slip]:
    """Another mean or another scale than any that people are known to take, worked out from the numbers.

    One factor before a mean for each channel: of a picture that is one colour, any mean makes any other.
    """
    if own.shape != right.pixels.shape:
        return
    size = float((right.value**2).sum())
    factor = float((right.value * own).sum()) / size if size else 1.0
    if factor:
        another = f"the input is multiplied by {factor * right.scale:.6g}, Caffe's by {right.scale:.6g}"
        yield Slip("input.scale", another, f"x = x * {right.scale:.6g}", _scaled(factor))
    theirs = (right.pixels - own / right.scale).mean(axis=(0, 2, 3), keepdims=True)
    ours = np.round(right.mean.reshape(-1), 4).tolist()
    another = f"the mean {np.round(theirs.reshape(-1), 3).tolist()} is subtracted, Caffe's is {ours}"
    yield Slip("input.mean", another, f"x = x - {ours}, in the order BGR", lambda feed: replace(feed, mean=theirs))


def _reversed_pixels(feed: Feed) -> Feed:
    return replace(feed, pixels=feed.pixels[:, ::-1])


def _reversed_all(feed: Feed) -> Feed:
    return replace(feed, pixels=feed.pixels[:, ::-1], mean=feed.mean[:, ::-1])


def _with_mean(times: float) -> Callable[[Feed], Feed]:
    return lambda feed: replace(feed, mean=feed.mean * times)


def _scaled(factor: float) -> Callable[[Feed], Feed]:
    return lambda feed: replace(feed, scale=feed.scale * factor)


def _left(feed: Feed, own: Float32) -> float | None:
    """The largest difference from what the port feeds, None if rounding does not explain it."""
    if feed.pixels.shape != own.shape:
        return None
    value = feed.value
    difference = np.abs(value - own)
    bound = ROUNDINGS * U * (np.abs(value) + PIXEL * abs(feed.scale))
    return float(difference.max(initial=0.0)) if bool((difference <= bound).all()) else None
