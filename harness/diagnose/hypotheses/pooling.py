"""What a pool does with its window: the largest or the mean, of which window, and over how many numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.keras_windows import (
    added,
    caffe_borders,
    caffe_window,
    read_keras_window,
    sides,
    times,
)
from harness.diagnose.setting import Mistake, Setting, all_of, in_parameters, with_result
from harness.diagnose.windows import Borders, same_borders, size_behind, with_borders
from harness.layers.pools import AVE, MAX
from harness.layers.window import Window, square


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras pool against Caffe's."""
    layer = clues.pair.layer
    if layer.type != "Pooling" or len(clues.bottoms[0]) != 4:
        return
    window = caffe_window(clues)
    yield from _mode(clues, window)
    if window is None:
        return
    if clues.main is not None and "floor" in clues.main.config:
        yield from _own_pool(clues, clues.main, window)
        return
    if layer.parameters.pooling_param.pool == AVE:
        yield from _divisor(clues, window)


def _mode(clues: Clues, window: Window | None) -> Iterator[Suspicion]:
    layer, node = clues.pair.layer, clues.main
    spec = layer.parameters.pooling_param
    kind, other = ("Max", "Average") if spec.pool == MAX else ("Average", "Max")
    what = {"Max": "the largest", "Average": "the mean"}
    name = node.class_name if node is not None else ""
    says_other, known = other in name, "Pooling" in name
    said = f"{layer.name}: pool: {'MAX' if kind == 'Max' else 'AVE'} in the prototxt"
    swapped = in_parameters("pooling_param", pool=AVE if kind == "Max" else MAX)
    if says_other or (not known and clues.trial is not None):
        theirs = read_keras_window(clues, window) if window is not None else None
        natural = swapped
        if theirs is not None:
            natural = all_of(swapped, with_borders(theirs.before, theirs.own(clues.bottoms[0][2:])))
        yield Suspicion(
            "pooling.mode",
            f"Keras takes {name if says_other else what[other]}, Caffe {what[kind]}",
            f"{said}, {name} in Keras" if says_other else f"{said}; {what[other]} is what Keras gives",
            name.replace(other, kind) if says_other else f"{kind}Pooling2D",
            clues.place,
            stated=says_other,
            mistake=natural,
        )
        if theirs is None and window is not None:
            for own in dict.fromkeys((caffe_borders(clues, window), same_borders(clues.bottoms[0][2:], window))):
                yield Suspicion(
                    "pooling.mode",
                    f"Keras takes {what[other]} inside the picture, Caffe {what[kind]}",
                    f"{said}; {what[other]} is what Keras gives",
                    f"{kind}Pooling2D",
                    clues.place,
                    mistake=all_of(swapped, with_borders(((0, 0), (0, 0)), own)),
                )
    yield from _extent(clues, window, kind if not says_other else other)


def _extent(clues: Clues, window: Window | None, kind: str) -> Iterator[Suspicion]:
    """The whole picture in the place of a window, or the reverse."""
    layer, node = clues.pair.layer, clues.main
    is_global = bool(layer.parameters.pooling_param.global_pooling)
    stated = node is not None and node.class_name.startswith("Global") and not is_global
    known = node is not None and "Pooling" in node.class_name
    if is_global:
        yield from _local(clues, node)
        return
    made = clues.trial.candidate if clues.trial is not None else None
    shape = made.shape if made is not None else None
    if stated or (not known and shape is not None and shape[2:] in ((), (1, 1))):
        yield Suspicion(
            "pooling.mode",
            f"Keras takes the whole picture, Caffe windows of {times(window.kernel) if window else 'its own'}",
            f"{layer.name}: kernel_size {times(window.kernel) if window else ''} in the prototxt, "
            f"{node.class_name if node is not None else 'one number a channel'} in Keras",
            f"{kind}Pooling2D({square(window.kernel) if window else ''}, "
            f"strides={square(window.stride) if window else ''})",
            clues.place,
            stated=stated,
            mistake=over_all(kind, flat=shape is not None and len(shape) == 2),
        )


def _local(clues: Clues, node: KerasNode | None) -> Iterator[Suspicion]:
    """A window in the place of the whole picture."""
    sizes = clues.bottoms[0][2:]
    size = sides(node.config.get("pool_size"), 2) if node is not None else None
    if node is not None and size is not None and node.config.get("padding") in ("valid", "same"):
        laid = Window(size, sides(node.config.get("strides"), 2) or size)
        own: Borders = same_borders(sizes, laid) if node.config["padding"] == "same" else ((0, 0), (0, 0))
        if size != sizes or size_behind(sizes, laid, own) != (1, 1):
            yield _window_for_all(clues, laid, own, stated=True)
        return
    made = clues.trial.candidate if clues.trial is not None else None
    if made is None or made.ndim != 4 or (node is not None and "Pooling" in node.class_name):
        return
    sliding = tuple(size - count + 1 for size, count in zip(sizes, made.shape[2:], strict=True))
    tiling = tuple(size // count for size, count in zip(sizes, made.shape[2:], strict=True))
    for laid in (Window(sliding), Window(tiling, tiling)):
        if min(laid.kernel) > 0:
            yield _window_for_all(clues, laid, ((0, 0), (0, 0)), stated=False)


def _window_for_all(clues: Clues, laid: Window, own: Borders, *, stated: bool) -> Suspicion:
    layer, place = clues.pair.layer, clues.place
    kind = "Max" if layer.parameters.pooling_param.pool == MAX else "Average"
    said = f"pool_size {times(laid.kernel)} in {place}" if stated else "with windows it gives what Keras gives"
    local = in_parameters(
        "pooling_param",
        global_pooling=None,
        kernel_h=laid.kernel[0],
        kernel_w=laid.kernel[1],
        stride_h=laid.stride[0],
        stride_w=laid.stride[1],
    )
    return Suspicion(
        "pooling.mode",
        f"Keras takes windows of {times(laid.kernel)}, Caffe the whole picture of {times(clues.bottoms[0][2:])}",
        f"{layer.name}: global_pooling in the prototxt, {said}",
        f"Global{kind}Pooling2D(keepdims=True)",
        place,
        stated=stated,
        mistake=all_of(local, with_borders(((0, 0), (0, 0)), own)),
    )


def over_all(kind: str, *, flat: bool) -> Mistake:
    """The largest or the mean of all of a picture; `flat` leaves N, C."""

    def compute(setting: Setting) -> tuple[np.ndarray, np.ndarray]:
        x, axes = setting.bottoms[0].astype(np.float64), (2, 3)
        reduce = np.max if kind == "Max" else np.mean
        value = reduce(x, axis=axes, keepdims=not flat)
        return value, np.mean(np.abs(x), axis=axes, keepdims=not flat)

    return with_result(compute)


def _divisor(clues: Clues, window: Window) -> Iterator[Suspicion]:
    """Caffe divides by the window clipped to the padded picture."""
    layer, sizes = clues.pair.layer, clues.bottoms[0][2:]
    ours = caffe_borders(clues, window)
    nothing: Borders = ((0, 0), (0, 0))
    if ours == nothing:
        return
    theirs = read_keras_window(clues, window)
    said = f"{layer.name}: pad {times(window.pad)} in the prototxt, over {times(sizes)}"
    ways = []
    over = ours != tuple((pad, pad) for pad in window.pad)
    if any(window.pad):
        inside = "Keras divides by the part of a window that lies inside the picture, Caffe also counts its pad"
        ways.append((inside, nothing, ours))
    if over:
        whole = "Keras divides by the whole window, Caffe by the window clipped to the padded picture"
        ways.append((whole, ours, nothing))
    for summary, before, own in ways:
        stated = (
            theirs is not None
            and theirs.node.class_name == "AveragePooling2D"
            and theirs.window.kernel == window.kernel
        )
        if stated and theirs is not None:
            border = added(theirs.before, theirs.own(sizes))
            alike = size_behind(sizes, window, border) == size_behind(sizes, window, ours)
            alike = alike and [one[0] for one in border] == [one[0] for one in ours]
            if not alike or (theirs.padding == "same") != (own != nothing):
                continue
        yield Suspicion(
            "pooling.divisor",
            summary,
            f"{said}, {theirs.node.class_name} with padding={theirs.padding!r} in Keras"
            if stated and theirs is not None
            else f"{said}; divided so, its definition gives what Keras gives",
            f"harness.keras_layers.AveragePooling({square(window.kernel)}, strides={square(window.stride)}, "
            f"padding={square(window.pad)})",
            clues.place,
            stated=stated,
            mistake=with_borders(before, own),
        )


def _own_pool(clues: Clues, node: KerasNode, window: Window) -> Iterator[Suspicion]:
    """A pooling layer of the harness' own lays its windows as Caffe does, given the same numbers."""
    layer = clues.pair.layer
    theirs, floor = sides(node.config.get("padding"), 2), bool(layer.parameters.pooling_param.round_mode)
    if theirs is not None and theirs != window.pad:
        yield Suspicion(
            "padding.amount",
            f"Keras pads {square(theirs)}; Caffe pads {square(window.pad)}",
            f"{layer.name}: pad {times(window.pad)} in the prototxt, padding {times(theirs)} in {node.name}",
            f"padding={square(window.pad)}",
            node.name,
            stated=True,
            edits={node.name: {"padding": list(window.pad)}},
        )
    if node.config["floor"] != floor:
        yield Suspicion(
            "pooling.rounding",
            f"Keras rounds the size {'up' if floor else 'down'}, Caffe {'down' if floor else 'up'}",
            f"{layer.name}: round_mode: {'FLOOR' if floor else 'CEIL'} in the prototxt",
            f"floor={floor}",
            node.name,
            stated=True,
            edits={node.name: {"floor": floor}},
        )
