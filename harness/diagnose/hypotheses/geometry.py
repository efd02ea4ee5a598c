"""Where a window lies: kernel, stride, dilation, groups and padding of convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.data import KerasNode, Shape
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.setting import all_of
from harness.diagnose.windows import Borders, rounded_down, with_borders, with_window
from harness.layers import layer_type
from harness.layers.convolution import Convolution
from harness.layers.pooling import Pooling
from harness.layers.window import Sides, Window, read_window, square
from harness.mapping import GLUE


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras layer's window against Caffe's."""
    node, layer = clues.main, clues.pair.layer
    described = layer_type(layer)
    if node is None or not isinstance(described, (Convolution, Pooling)) or len(clues.bottoms[0]) != 4:
        return
    if any(one is not node and one.class_name not in GLUE for one in clues.nodes):
        return  # what an unknown layer does to the borders cannot be told, nor a stride that a pool of one pixel does
    pooling = isinstance(described, Pooling)
    spec = layer.parameters.pooling_param if pooling else layer.parameters.convolution_param
    if pooling and spec.global_pooling:
        return
    window = read_window(layer, spec, dilated=not pooling)
    name = node.name
    known = (
        ("pool_size" if pooling else "kernel_size", "kernel_size", window.kernel),
        ("strides", "stride", window.stride),
        ("dilation_rate", "dilation", window.dilation),
    )
    for key, code, ours in known:
        theirs = _pair(node.config.get(key))
        if theirs is not None and theirs != ours:
            yield Suspicion(
                code,
                f"Keras has {key}={square(theirs)}, Caffe {code} {square(ours)}",
                f"{layer.name}: {code} {_text(ours)} in the prototxt, {key} {_text(theirs)} in {name}",
                f"{key}={square(ours)}",
                name,
                stated=True,
                mistake=with_window(**{code: theirs}) if code != "kernel_size" or pooling else None,
            )
    theirs = node.config.get("groups")
    group = described.group(layer, clues.bottoms[0]) if isinstance(described, Convolution) else None
    if None not in (group, theirs) and group != theirs:
        yield Suspicion(
            "groups",
            f"Keras has groups={theirs}, Caffe group {group}",
            f"{layer.name}: group {group} in the prototxt",
            f"groups={group}",
            name,
            stated=True,
        )
    if "floor" in node.config:
        yield from _own_pool(clues, node, window)
    else:
        yield from _padding(clues, node, window, pooling)


def _own_pool(clues: Clues, node: KerasNode, window: Window) -> Iterator[Suspicion]:
    """A pooling layer of the harness' own lays its windows as Caffe does, given the same numbers."""
    layer = clues.pair.layer
    theirs, floor = _pair(node.config.get("padding")), bool(layer.parameters.pooling_param.round_mode)
    if theirs is not None and theirs != window.pad:
        yield Suspicion(
            "padding.amount",
            f"Keras pads {square(theirs)}; Caffe pads {square(window.pad)}",
            f"{layer.name}: pad {_text(window.pad)} in the prototxt, padding {_text(theirs)} in {node.name}",
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


def _padding(clues: Clues, node: KerasNode, window: Window, pooling: bool) -> Iterator[Suspicion]:
    bottom = clues.bottoms[0]
    explicit = next((one for one in clues.nodes if one.class_name == "ZeroPadding2D"), None)
    theirs = _keras_borders(node, explicit, bottom, window)
    ours = _caffe_borders(clues, bottom, window) if pooling else _both(window.pad)
    if theirs == ours or (pooling and all(t[0] == o[0] and t[1] >= o[1] for t, o in zip(theirs, ours, strict=True))):
        return
    same = node.config.get("padding") == "same"
    rounding = pooling and not same and theirs == ((0, 0), (0, 0))
    code = "pooling.rounding" if rounding else "padding.same" if same else "padding.amount"
    said = f"Keras pads {_borders(theirs)}; Caffe pads {_borders(ours)}"
    if rounding:
        said = "Keras rounds the size down where Caffe rounds it up: the last window hangs over the edge"
    mistake = with_borders(theirs, value=-np.inf if pooling and explicit is None else 0.0)
    if rounding:
        fix = 'padding="same"'
    elif explicit is not None:
        fix = f"ZeroPadding2D({square(window.pad)}) before it" if any(window.pad) else "no ZeroPadding2D before it"
        fix += ', padding="valid"' if same else ""
    elif any(window.pad):
        fix = f'ZeroPadding2D({square(window.pad)}) before it, padding="valid"'
        if (
            not pooling
            and window.stride == (1, 1)
            and all(2 * p == e - 1 for p, e in zip(window.pad, window.extent, strict=True))
        ):
            fix = 'padding="same"'
    else:
        fix = f'padding="{node.config.get("padding")}" → padding="valid"'
    if pooling:
        mistake = all_of(mistake, rounded_down)
    layer = clues.pair.layer
    shape = "×".join(map(str, bottom[1:]))
    evidence = (
        f"{layer.name} reads {shape}: pad {_text(window.pad)} in the prototxt, padding={node.config.get('padding')!r}"
    )
    evidence += f" behind a ZeroPadding2D of {_borders(_explicit_borders(explicit))}" if explicit else " in Keras"
    yield Suspicion(code, said, evidence, fix, (explicit or node).name, stated=True, mistake=mistake)


def _keras_borders(node: KerasNode, explicit: KerasNode | None, bottom: Shape, window: Window) -> Borders:
    """Rows and columns that the Keras layers add, each as before, behind."""
    borders = [(0, 0), (0, 0)]
    if explicit is not None:
        borders = list(_explicit_borders(explicit))
    if node.config.get("padding") == "same":
        strides = _pair(node.config.get("strides")) or window.stride
        dilation = _pair(node.config.get("dilation_rate")) or (1, 1)
        kernel = _pair(node.config.get("kernel_size") or node.config.get("pool_size")) or window.kernel
        for axis in (0, 1):
            size = bottom[2 + axis] + sum(borders[axis])
            extent = (kernel[axis] - 1) * dilation[axis] + 1
            total = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + extent - size)
            before, behind = borders[axis]
            borders[axis] = (before + total // 2, behind + total - total // 2)
    return borders[0], borders[1]


def _explicit_borders(node: KerasNode) -> Borders:
    """What a ZeroPadding2D adds."""
    (top, bottom), (left, right) = node.config["padding"]
    return (int(top), int(bottom)), (int(left), int(right))


def _caffe_borders(clues: Clues, bottom: Shape, window: Window) -> Borders:
    """Pad, and behind it as much more as the last window of a pool reaches over the edge."""
    out = layer_type(clues.pair.layer).output_shapes(clues.pair.layer, [bottom])[0]
    borders = []
    for axis in (0, 1):
        reach = (out[2 + axis] - 1) * window.stride[axis] + window.kernel[axis] - window.pad[axis] - bottom[2 + axis]
        borders.append((window.pad[axis], max(0, reach)))
    return borders[0], borders[1]


def _pair(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, Sequence):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))


def _both(pad: Sides) -> Borders:
    return (pad[0], pad[0]), (pad[1], pad[1])


def _text(sides: Sides) -> str:
    return f"{sides[0]}×{sides[1]}"


def _borders(borders: Borders) -> str:
    (top, bottom), (left, right) = borders
    if top == bottom == left == right:
        return f"{top} on each side" if top else "nothing"
    return f"{top} above, {bottom} below, {left} left, {right} right"
