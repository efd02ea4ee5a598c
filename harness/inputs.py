"""What is fed to the net: a photograph with the net's preprocessing, an array, or numbers from a seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from harness.convert.synthetic import synthetic_input, synthetic_numbers
from harness.data import Case, InputSource, Network, Shape, Top
from harness.errors import CaseError, FormatError, UsageError
from harness.extras import import_pillow
from harness.layers import layer_type
from harness.layers.base import Float32
from harness.layers.folding import read_tops
from harness.layers.shapes import infer_shapes


def input_shapes(case: Case, declared: Mapping[Top, Shape]) -> dict[str, Shape]:
    """The shapes of the net's inputs, with the case's size in place of the prototxt's: blob → N, C, H, W.

    Raises:
        UsageError: a size was given for a net whose input has no height and width.
    """
    shapes = {}
    for top, shape in declared.items():
        if case.input.size is not None:
            if len(shape) != 4:
                raise UsageError(f"input {top.blob!r} has the shape {shape}: no height and width to set")
            shape = (*shape[: 4 - len(case.input.size)], *case.input.size)
        shapes[top.blob] = shape
    return shapes


def make_inputs(case: Case, network: Network) -> dict[str, Float32]:
    """The input blobs, float32, N, C, H, W.

    Raises:
        FormatError: a picture or an array that cannot be read or does not fit.
        CaseError: the case gives arrays for other inputs than the net has.
    """
    source = case.input
    inputs = {}
    if isinstance(source.array, Mapping):
        _check_array_names(case, source.array, network)
    counts = {} if source.image is not None or source.array is not None else _whole_numbers(network)
    for index, (top, shape) in enumerate(network.inputs.items()):
        if source.image is not None:
            inputs[top.blob] = _from_image(source, shape)
        elif source.array is not None:
            file = source.array[top.blob] if isinstance(source.array, Mapping) else source.array
            inputs[top.blob] = _from_array(file, shape)
        elif top in counts:
            inputs[top.blob] = synthetic_numbers(shape, (source.seed or 0) + index, counts[top])
        else:
            inputs[top.blob] = synthetic_input(shape, (source.seed or 0) + index)
    return inputs


def _check_array_names(case: Case, arrays: Collection[str], network: Network) -> None:
    blobs = {top.blob for top in network.inputs}
    if blobs != set(arrays):
        raise CaseError(
            f"[input] array gives {', '.join(sorted(arrays))}; the net's inputs are {', '.join(sorted(blobs))}",
            file=case.file,
            fix="give each input an array, under its name",
        )


def _whole_numbers(network: Network) -> dict[Top, int]:
    """The inputs that hold whole numbers, as the rows of an Embed do: how many there are."""
    shapes, reads = infer_shapes(network), read_tops(network)
    counts: dict[Top, int] = {}
    for layer in network.layers:
        bottoms = [shapes[bottom] for bottom in layer.bottoms]
        for position, top in enumerate(reads[layer.name]):
            count = layer_type(layer).whole_numbers(layer, position, bottoms)
            if count is not None and top in network.inputs:
                counts[top] = min(count, counts.get(top, count))
    return counts


def describe(case: Case) -> str:
    """`cat.png`, `x.npy`, `a.npy, b.npy` or `seed 0`."""
    source = case.input
    if isinstance(source.array, Mapping):
        return ", ".join(file.name for file in source.array.values())
    file = source.image or source.array
    return file.name if file is not None else f"seed {source.seed or 0}"


def read_picture(path: Path) -> np.ndarray:
    """A picture as RGB, uint8, H, W, 3. Raises FormatError."""
    image = import_pillow()
    try:
        with image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, image.DecompressionBombError) as error:
        raise FormatError(f"is not a picture that can be read: {error}", file=path) from error


def fit_picture(picture: np.ndarray, source: InputSource, size: tuple[int, int]) -> np.ndarray:
    """A picture, H, W, C, brought to the net's size as DilatedNet's authors do it.

    The margin is mirrored on all four sides (the edge itself is not repeated). What is then larger than the net's input
    is cut at the centre, which is one of the tiles the authors would cut; what is smaller is mirrored on to the right
    and to the bottom.
    """
    margin = source.margin
    out = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    for axis, want in enumerate(size):
        have = out.shape[axis]
        if have > want:
            start = (have - want) // 2
            out = np.take(out, range(start, start + want), axis=axis)
        elif have < want:
            pad = [(0, 0)] * 3
            pad[axis] = (0, want - have)
            out = np.pad(out, pad, mode="reflect")
    return out


def _from_image(source: InputSource, shape: Shape) -> Float32:
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise CaseError(
            f"a picture cannot be fed to an input of shape {shape}", fix='give [input] array = "x.npy" or a seed'
        )
    assert source.image is not None
    bgr = read_picture(source.image)[:, :, ::-1].astype(np.float32)
    if shape[1] == 1:
        bgr = bgr.mean(axis=2, keepdims=True, dtype=np.float32)
        blob = fit_picture(bgr - np.float32(source.mean_bgr[0]), source, (shape[2], shape[3]))
    else:
        blob = fit_picture(bgr - np.array(source.mean_bgr, np.float32), source, (shape[2], shape[3]))
    blob *= np.float32(source.scale)
    return np.ascontiguousarray(np.broadcast_to(blob.transpose(2, 0, 1), shape))


def _from_array(path: Path, shape: Shape) -> Float32:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(f"is not an array that can be read: {error}", file=path) from error
    if array.shape != shape:
        raise FormatError(
            f"has the shape {array.shape}, the net takes {shape}", file=path, fix="N, C, H, W as Caffe has it"
        )
    return np.ascontiguousarray(array, np.float32)
