"""What lies in a Keras tensor that has a Caffe blob in other axes: followed through layers that reshape and permute.

A port reshapes where Caffe does not, and the other way round: SSD's heads are N × (boxes · 21) in Caffe and N, boxes, 21
in Keras from the start. Neither side computes anything by that, so that a tensor may be compared with a blob of another
shape as long as its numbers are the blob's in one of the two orders that are believed, channels last and Caffe's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.data import Cut, KerasNode, KerasShape, Order, Shape, Top, View
from harness.layers.axes import same_numbers
from harness.layout import Held, caffe_order, last_order
from harness.mapping.orders import fits

RESHAPING = frozenset({"Reshape", "Flatten", "ReshapeBatch"})
TURNING = frozenset({"Permute", "Transpose"})


def cut_at(tensor: int, top: Top, layout: Order | View) -> Cut:
    """A tensor as a top, held so; the order that stands beside a view is Caffe's own."""
    if isinstance(layout, View):
        return Cut(tensor, top, caffe_order(len(layout.through)), layout)
    return Cut(tensor, top, layout)


def viewed(layout: Order | View, blob: Shape, keras: KerasShape) -> View:
    """Any layout as a view; `blob` is the shape of the blob that the tensor holds, `keras` the tensor's own."""
    return layout if isinstance(layout, View) else View(blob, layout, keras)


def seen_as(view: View, blob: Shape) -> Order | View:
    """How the tensor holds a blob of that shape, which has the same numbers: an order of its axes if that will do."""
    own: tuple[Order, ...] = (view.order,) if view.through == blob else ()
    caffe = caffe_order(len(blob))
    for order in (*own, last_order(len(blob)), caffe):
        if fits(view.shape, Held(blob, order)) and same_numbers(view.through, view.order, blob, order):
            return order
    return View(blob, caffe, view.shape) if in_caffes_order(view) else view


def in_caffes_order(view: View) -> bool:
    """True if the tensor's numbers follow each other as the blob's do in Caffe, in whichever axes."""
    return same_numbers(view.through, view.order, view.through, caffe_order(len(view.through)))


def is_believed(layout: Order | View) -> bool:
    """True for the two orders that a compared tensor may be in."""
    order = layout.order if isinstance(layout, View) else layout
    return order in (last_order(len(order)), caffe_order(len(order)))


def behind(view: View | None, nodes: Iterable[KerasNode]) -> View | None:
    """What lies in the tensor behind Keras layers that move its numbers; None where that cannot be said.

    Axes can be followed where the tensor has the blob's own, and the order of the numbers where it is only reshaped.
    """
    for node in nodes:
        shape = node.output_shapes[0] if node.output_shapes else ()
        if view is None:
            return None
        if node.class_name in RESHAPING:
            view = replace(view, shape=shape)
        elif not fits(view.shape, Held(view.through, view.order)):
            view = view if shape == view.shape else None
        elif node.class_name in TURNING:
            axes = _axes(node)
            fitting = sorted(axes) == list(range(len(view.order)))
            view = View(view.through, tuple(view.order[axis] for axis in axes), shape) if fitting else None
        elif len(shape) == len(view.order):  # padding and cropping change sizes, and leave the axes
            through = list(view.through)
            for axis, size in zip(view.order, shape, strict=True):
                through[axis] = through[axis] if size is None else size
            view = View(tuple(through), view.order, shape)
        else:
            view = None
    return view


def _axes(node: KerasNode) -> tuple[int, ...]:
    """Which axis of its input each axis of a Permute's or a Transpose's output is, the batch among them."""
    if node.class_name == "Permute":
        return (0, *(int(axis) for axis in node.config.get("dims", ())))
    return tuple(int(axis) for axis in node.config.get("axes") or ())
