"""A port's own preprocessing that feeds something else than Caffe was fed is explained, and proven by doing it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data import InputSource
from harness.diagnose.preprocessing import explain_input

MEAN = np.array([104.0, 117.0, 123.0], np.float32)
SCALE = 0.017
RGB = np.random.default_rng(0).integers(0, 256, (11, 11, 3)).astype(np.float32)
BGR = RGB[..., ::-1]


def causes(fed: np.ndarray, own: np.ndarray, mean=(104.0, 117.0, 123.0), scale: float = 1.0):
    """Both inputs are H, W, C."""
    fed, own = (np.float32(one).transpose(2, 0, 1)[None] for one in (fed, own))
    source = InputSource(mean_bgr=mean, scale=scale)
    return explain_input(np.ascontiguousarray(fed), np.ascontiguousarray(own), source, "feed.py:load")


@pytest.mark.parametrize(
    ("own", "code", "summary"),
    [
        (RGB - MEAN, "input.channel_order", "the channels are in reverse order, the mean in Caffe's."),
        (
            RGB - MEAN[::-1],
            "input.channel_order",
            "the channels are in reverse order, and the mean with them.",
        ),
        (BGR, "input.mean", "the mean [104.0, 117.0, 123.0] is not subtracted."),
        (BGR - 2 * MEAN, "input.mean", "the mean [104.0, 117.0, 123.0] is subtracted twice."),
        (BGR + MEAN, "input.mean", "the mean [104.0, 117.0, 123.0] is added."),
        (BGR - MEAN[::-1], "input.mean", "the mean [104.0, 117.0, 123.0] is subtracted in reverse order."),
        (
            BGR - np.float32([104, 117, 124]),
            "input.mean",
            "the mean [104.0, 117.0, 124.0] is subtracted, Caffe's is [104.0, 117.0, 123.0].",
        ),
        ((BGR - MEAN) / 255, "input.scale", "the input is divided by 255."),
        ((BGR - MEAN) * 0.02, "input.scale", "the input is multiplied by 0.02, Caffe's by 1."),
        ((BGR - MEAN).swapaxes(0, 1), "input.layout", "rows and columns are swapped."),
    ],
)
def test_one_mistake(own, code, summary) -> None:
    (cause,) = causes(BGR - MEAN, own)
    assert (cause.code, cause.summary, cause.proven) == (code, summary, True)
    assert cause.evidence == "Caffe's input with this done to it is what feed.py:load gives."
    assert cause.source == "feed.py"
    assert cause.before is not None
    assert cause.after is not None
    assert cause.after < 1e-3 * cause.before


@pytest.mark.parametrize(
    ("own", "summary"),
    [
        (BGR - MEAN, "the input is not multiplied by 0.017."),
        ((BGR - MEAN) * SCALE * SCALE, "the input is multiplied by 0.017 twice."),
        (
            BGR * np.float32(SCALE) - MEAN,
            "the input is multiplied by 0.017 before the mean is subtracted, not behind.",
        ),
    ],
)
def test_the_scale(own, summary) -> None:
    (cause,) = causes((BGR - MEAN) * SCALE, own, scale=SCALE)
    assert (cause.code, cause.summary) == ("input.scale", summary)


@pytest.mark.parametrize(
    ("own", "codes"),
    [
        (RGB, {"input.channel_order", "input.mean"}),
        (BGR / 255, {"input.mean", "input.scale"}),
        ((RGB - MEAN) / 255, {"input.channel_order", "input.scale"}),
        ((RGB - MEAN[::-1]).swapaxes(0, 1), {"input.channel_order", "input.layout"}),
    ],
)
def test_two_mistakes(own, codes) -> None:
    found = causes(BGR - MEAN, own)
    assert {cause.code for cause in found} == codes
    assert all(cause.proven for cause in found)


def test_what_no_known_mistake_explains_has_no_cause() -> None:
    assert causes(BGR - MEAN, np.roll(BGR - MEAN, 1, axis=0)) == ()
    assert causes(BGR - MEAN, (BGR - MEAN)[1:]) == ()


def test_a_grey_picture_has_no_order_of_channels() -> None:
    grey = RGB[..., :1]
    (cause,) = causes(grey, grey / 255, mean=(0.0, 0.0, 0.0))
    assert cause.code == "input.scale"


def test_a_picture_whose_sides_differ_may_be_turned() -> None:
    (cause,) = causes(BGR[:7] - MEAN, (BGR[:7] - MEAN).swapaxes(0, 1))
    assert (cause.code, cause.before) == ("input.layout", None)


def test_one_factor_is_likelier_than_another_mean_for_each_channel() -> None:
    black = np.zeros_like(BGR) - MEAN
    (cause,) = causes(black, black * SCALE)
    assert (cause.code, cause.summary) == ("input.scale", "the input is multiplied by 0.017, Caffe's by 1.")
