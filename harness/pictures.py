"""The pictures of a segmentation net: what went in, both label maps, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.data import InputSource, Picture
from harness.errors import UsageError
from harness.extras import import_pillow
from harness.layers.base import Float32

LONGEST = 480
"""Pixels of the longer side in a report."""


def label_pictures(
    reference: Float32, candidate: np.ndarray | None, palette: Sequence[tuple[int, int, int]] = ()
) -> tuple[Picture, ...]:
    """Both label maps in the palette, and where they differ.

    Args:
        reference, candidate: N, H, W, C; the candidate may be of another size, or missing. The label is the channel with
            the largest value, the first of equals.
        palette: RGB per label; the one of Pascal VOC if there is none.
    """
    if reference.ndim != 4 or reference.shape[-1] < 2 or min(reference.shape[1:3]) < 2:
        return ()
    colours = np.array(palette or voc_palette(reference.shape[-1]), np.uint8)
    ours = reference[0].argmax(axis=-1)
    pictures = [Picture("Caffe's labels", _enlarged(colours[ours % len(colours)]))]
    if candidate is None or candidate.ndim != 4:
        return tuple(pictures)
    theirs = candidate[0].argmax(axis=-1)
    pictures.append(Picture("Keras' labels", _enlarged(colours[theirs % len(colours)])))
    if theirs.shape != ours.shape:
        return tuple(pictures)
    differs = np.where(
        (ours != theirs)[..., None], np.array([214, 39, 40], np.uint8), np.array([238, 238, 238], np.uint8)
    )
    share = float((ours != theirs).mean())
    return (*pictures, Picture(f"they disagree on {share:.1%}", _enlarged(differs)))


def input_picture(blob: Float32, source: InputSource) -> Picture | None:
    """The input blob, N, C, H, W, with its mean and scale undone; None where it is no picture."""
    if blob.ndim != 4 or blob.shape[1] not in (1, 3):
        return None
    image = blob[0].transpose(1, 2, 0)
    if source.image is not None:
        mean = np.array(source.mean_bgr if blob.shape[1] == 3 else source.mean_bgr[:1], np.float32)
        image = image / (source.scale or 1.0) + mean
    else:
        low, high = float(image.min()), float(image.max())
        image = (image - low) * (255.0 / (high - low or 1.0))
    rgb = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image[:, :, ::-1]
    return Picture("input", _reduced(np.clip(np.rint(rgb), 0, 255).astype(np.uint8)))


def voc_palette(count: int) -> list[tuple[int, int, int]]:
    """Pascal VOC's colours: the bits of the label, three at a time, spread over red, green and blue from the top bit."""
    colours = []
    for label in range(count):
        red = green = blue = 0
        for bit in range(8):
            red |= ((label >> (3 * bit)) & 1) << (7 - bit)
            green |= ((label >> (3 * bit + 1)) & 1) << (7 - bit)
            blue |= ((label >> (3 * bit + 2)) & 1) << (7 - bit)
        colours.append((red, green, blue))
    return colours


def _reduced(rgb: np.ndarray) -> np.ndarray:
    step = -(-max(rgb.shape[:2]) // LONGEST)
    return np.ascontiguousarray(rgb[::step, ::step])


def _enlarged(rgb: np.ndarray) -> np.ndarray:
    factor = max(1, LONGEST // max(rgb.shape[:2]))
    return _reduced(np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1))


def tile_channels(array: np.ndarray, most: int = 64) -> np.ndarray:
    """The channels of the first image, N, C, H, W, as grey tiles side by side, each from its own least to its largest."""
    planes = array[0] if array.ndim == 4 else array.reshape(1, 1, -1)
    planes = planes[:most]
    across = int(np.ceil(np.sqrt(len(planes))))
    down = -(-len(planes) // across)
    height, width = planes.shape[1:]
    sheet = np.full((down * (height + 1) - 1, across * (width + 1) - 1), 255, np.uint8)
    for index, plane in enumerate(planes):
        low, high = float(plane.min()), float(plane.max())
        grey = np.zeros_like(plane) if high == low else (plane - low) * (255.0 / (high - low))
        row, column = divmod(index, across)
        top, left = row * (height + 1), column * (width + 1)
        sheet[top : top + height, left : left + width] = grey.astype(np.uint8)
    return sheet


def write_png(pixels: np.ndarray, path: Path) -> None:
    """Write pixels, H, W or H, W, 3, uint8, as a PNG. Raises UsageError."""
    try:
        import_pillow().fromarray(pixels).save(path, format="PNG")
    except OSError as error:
        raise UsageError(f"cannot be written: {error}", file=path) from error
