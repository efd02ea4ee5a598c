"""Scale and Bias."""

from __future__ import annotations

import numpy as np
from support.table import Entry, plain, positive


def gains(rng: np.random.Generator, shapes):
    """Numbers of both signs, the second blob smaller."""
    return [rng.normal(size=shape) * size for shape, size in zip(shapes, (1.5, 0.5), strict=False)]


def scale(id: str, shape, parameters: str = "", **more) -> Entry:
    """A Scale."""
    return plain("Scale", id, shape, f"scale_param {{ {parameters} }}", draw_blobs=gains, **more)


def bias(id: str, shape, parameters: str = "", **more) -> Entry:
    """A Bias."""
    return plain("Bias", id, shape, f"bias_param {{ {parameters} }}", draw_blobs=gains, **more)


def tiny(rng: np.random.Generator, shape) -> np.ndarray:
    """Denormal numbers, which a large scale brings back."""
    return rng.normal(size=shape) * 1e-39


BIASED = "bias_term: true"

# Where each entry's scale (or bias) lies: the first axis, and how many; for the rest it is axis 1.
PLACES = {
    "of rows": (2, 1),
    "of columns from behind": (3, 1),
    "of channels and rows": (1, 2),
    "of rows and columns": (2, 2),
    "of an image, each number": (1, 3),
    "of an image, each number, from behind": (1, 3),
    "one number": (0, 0),
    "one number, with a bias": (0, 0),
    "of the batch": (0, 1),
    "of the batch, each number": (0, 4),
    "of a batch of one": (0, 2),
    "of a sequence's end": (2, 1),
    "that cancels": (0, 4),
    "of a list": (0, 1),
    "by a second bottom, channels of each image": (0, 2),
    "by a second bottom, channels of each image, biased": (0, 2),
    "by a second bottom, each number": (0, 4),
    "by a second bottom, up to rows": (0, 3),
    "by a second bottom, images": (0, 1),
    "by a second bottom, without a batch": (1, 1),
    "by a second bottom, without a batch, channels and rows": (1, 2),
    "by a second bottom, rows": (2, 1),
    "by a second bottom, columns from behind, biased": (3, 1),
    "by a second bottom, of a vector": (0, 2),
    "by a second bottom, of a sequence": (0, 2),
}

SHARED = (
    ("of channels", (2, 5, 3, 4), ""),
    ("of a vector", (3, 6), ""),
    ("of a sequence", (2, 4, 7), ""),
    ("of a volume", (2, 3, 2, 4, 3), ""),
    ("of rows", (2, 3, 5, 4), "axis: 2"),
    ("of columns from behind", (2, 3, 5, 4), "axis: -1"),
    ("of channels and rows", (2, 3, 5, 4), "axis: 1 num_axes: 2"),
    ("of rows and columns", (2, 3, 5, 4), "axis: 2 num_axes: 2"),
    ("of an image, each number", (2, 3, 5, 4), "num_axes: -1"),
    ("of an image, each number, from behind", (2, 3, 5, 4), "axis: -3 num_axes: 3"),
    ("one number", (2, 3, 5, 4), "num_axes: 0"),
    ("of the batch", (2, 3, 5, 4), "axis: 0"),
    ("of the batch, each number", (2, 3, 2, 4), "axis: 0 num_axes: -1"),
    ("of a batch of one", (1, 3, 2, 4), "axis: 0 num_axes: 2"),
    ("of a sequence's end", (2, 4, 7), "axis: 2"),
    ("of a list", (5,), "axis: 0"),
    ("by a second bottom, channels of each image", ((2, 3, 5, 4), (2, 3)), "axis: 0"),
    ("by a second bottom, each number", ((2, 3, 5, 4), (2, 3, 5, 4)), "axis: 0"),
    ("by a second bottom, up to rows", ((2, 3, 5, 4), (2, 3, 5)), "axis: 0"),
    ("by a second bottom, images", ((3, 2, 5, 4), (3,)), "axis: 0"),
    ("by a second bottom, without a batch", ((2, 3, 5, 4), (3,)), ""),
    ("by a second bottom, without a batch, channels and rows", ((2, 3, 5, 4), (3, 5)), ""),
    ("by a second bottom, rows", ((2, 3, 5, 4), (5,)), "axis: 2"),
    ("by a second bottom, of a vector", ((2, 6), (2, 6)), "axis: 0"),
    ("by a second bottom, of a sequence", ((2, 4, 7), (2, 4)), "axis: 0"),
)

ENTRIES = (
    *(scale(*one) for one in SHARED),
    *(bias(*one) for one in SHARED),
    scale("of channels, with a bias", (2, 5, 3, 4), BIASED),
    scale("of many channels, with a bias", (1, 131, 2, 3), BIASED),
    scale("of a vector, with a bias", (3, 6), BIASED),
    scale("one number, with a bias", (2, 3, 5, 4), f"num_axes: 0 {BIASED}"),
    scale("of denormal numbers", (1, 4, 3, 5), draws=(tiny,)),
    scale("by a second bottom, channels of each image, biased", ((2, 3, 5, 4), (2, 3)), f"axis: 0 {BIASED}"),
    scale("by a second bottom, columns from behind, biased", ((2, 3, 5, 4), (4,)), f"axis: -1 {BIASED}"),
    bias("that cancels", ((1, 3, 5, 4), (1, 3, 5, 4)), "axis: 0", draws=(positive, lambda rng, s: -positive(rng, s))),
)


def tops_of(entry: Entry, blobs, bottoms):
    """One number after the other: the place that an index has in the smaller array."""
    x, (start, count) = bottoms[0], PLACES.get(entry.id.split(" ", 1)[1], (1, 1))
    learned = [one.reshape(x.shape[start : start + count]) for one in (*bottoms[1:], *blobs)]
    top = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        factors = [float(one[index[start : start + count]]) for one in learned]
        if entry.kind == "Scale":
            top[index] = float(x[index]) * factors[0] + (factors[1] if BIASED in entry.parameters else 0.0)
        else:
            top[index] = float(x[index]) + factors[0]
    return [top]
