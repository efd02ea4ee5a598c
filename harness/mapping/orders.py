"""In which order a Keras tensor holds a Caffe blob's axes, followed through the graph from the inputs on.

Only two orders are believed of a compared tensor: channels last, and Caffe's own. A port that has its axes in a third is
wrong, and must not be read so that it looks right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.data import Cut, KerasGraph, KerasNode, Layer, Order, Shape, Top
from harness.layers import layer_type
from harness.layout import Held, caffe_order, last_order

KerasShape = tuple[int | None, ...]


@dataclass(frozen=True)
class Expected:
    """The order that a tensor should be in, and the blob's shape to hold it against."""

    order: Order
    shape: Shape

    def fit(self, keras: KerasShape) -> Order:
        """The expected order, unless the tensor's own shape says that it is the other one."""
        rank = len(self.shape)
        believed = (last_order(rank), caffe_order(rank))
        first = self.order if self.order in believed else believed[0]
        for order in (first, *believed):
            if fits(keras, Held(self.shape, order)):
                return order
        return first


def fits(keras: KerasShape, held: Held) -> bool:
    """True if a Keras tensor's declared shape, with its unknown sizes, can be that of a blob held so."""
    pairs = list(zip(keras, held.keras_shape, strict=False))
    return len(keras) == held.rank and all(size is None or size == ours for size, ours in pairs[1:])


def input_cut(graph: KerasGraph, tensor: int, top: Top, shape: Shape) -> Cut:
    """How the model takes an input: as its declared shape says; where that leaves both, as what reads it does.

    A picture that could be either is held channels last, a sequence as Caffe has it unless a convolution reads it.
    """
    declared = graph.input_shapes[graph.inputs.index(tensor)] if graph.input_shapes else ()
    rank = len(shape)
    readers = [node for node in graph.nodes if tensor in node.inputs]
    formats = [node.config.get("data_format") for node in readers if not _flattens_as_it_comes(node)]
    usual = last_order(rank) if rank > 3 or "channels_last" in formats else caffe_order(rank)
    order = caffe_order(rank) if "channels_first" in formats else usual
    return Cut(tensor, top, Expected(order, shape).fit(declared) if declared else order)


def _flattens_as_it_comes(node: KerasNode) -> bool:
    """True for a Flatten that says channels_last, as each does that was not told otherwise: it says nothing."""
    return node.class_name == "Flatten" and node.config.get("data_format") == "channels_last"


def order_behind(
    layer: Layer,
    held: Sequence[Held],
    node: KerasNode,
    behind: Iterable[KerasNode],
    shapes: Mapping[Top, Shape],
) -> tuple[Expected, ...]:
    """The order of each top behind a layer and the Keras layers that follow it in its segment.

    Args:
        held: what the layer reads, as it comes out of the Keras layers before it in its segment.
    """
    if layer.bottoms:
        given = layer_type(layer).gives(layer, _all_bottoms(layer, held, shapes))
    else:
        given = tuple(caffe_order(len(shapes[top])) for top in layer.tops)
    results = []
    for top, order in zip(layer.tops, given, strict=True):
        if node.config.get("data_format") == "channels_first":
            order = caffe_order(len(order))
        moved = passed_on(order, behind)
        results.append(Expected(moved if moved is not None else order, shapes[top]))
    return tuple(results)


def passed_on(order: Order, nodes: Iterable[KerasNode]) -> Order | None:
    """An order behind Keras layers that move axes; None behind one that moves them across a change of rank."""
    current: Order | None = order
    for node in nodes:
        if node.class_name == "Permute" and current is not None:
            dims = (0, *(int(dim) for dim in node.config.get("dims", ())))
            current = tuple(current[dim] for dim in dims) if len(dims) == len(current) else None
        elif node.class_name in ("Reshape", "Flatten") and current != caffe_order(len(order)):
            current = current if current is not None and len(node.output_shapes[0]) == len(current) else None
    return current


def _all_bottoms(layer: Layer, held: Sequence[Held], shapes: Mapping[Top, Shape]) -> list[Held]:
    """Every bottom of the layer, those that the Keras layer does not read as Caffe has them."""
    if len(held) == len(layer.bottoms):
        return list(held)
    filled = list(held[:1])
    for bottom in layer.bottoms[1:]:
        shape = shapes[bottom]
        filled.append(Held(shape, held[0].order if len(shape) == held[0].rank else caffe_order(len(shape))))
    return filled
