"""How pictures are made larger or smaller: by which rows a new row is made, and with which shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.diagnose.setting import Mistake, Setting, with_result

TABLE = 1024
"""Entries of TensorFlow's table of the cubic."""

Places = Callable[[int, int], np.ndarray]
"""Where each new row lies among the old ones: from the old and the new size."""


def corners_aligned(size: int, new: int) -> np.ndarray:
    """The first and the last row stay: i · (size − 1) / (new size − 1)."""
    return np.arange(new) * ((size - 1) / max(1, new - 1))


def half_pixels(size: int, new: int) -> np.ndarray:
    """The middles of the pixels are aligned: (i + ½) · size / new size − ½."""
    return (np.arange(new) + 0.5) * (size / new) - 0.5


def first_aligned(size: int, new: int) -> np.ndarray:
    """Only the first row stays: i · size / new size, TensorFlow 1's default."""
    return np.arange(new) * (size / new)


@dataclass(frozen=True)
class Resampling:
    """One way to do it."""

    name: str
    places: Places
    shares: Callable[[np.ndarray, int], np.ndarray]  # places, old size → new × old

    def matrix(self, size: int, new: int) -> np.ndarray:
        """How much of each old row every new row has: new × old."""
        return self.shares(self.places(size, new), size)


def nearest(places: np.ndarray, size: int) -> np.ndarray:
    """The row that is nearest, the second of two that are as near."""
    return np.asarray(np.eye(size)[np.clip(np.floor(places + 0.5), 0, size - 1).astype(int)])


def row_before(places: np.ndarray, size: int) -> np.ndarray:
    """The row at or before the place."""
    return np.asarray(np.eye(size)[np.clip(np.floor(places + 1e-9), 0, size - 1).astype(int)])


def linear(places: np.ndarray, size: int) -> np.ndarray:
    """The two rows around the place, each by how near it is."""
    inside = np.clip(places, 0, size - 1)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(inside[:, None] - np.arange(size))))


def cubic(places: np.ndarray, size: int) -> np.ndarray:
    """Keys' cubic with a = −½ over four rows; what falls beyond the edge is left out, the rest made one.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981; TensorFlow's resize_bicubic_op.cc
    for the edges, and for places that are rounded to 1/1024 of a row, as the cubic is looked up in a table.
    """
    far = np.abs(np.rint(places * TABLE)[:, None] / TABLE - np.arange(size))
    near = (1.5 * far - 2.5) * far * far + 1.0
    behind = ((-0.5 * far + 2.5) * far - 4.0) * far + 2.0
    shares = np.where(far <= 1, near, np.where(far < 2, behind, 0.0))
    total: np.ndarray = shares / shares.sum(axis=1, keepdims=True)
    return total


WAYS = (
    Resampling("nearest", half_pixels, nearest),
    Resampling("bilinear, half pixels", half_pixels, linear),
    Resampling("bilinear, corners aligned", corners_aligned, linear),
    Resampling("bilinear, first corner aligned", first_aligned, linear),
    Resampling("nearest, first corner aligned", first_aligned, row_before),
    Resampling("nearest, corners aligned", corners_aligned, nearest),
    Resampling("bicubic, half pixels", half_pixels, cubic),
)
"""What Keras, TensorFlow 1 and 2 and PyTorch do."""


def resampled(way: Resampling, size: tuple[int, int]) -> Mistake:
    """A picture of another size in the place of the layer's top."""

    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        x = setting.bottoms[0].astype(np.float64)
        down, across = (way.matrix(old, new) for old, new in zip(x.shape[2:], size, strict=True))
        value = np.matmul(np.matmul(down, x), across.T)
        # Float32 has the place of a row to a part in 2²⁴ of the row's number, and its shares as far off.
        largest = np.abs(x).max(axis=(2, 3), keepdims=True)
        return value, np.broadcast_to(max(x.shape[2:]) * largest, value.shape)

    return with_result(compute)
