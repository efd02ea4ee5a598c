"""What layer types over axes have in common: Caffe's way of counting axes, blobs and sizes, and reshaping in any order."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, groupby
from math import prod
from operator import mul

from harness.data import Layer, Order, Shape
from harness.errors import UnsupportedError
from harness.layout import Held, caffe_order, last_order


def canonical_axis(layer: Layer, axis: int, rank: int, name: str = "axis") -> int:
    """An axis counted from the front; a negative one counts from behind, as in Caffe's `Blob::CanonicalAxisIndex`.

    Raises:
        UnsupportedError: the bottom has no such axis.
    """
    if not -rank <= axis < rank:
        raise UnsupportedError(
            f"{name} {axis} of a blob of {rank} axes",
            layer=layer.name,
            line=layer.line,
            fix=f"give {name} as {-rank} to {rank - 1}" if rank else "the blob is a single number",
        )
    return axis % rank


def check_blobs(layer: Layer, *, bottoms: int | None = None, at_least: int = 0, tops: int | None = 1) -> None:
    """Make sure of the number of bottoms and tops, as Caffe's `Layer::CheckBlobCounts` does.

    Args:
        bottoms: how many there must be, if it must be so many.
        at_least: how many bottoms there must be at least.
        tops: how many there must be; None for any number.

    Raises:
        UnsupportedError: there are more or less.
    """
    wanted = [
        (bottoms is not None and len(layer.bottoms) != bottoms, "bottom", len(layer.bottoms), f"{bottoms}"),
        (len(layer.bottoms) < at_least, "bottom", len(layer.bottoms), f"{at_least} or more"),
        (tops is not None and len(layer.tops) != tops, "top", len(layer.tops), f"{tops}"),
    ]
    for wrong, kind, found, should in wanted:
        if wrong:
            raise UnsupportedError(
                f"{found} {kind}{'s' * (found != 1)} where {layer.type} takes {should}",
                layer=layer.name,
                line=layer.line,
                fix=f"give it {should} {kind}{'s' * (should != '1')}",
            )


def check_not_in_place(layer: Layer) -> None:
    """Refuse a layer that writes over its bottom where Caffe refuses it, or loses what it has to read.

    Raises:
        UnsupportedError: it does.
    """
    if layer.in_place:
        raise UnsupportedError(
            f"{layer.type} cannot write over its bottom",
            layer=layer.name,
            line=layer.line,
            fix="give its top a name of its own",
        )


def reshaped_order(shape: Shape, order: Order, new_shape: Shape) -> Order | None:
    """How a tensor holds a reshaped blob if it is itself reshaped and nothing is moved; None where that cannot be.

    A blob is reshaped in Caffe's order of axes, a tensor in its own. The two come to the same if the axes that are split
    or merged lie beside each other in the tensor, in Caffe's order: height and width of N, H, W, C may be merged, channels
    and height may not. Of the new axes' orders only channels last and Caffe's own are tried; where both would do, the
    tensor keeps to its own, and a vector becomes a sequence as Caffe has it, a picture with its channels last.

    Args:
        shape, new_shape: of the blob, in Caffe's order.
        order: how the tensor holds it.
    """
    orders = [last_order(len(new_shape)), caffe_order(len(new_shape))]
    if order == caffe_order(len(shape)) and (len(shape) > 2 or len(new_shape) == 3):
        orders.reverse()
    return next((new for new in orders if same_numbers(shape, order, new_shape, new)), None)


def same_numbers(shape: Shape, order: Order, new_shape: Shape, new_order: Order) -> bool:
    """True if a blob in one order of axes is, number after number, the reshaped blob in another order."""
    if shape[:1] != new_shape[:1] or prod(shape) != prod(new_shape):
        return False
    if not shape:
        return True
    pieces = _in_memory(order, _pieces(shape, new_shape))
    return pieces is not None and pieces == _in_memory(new_order, _pieces(new_shape, shape))


def _pieces(shape: Shape, other: Shape) -> dict[int, int]:
    """Axis → the number of the piece it belongs to. Pieces are the smallest runs of axes that both shapes have in common.

    The batch, which may be of any size, is a piece of its own; an axis of size 1 belongs to none.
    """
    ends = [list(accumulate(sizes, mul, initial=1)) for sizes in (shape[1:], other[1:])]
    shared = sorted(set(ends[0]) & set(ends[1]))
    starts = {axis: ends[0][axis - 1] for axis in range(1, len(shape)) if shape[axis] > 1}
    return {0: 0} | {axis: bisect_right(shared, start) for axis, start in starts.items()}


def _in_memory(order: Order, pieces: dict[int, int]) -> list[int] | None:
    """The pieces as they follow each other in a tensor; None if the axes of one are torn apart or exchanged."""
    runs = [list(run) for _, run in groupby((axis for axis in order if axis in pieces), pieces.__getitem__)]
    whole = len(runs) == len(set(pieces.values())) and all(run == sorted(run) for run in runs)
    return [pieces[run[0]] for run in runs] if whole else None


def axis_argument(held: Held, caffe_axis: int) -> dict[str, int]:
    """Keras' `axis` argument for a Caffe axis, left out where it is the last one, which is Keras' default."""
    axis = held.axis(caffe_axis)
    return {} if axis == held.rank - 1 else {"axis": axis}
