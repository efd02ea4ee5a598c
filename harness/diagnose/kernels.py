"""What people do to a kernel on its way from Caffe to Keras, as functions of Caffe's blob."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product
from math import prod

import numpy as np

from harness.data import Layer, Network, Shape, Top
from harness.layers import layer_type
from harness.layers.convolution import Convolution
from harness.layers.deconvolution import Deconvolution
from harness.layers.inner_product import InnerProduct

Change = Callable[[np.ndarray], np.ndarray]
"""A blob in, one of the same shape out."""


@dataclass(frozen=True)
class Mixup:
    """One thing that was done to a kernel; `bias` where the same thing may have been done to the bias, too."""

    code: str
    word: str  # for a table
    said: str  # behind "Keras' kernel is Caffe's "
    kernel: Change
    bias: Change | None = None


def mixups(layer: Layer, kernel: Shape, bottom: Shape) -> Iterator[Mixup]:
    """The ones that leave the shape as it is, likely ones first.

    Args:
        kernel: the blob's shape, in Caffe's layout.
        bottom: what the layer reads, before it was flattened.
    """
    kind = layer_type(layer)
    if isinstance(kind, InnerProduct):
        yield from _of_rows(layer, kernel, bottom)
    elif isinstance(kind, (Convolution, Deconvolution)):
        yield from _of_taps(kernel)
        yield from _of_channels(layer, kernel, bottom)


def unflattened(network: Network, top: Top, shapes: dict[Top, Shape]) -> Shape:
    """The shape that a blob had before layers that only reshape it, N, C, H, W where there is one."""
    writers = {one: layer for layer in network.layers for one in layer.tops}
    while len(shapes[top]) < 4:
        writer = writers.get(top)
        if writer is None or not (layer_type(writer).reshapes or layer_type(writer).identity) or not writer.bottoms:
            break
        top = writer.bottoms[0]
    return shapes[top]


def _of_taps(kernel: Shape) -> Iterator[Mixup]:
    sides = kernel[2:]
    if len(sides) > 1 and sides[-1] == sides[-2] > 1:
        yield Mixup(
            "weights.spatial_transpose",
            "rows and columns",
            "with rows and columns exchanged",
            lambda w: w.swapaxes(-1, -2),
        )
    yield from _flips(kernel)


def _flips(kernel: Shape) -> Iterator[Mixup]:
    long = tuple(axis for axis in range(2, len(kernel)) if kernel[axis] > 1)
    if long:
        yield Mixup("weights.flip", "flipped", "rotated by 180°", lambda w: np.flip(w, long))
    if len(long) == 2:
        rows, columns = long
        yield Mixup("weights.flip", "flipped", "turned upside down", lambda w: np.flip(w, rows))
        yield Mixup("weights.flip", "flipped", "mirrored, left for right", lambda w: np.flip(w, columns))


def _of_channels(layer: Layer, kernel: Shape, bottom: Shape) -> Iterator[Mixup]:
    kind = layer_type(layer)
    groups = (
        kind.group(layer, bottom) if isinstance(kind, Convolution) else int(layer.parameters.convolution_param.group)
    )
    if kernel[0] // groups == kernel[1] > 1:

        def exchanged(blob: np.ndarray) -> np.ndarray:
            turned: np.ndarray = blob.reshape(groups, -1, *blob.shape[1:]).swapaxes(1, 2).reshape(blob.shape)
            return turned

        yield Mixup("weights.channel_transpose", "in and out", "with input and output channels exchanged", exchanged)
    if prod(kernel[:2]) > 1 and prod(kernel[2:]) > 1:
        order = (*kernel[2:], kernel[1], kernel[0])
        axes = (len(kernel) - 1, len(kernel) - 2, *range(len(kernel) - 2))
        yield Mixup(
            "weights.channel_transpose",
            "reshaped",
            "reshaped to Keras' shape where it had to be transposed",
            lambda w: np.ascontiguousarray(w).reshape(order).transpose(axes),
        )


def _of_rows(layer: Layer, kernel: Shape, bottom: Shape) -> Iterator[Mixup]:
    transposed = bool(layer.parameters.inner_product_param.transpose)
    outputs, terms = kernel[-2:][::-1] if transposed else kernel[-2:]

    def rowwise(change: Change) -> Change:
        """A change of outputs × terms as one of the blob."""
        if transposed:
            return lambda w: change(w.reshape(terms, outputs).T).T.reshape(w.shape)
        return lambda w: change(w.reshape(outputs, terms)).reshape(w.shape)

    if outputs == terms > 1:
        yield Mixup(
            "weights.channel_transpose", "in and out", "with inputs and outputs exchanged", rowwise(lambda w: w.T)
        )
    elif min(outputs, terms) > 1:
        yield Mixup(
            "weights.channel_transpose",
            "reshaped",
            "reshaped to Keras' shape where it had to be transposed",
            rowwise(lambda w: np.ascontiguousarray(w).reshape(terms, outputs).T),
        )
    seen = bottom[1:]
    if prod(seen) == terms and sum(size > 1 for size in seen) > 1:
        for change, said in _orders(outputs, seen):
            yield Mixup("flatten.order", "flatten order", said, rowwise(change))
        for one in _flips((outputs, *seen)):  # where it is written as a convolution over all of the picture
            yield replace(one, kernel=rowwise(_as_picture(one.kernel, (outputs, *seen))))


def _as_picture(change: Change, shape: Shape) -> Change:
    """A change of outputs × channels × rows × columns as one of outputs × terms."""
    return lambda w: change(w.reshape(shape)).reshape(shape[0], -1)


def _orders(outputs: int, seen: Shape) -> Iterator[tuple[Change, str]]:
    """Outputs × terms where the bottom is flattened in one order and the kernel's terms are in another.

    Args:
        seen: the bottom's shape without the batch.
    """
    names = (
        ("channels", "rows", "columns") if len(seen) == 3 else tuple(f"axis {1 + axis}" for axis in range(len(seen)))
    )
    ours = ", ".join(names)
    last = (*range(1, len(seen)), 0)
    told = set()
    for order in [last, *permutations(range(len(seen)))] if len(seen) <= 3 else [last]:
        long = tuple(axis for axis in order if seen[axis] > 1)
        if long == tuple(sorted(long)) or long in told:
            continue
        told.add(long)
        theirs = ", ".join(names[axis] for axis in order)
        yield _flattened(outputs, seen, order), f"in the order {ours}, where Keras flattens {theirs}"
        if order == last:
            yield _put(outputs, seen, order), f"put in the order {theirs}, where Keras flattens {ours}"


def reordering(order: np.ndarray, seen: Shape) -> str | None:
    """How a picture's axes were taken apart and put together, where that gives an order of terms; None where it does not.

    Args:
        order: which of Caffe's terms stands in the place of each.
        seen: channels, rows, columns of what is flattened.
    """
    if prod(seen) != len(order) or len(seen) != 3 or sum(size > 1 for size in seen) < 2:
        return None
    names, terms = ("channels", "rows", "columns"), np.arange(len(order))
    axes = list(permutations(range(3)))
    for read in [(1, 2, 0), *axes]:
        rows = terms.reshape([seen[axis] for axis in read]).transpose(np.argsort(read)).reshape(-1)
        put = np.empty_like(order)
        put[rows] = order  # which of Caffe's terms is in each row of Keras' kernel
        for taken, turned in product(axes, axes):
            shape = tuple(seen[axis] for axis in taken)
            if np.array_equal(terms.reshape(shape).transpose(turned).reshape(-1), put):
                theirs = ", ".join(names[axis] for axis in read)
                return f"with its terms reshaped to {shape} and transposed by {turned}, where Keras flattens {theirs}"
    return None


def _flattened(outputs: int, seen: Shape, order: tuple[int, ...]) -> Change:
    """Term i meets what lies at i once the bottom is flattened in another order."""
    back = np.argsort(order)
    return lambda w: w.reshape(outputs, *(seen[axis] for axis in order)).transpose(0, *(1 + back)).reshape(outputs, -1)


def _put(outputs: int, seen: Shape, order: tuple[int, ...]) -> Change:
    """The terms in another order, though the bottom is flattened in Caffe's."""
    return lambda w: w.reshape(outputs, *seen).transpose(0, *(1 + axis for axis in order)).reshape(outputs, -1)
