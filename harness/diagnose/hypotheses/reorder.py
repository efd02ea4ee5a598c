"""Axes read in another order: channels-last numbers reshaped or permuted as if their channels came first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from harness.data import Order, Shape, Top
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import Mistake, Setting, in_bottoms, in_parameters
from harness.layers import layer_type
from harness.layers.base import Exact, Index, at_sites
from harness.layers.shapes import infer_shapes
from harness.layers.whole import Whole
from harness.layout import caffe_order, channels_first, last_order
from harness.mapping.views import RESHAPING, TURNING

_OWN = ("InnerProduct", "Softmax")
"""Types whose flattening has a code, and a family, of its own."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Suspect the order of axes in a layer that moves numbers, and in what leads to one that computes."""
    layer = clues.pair.layer
    if layer.type == "Permute":
        yield from _permuted(clues)
    elif layer.type == "ShuffleChannel":
        yield from _shuffled(clues)
    elif clues.trial is not None and len(clues.pair.caffe) == 1 and layer_type(layer).moves:
        yield from _reshaped(clues)
    elif clues.trial is not None and layer.type not in _OWN:
        yield from _moved_before(clues)


def _permuted(clues: Clues) -> Iterator[Suspicion]:
    node, layer = clues.main, clues.pair.layer
    rank = len(clues.bottoms[0])
    right = [int(axis) for axis in layer.parameters.permute_param.order]
    right += [axis for axis in range(rank) if axis not in right]
    theirs = None
    if node is not None and node.class_name == "Permute" and clues.held[0].rank == rank:
        axes = [clues.held[0].order[axis] for axis in (0, *(int(dim) for dim in node.config.get("dims", ())))]
        tops = clues.pair.outputs[0].order if clues.pair.outputs else last_order(rank)
        theirs = [axes[tops.index(axis)] for axis in range(rank)] if len(axes) == len(tops) == rank else None
    if theirs is not None and theirs != right and node is not None:
        calls = layer_type(layer).keras_calls(layer, clues.held)
        fix = (
            f"Permute({tuple(calls[-1].arguments['dims'])})"
            if calls and "dims" in calls[-1].arguments
            else f"no {node.name}"
        )
        yield Suspicion(
            "permute.order",
            f"Keras puts Caffe's axes in the order {_text(theirs)}, Caffe in {_text(right)}",
            f"{layer.name}: order {_text(right)} in the prototxt, dims={tuple(node.config['dims'])} in {node.name}",
            fix,
            node.name,
            stated=True,
            mistake=in_parameters("permute_param", order=theirs),
        )
        return
    for rest in permutations(range(1, rank)):
        order = [0, *rest]
        if order != right:
            yield Suspicion(
                "permute.order",
                f"Keras puts Caffe's axes in the order {_text(order)}, Caffe in {_text(right)}",
                f"{layer.name} with that order gives what Keras gives",
                f"bring the axes into the order {_text(right)} of Caffe's, wherever Keras has them",
                clues.place,
                mistake=in_parameters("permute_param", order=order),
            )


def _shuffled(clues: Clues) -> Iterator[Suspicion]:
    channels, group = clues.bottoms[0][1], int(clues.pair.layer.parameters.shuffle_channel_param.group)
    other = channels // group
    if other != group:
        yield Suspicion(
            "permute.order",
            f"the channels are dealt to {other} groups, Caffe deals them to {group}: rows and columns are exchanged",
            f"{clues.pair.layer.name} with group: {other} gives what Keras gives",
            f"reshape the {channels} channels to ({group}, {other}) and exchange the two",
            clues.place,
            mistake=in_parameters("shuffle_channel_param", group=other),
        )


def _reshaped(clues: Clues) -> Iterator[Suspicion]:
    """A Reshape or Flatten, whose numbers Keras reads or lays down in the order of its own axes.

    Or in that of the axes before other layers of Caffe's that only move numbers: a Flatten, then a Reshape.
    """
    trial, top = clues.trial, _top_shape(clues)
    assert trial is not None
    (bottom,) = trial.setting.bottoms[:1]
    source = _source(clues, clues.pair.bottoms[0], bottom)
    right = _right_order(source, bottom)
    for order, laid in _ways(source.ndim, len(top)):

        def make(setting: Setting, order: Order = order, laid: Order = laid) -> Setting:
            value = _as_read(source, order, setting.whole_shape, laid)

            def step(exact: Exact, sites: Index) -> Exact:
                rows = at_sites(value, sites)
                return Exact(rows, np.zeros_like(rows))

            return replace(setting, then=(*setting.then, step))

        last = laid == last_order(len(laid)) != caffe_order(len(laid))
        yield _suspicion(clues, order, right, last, make)


def _moved_before(clues: Clues) -> Iterator[Suspicion]:
    """Layers that move numbers on the way to the one that computes, in whichever way they do in Caffe."""
    trial, pair = clues.trial, clues.pair
    before = [node for node in clues.nodes if node.name != pair.main]
    if trial is None or not any(node.class_name in RESHAPING | TURNING | {"Lambda"} for node in before):
        return
    bottoms = [channels_first(trial.bottoms[top]) for top in pair.bottoms]
    sources = [_source(clues, top, bottom) for top, bottom in zip(pair.bottoms, bottoms, strict=True)]
    places = range(len(sources))
    right = _right_order(sources[0], bottoms[0])
    groups = [set(places), *({place} for place in places if len(sources) > 1)]
    for order, last in _ways(max((one.ndim for one in sources), default=0), 0):
        for group in groups:

            def move(
                read: Sequence[np.ndarray], order: Order = order, last: Order = last, group: set[int] = group
            ) -> Arrays:
                moved = list(read)
                for place in group:
                    source, bottom = sources[place], read[place]
                    if source.ndim == len(order) and source.size == bottom.size:
                        laid = (last_order if last else caffe_order)(bottom.ndim)
                        moved[place] = _as_read(source, order, bottom.shape, laid)
                if all(np.array_equal(one, other) for one, other in zip(moved, read, strict=True)):
                    raise ValueError("that is how it is read")
                return moved

            which = "" if group == set(places) else f" in {pair.bottoms[min(group)]}"
            yield _suspicion(clues, order, right, bool(last), in_bottoms(move), which)


def _right_order(source: np.ndarray, bottom: np.ndarray) -> Order:
    """In which order Caffe reads the axes of what its layers move on the way to a bottom."""
    for order in permutations(range(source.ndim)):
        if np.array_equal(_as_read(source, order, bottom.shape, caffe_order(bottom.ndim)), bottom):
            return order
    return caffe_order(source.ndim)


Arrays = Sequence[np.ndarray]


def _source(clues: Clues, top: Top, array: np.ndarray) -> np.ndarray:
    """A top before Caffe's layers that only move numbers, worked out from the top behind them; N, C, H, W."""
    layer = clues.network[top.layer]
    if not layer_type(layer).moves or len(layer.bottoms) != 1:
        return array
    before = infer_shapes(clues.network)[layer.bottoms[0]]
    described = layer_type(layer)
    assert isinstance(described, Whole)
    places = np.arange(math.prod(before), dtype=np.float64).reshape(before)
    (moved,) = described.compute(layer, (), (places,))
    source = np.empty(math.prod(before), array.dtype)
    source[moved.reshape(-1).astype(np.int64)] = array.reshape(-1)
    return _source(clues, layer.bottoms[0], source.reshape(before))


def _ways(rank: int, to: int) -> Iterator[tuple[Order, Order]]:
    """Orders in which axes may be read, and laid down again; `to` axes, or as many as there are if it is 0."""
    orders = [last_order(rank)] + [(0, *rest) for rest in permutations(range(1, rank))]
    for order in dict.fromkeys(orders):
        for laid in dict.fromkeys((last_order(to), caffe_order(to))) if to else ((), (0,)):
            yield order, laid


def _as_read(source: np.ndarray, order: Order, shape: Shape, laid: Order) -> np.ndarray:
    """The numbers of an array with its axes in one order, put into a shape with its axes in another."""
    numbers: np.ndarray = source.transpose(order).reshape([shape[axis] for axis in laid])
    result: np.ndarray = numbers.transpose(np.argsort(laid))
    return result


def _top_shape(clues: Clues) -> Shape:
    return layer_type(clues.pair.layer).output_shapes(clues.pair.layer, clues.bottoms)[0]


def _suspicion(clues: Clues, order: Order, right: Order, last: bool, mistake: Mistake, which: str = "") -> Suspicion:
    moving = {node.class_name for node in clues.nodes}
    code = "permute.order" if moving & TURNING and not moving & RESHAPING else "reshape.order"
    said = f"the numbers{which} are read in the order {_axes(order)}, Caffe reads {_axes(right)}"
    if order == right:
        said = f"the numbers{which} are read in Caffe's order, {_axes(right)}"
    keras = last_order(len(order))
    node = next((one for one in clues.nodes if one.class_name in RESHAPING), None)
    turning = next((one for one in clues.nodes if one.class_name in TURNING), None)
    place = next((one.name for one in (node, turning) if one is not None), clues.place)
    dims = tuple(keras.index(axis) for axis in right[1:])
    if right != keras:
        turned = f"dims={dims} in {turning.name}" if turning is not None else f"Permute({dims}) before {place}"
    else:
        turned = f"no {turning.name}" if turning is not None else f"the channels last before {place}"
    return Suspicion(
        code,
        said + (", and laid down with the channels last" if last else ""),
        f"Caffe's definition of {clues.pair.layer.name} gives what Keras gives once its numbers are in that order",
        f"{turned}, so that it reads {_axes(right)}",
        place,
        mistake=mistake,
    )


def _axes(order: Order) -> str:
    """`N, H, W, C`."""
    names = "NCHW" if len(order) == 4 else "NCL" if len(order) == 3 else None
    return ", ".join(names[axis] if names else str(axis) for axis in order)


def _text(order: Sequence[int]) -> str:
    return " ".join(map(str, order))
