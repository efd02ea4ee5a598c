"""What is cut off around a deconvolution: Caffe's pad, on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.keras_windows import borders_of, sides, times
from harness.diagnose.placing import placed
from harness.diagnose.setting import Mistake, Setting, all_of
from harness.diagnose.windows import shown, with_window
from harness.layers.window import Window, read_window, square
from harness.layout import channels_first, last_shape

MOST_TAPS = 1 << 28
"""Multiplications up to which the whole of a deconvolution is computed to look for what Keras gives."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold what Keras cuts off against Caffe's pad; where it is not stated, find what Keras gives in the whole."""
    layer = clues.pair.layer
    if layer.type != "Deconvolution" or not 3 <= len(clues.bottoms[0]) <= 5:
        return
    axes = len(clues.bottoms[0]) - 2
    window = read_window(layer, layer.parameters.convolution_param, dilated=True, axes=axes)
    node = clues.main
    if node is not None and node.class_name == f"Conv{axes}DTranspose" and _is_read(clues, axes):
        yield from _stated(clues, window)
    elif clues.trial is not None:
        yield from _found(clues, window)


def _is_read(clues: Clues, axes: int) -> bool:
    """True if all layers about the main one say what they cut off."""
    return all(one is clues.main or borders_of(one, axes) is not None for one in clues.nodes)


def _stated(clues: Clues, window: Window) -> Iterator[Suspicion]:
    node, sizes = clues.main, clues.bottoms[0][2:]
    assert node is not None
    axes = len(sizes)
    stride = sides(node.config.get("strides"), axes) or window.stride
    kernel = sides(node.config.get("kernel_size"), axes) or window.extent
    changes: list[Mistake] = []
    if stride != window.stride:
        changes.append(with_window(stride=stride))
        yield _other_window(clues, "stride", "strides", window.stride, stride)
    if kernel != window.extent:
        yield _other_window(clues, "kernel_size", "kernel_size", window.extent, kernel)
        return  # what it cuts off says nothing then
    if node.config.get("output_padding") is not None:
        return
    begin, size = [], []
    for axis in range(axes):
        over = max(0, kernel[axis] - stride[axis])
        same = node.config.get("padding") == "same"
        begin.append(over // 2 if same else 0)
        size.append(sizes[axis] * stride[axis] + (0 if same else over))
    behind = False
    for one in clues.nodes:
        behind = behind or one is node
        borders = borders_of(one, axes)
        if borders is not None and behind:
            begin = [start - before for start, (before, _) in zip(begin, borders, strict=True)]
            size = [count + sum(border) for count, border in zip(size, borders, strict=True)]
    if stride == window.stride:
        yield from _cut(clues, window, begin, size, stated=True)


def _other_window(clues: Clues, code: str, key: str, ours: Sequence[int], theirs: Sequence[int]) -> Suspicion:
    return Suspicion(
        code,
        f"Keras has {key}={square(tuple(theirs))}, Caffe {code} {square(tuple(ours))}",
        f"{clues.pair.layer.name}: {code} {times(ours)} in the prototxt, {key} {times(theirs)} in {clues.place}",
        f"{key}={square(tuple(ours))}",
        clues.place,
        stated=True,
        mistake=_stride_as_keras(clues, theirs) if code == "stride" else None,
    )


def _stride_as_keras(clues: Clues, stride: Sequence[int]) -> Mistake | None:
    """Another stride, with what Keras' padding cuts off then."""
    node, sizes = clues.main, clues.bottoms[0][2:]
    if node is None or len(clues.nodes) > 1:
        return with_window(stride=stride)
    kernel = sides(node.config.get("kernel_size"), len(sizes))
    if kernel is None:
        return None
    over = [max(0, k - s) for k, s in zip(kernel, stride, strict=True)]
    same = node.config.get("padding") == "same"
    begin = [one // 2 if same else 0 for one in over]
    size = [n * s + (0 if same else more) for n, s, more in zip(sizes, stride, over, strict=True)]
    return all_of(with_window(stride=stride, pad=(0,) * len(sizes)), shown(begin, size))


def _found(clues: Clues, window: Window) -> Iterator[Suspicion]:
    """Where in the whole, with nothing cut off, lies what Keras gives?"""
    assert clues.trial is not None
    made, setting = clues.trial.candidate, clues.trial.setting
    if made is None or made.ndim != len(clues.bottoms[0]):
        return
    work = np.prod(setting.bottoms[0].shape) * np.prod(window.kernel) * setting.shape[1]
    if work > MOST_TAPS:
        return
    uncut = with_window(pad=(0,) * len(window.kernel))(setting)
    whole = channels_first(uncut.define(uncut.sites()).value.reshape(last_shape(uncut.shape)))
    short = [max(0, small - large) for small, large in zip(made.shape[2:], whole.shape[2:], strict=True)]
    begin = placed(made, whole, [max(one, stride) for one, stride in zip(short, window.stride, strict=True)])
    if begin is not None:
        yield from _cut(clues, window, begin, made.shape[2:], stated=False)


def _cut(
    clues: Clues, window: Window, begin: Sequence[int], size: Sequence[int], *, stated: bool
) -> Iterator[Suspicion]:
    layer, sizes, axes = clues.pair.layer, clues.bottoms[0][2:], len(window.kernel)
    whole = [s * (n - 1) + e for n, s, e in zip(sizes, window.stride, window.extent, strict=True)]
    if clues.trial is not None and not stated:
        piece = clues.trial.setting.bottoms[0].shape[2:]
        whole = [s * (n - 1) + e for n, s, e in zip(piece, window.stride, window.extent, strict=True)]
    wanted = [full - 2 * pad for full, pad in zip(whole, window.pad, strict=True)]
    if tuple(begin) == window.pad and list(size) == wanted:
        return
    ends = [(start, full - start - count) for start, full, count in zip(begin, whole, size, strict=True)]
    node = clues.main
    padding = f", padding={node.config.get('padding')!r} in Keras" if stated and node is not None else ""
    keras = "; ".join(f"{before} before and {behind} behind" for before, behind in _unique(ends))
    fix = f'padding="valid", then Cropping{axes}D({square(window.pad)})' if any(window.pad) else 'padding="valid"'
    yield Suspicion(
        "deconvolution.crop",
        f"Keras cuts off {keras}; Caffe cuts {square(window.pad)} off on each side",
        f"{layer.name}: kernel {times(window.kernel)}, stride {times(window.stride)}, pad {times(window.pad)} in the "
        f"prototxt{padding or '; cut so, its definition gives what Keras gives'}",
        fix,
        clues.nodes[-1].name if stated else clues.place,
        stated=stated,
        mistake=all_of(with_window(pad=(0,) * axes), _shown_of(window, begin, ends)),
    )


def _shown_of(window: Window, begin: Sequence[int], ends: Sequence[tuple[int, int]]) -> Mistake:
    """What is left of any bottom's top when so much is cut off."""

    def make(setting: Setting) -> Setting:
        size = [full - sum(cut) for full, cut in zip(setting.whole_shape[2:], ends, strict=True)]
        if min(size) < 1:
            raise ValueError("nothing is left")
        return shown(begin, size)(setting)

    return make


def _unique(ends: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return list(dict.fromkeys(ends))
