"""Where SegNet's Upsample puts the numbers back: at the places of the mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.resampling import WAYS
from harness.diagnose.setting import Setting, in_bottoms, with_result

Unpooled = Callable[[np.ndarray, np.ndarray, tuple[int, int]], np.ndarray]
"""Numbers and places, N, C, H, W, and the size of the top → the top."""


def corner(row: int, column: int) -> Unpooled:
    """Every number at the same place of its window; −1 is the last row or column."""

    def unpool(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        top = np.zeros((*x.shape[:2], *size))
        steps = [-(-new // old) for new, old in zip(size, x.shape[2:], strict=True)]
        rows, columns = (
            np.arange(old) * step + at % step for old, step, at in zip(x.shape[2:], steps, (row, column), strict=True)
        )
        fit_r, fit_c = rows < size[0], columns < size[1]
        top[:, :, rows[fit_r][:, None], columns[fit_c]] = x[:, :, fit_r][:, :, :, fit_c]
        return top

    return unpool


def by_columns(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask read as if it counted down the columns."""
    turned = _scattered(x, places, (size[1], size[0]))
    return np.swapaxes(turned, 2, 3)


def of_other_width(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask's rows and columns taken apart by the bottom's width in the place of the top's."""
    rows, columns = np.divmod(places, x.shape[3])
    return _scattered(x, np.minimum(rows, size[0] - 1) * size[1] + np.minimum(columns, size[1] - 1), size)


def with_channels(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask read as TensorFlow's argmax, which counts the channels, too: (row · width + column) · channels + channel."""
    return _scattered(x, places // x.shape[1], size)


def resized(index: int) -> Unpooled:
    """The picture made larger, every place filled."""

    def unpool(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        down, across = (WAYS[index].matrix(old, new) for old, new in zip(x.shape[2:], size, strict=True))
        top: np.ndarray = np.matmul(np.matmul(down, x), across.T)
        return top

    return unpool


HOW: tuple[tuple[str, Unpooled], ...] = (
    ("puts every number at the top left of its window", corner(0, 0)),
    ("repeats every number over its window", resized(0)),
    ("interpolates between the numbers", resized(1)),
    ("puts every number at the bottom right of its window", corner(-1, -1)),
    ("puts every number at the top right of its window", corner(0, -1)),
    ("puts every number at the bottom left of its window", corner(-1, 0)),
    ("takes the mask's rows for columns", by_columns),
    ("reads the mask by the width of the smaller picture", of_other_width),
    ("reads the mask as if it counted channels, too", with_channels),
)

FIX = "harness.keras_layers.Unpooling of the numbers and the mask"


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try other places."""
    layer = clues.pair.layer
    if layer.type != "Upsample" or clues.trial is None or clues.trial.candidate is None:
        return
    made = clues.trial.candidate
    if made.ndim != 4:
        return
    size = (int(made.shape[2]), int(made.shape[3]))
    for how, unpool in HOW:
        yield Suspicion(
            "unpooling.mask",
            f"Keras {how}, Caffe where the mask says",
            f"{layer.name} reads the mask {layer.bottoms[1].blob}; without it, or read so, it gives what Keras gives",
            FIX,
            clues.place,
            mistake=with_result(_applied(unpool, size)),
        )
    yield from _elsewhere(clues, made)


def _elsewhere(clues: Clues, made: np.ndarray) -> Iterator[Suspicion]:
    """Any other mask: the one by which Keras has put a channel's numbers where they are."""
    ours = clues.trial.reference if clues.trial is not None else None
    if clues.trial is None or ours is None or ours.shape != made.shape:
        return
    x = clues.trial.setting.bottoms[0]
    places = _places(x, made)
    moved = np.argwhere(made != ours)
    if places is None or not len(moved):
        return
    layer, at = clues.pair.layer, tuple(int(one) for one in moved[0])
    yield Suspicion(
        "unpooling.mask",
        f"Keras puts the numbers of each channel at other places than the mask says: {len(moved):,} of {made.size:,} differ",
        f"each channel of {layer.name} holds the numbers that it holds in Caffe; at {list(at)}, counted as N, C, H, W, "
        f"it has {made[at]:.6g}, by the mask {layer.bottoms[1].blob} {ours[at]:.6g}",
        FIX,
        clues.place,
        mistake=in_bottoms(lambda bottoms: [bottoms[0], places]),
    )


def _places(x: np.ndarray, top: np.ndarray) -> np.ndarray | None:
    """The mask by which a top was made of these numbers; None if it holds others. All N, C, H, W."""
    planes = x.shape[0] * x.shape[1]
    places = np.zeros((planes, x.shape[2] * x.shape[3]), np.int64)
    for numbers, plane, found in zip(x.reshape(planes, -1), top.reshape(planes, -1), places, strict=True):
        filled, empty = np.flatnonzero(plane), np.flatnonzero(plane == 0)
        put, zeros = np.flatnonzero(numbers), np.flatnonzero(numbers == 0)
        put, filled = put[np.argsort(numbers[put])], filled[np.argsort(plane[filled])]
        if len(zeros) > len(empty) or not np.array_equal(numbers[put], plane[filled]):
            return None
        found[put], found[zeros] = filled, empty[: len(zeros)]
    return places.reshape(x.shape)


def _applied(unpool: Unpooled, size: tuple[int, int]) -> Callable[[Setting], tuple[np.ndarray, np.ndarray]]:
    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        x, places = setting.bottoms[0].astype(np.float64), setting.bottoms[1].astype(np.int64)
        value = unpool(x, places, size)
        return value, np.full(value.shape, float(np.abs(x).max(initial=0.0)))

    return compute


def _scattered(x: np.ndarray, places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    planes = x.shape[0] * x.shape[1]
    top = np.zeros((planes, size[0] * size[1]))
    top[np.arange(planes)[:, None], places.reshape(planes, -1)] = x.reshape(planes, -1)
    return top.reshape(*x.shape[:2], *size)
