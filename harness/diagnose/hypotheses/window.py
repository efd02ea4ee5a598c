"""The window itself: kernel, stride and dilation of convolutions and pools."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.hypotheses.padding import padding_is_right
from harness.diagnose.keras_windows import KerasWindow, caffe_window, read_keras_window, sides, times
from harness.diagnose.setting import Mistake, all_of, in_blobs
from harness.diagnose.windows import rounded_down, size_behind, with_borders, with_window
from harness.layers.window import Sides, Window, square

KEYS = {"kernel_size": "kernel_size", "stride": "strides", "dilation": "dilation_rate"}
"""What Keras calls Caffe's kernel_size, stride and dilation; a pool's kernel is its pool_size."""

LARGEST = 8
"""Up to which number a stride, a dilation and a pool's kernel are tried where nothing states them."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the Keras layer's window against Caffe's, then try others where it cannot be read."""
    window = caffe_window(clues)
    if window is None:
        return
    theirs = read_keras_window(clues, window)
    if theirs is not None:
        yield from _stated(clues, window, theirs)
    elif clues.main is not None and "floor" in clues.main.config:
        yield from _own_pool(clues, window)
    elif clues.trial is not None:
        yield from _tried(clues.as_tried, window)


def _stated(clues: Clues, window: Window, theirs: KerasWindow) -> Iterator[Suspicion]:
    # Where Keras' padding="same" would be right with Caffe's window, what it does with another one is no mistake of its own.
    right = padding_is_right(clues, window, theirs)
    own = theirs.own(clues.bottoms[0][2:])
    borders = with_borders(theirs.before, own) if right and theirs.padding == "same" else None
    for code, ours, wanted in _differing(window, theirs.window):
        changes = [with_window(**{code: wanted})]
        if code == "kernel_size" and clues.pair.layer.type != "Pooling":
            changes.append(_kernel_of(clues, theirs))
        if borders is not None:
            changes.append(borders)
            borders = None  # once is enough: all that is stated holds together
        yield _suspicion(clues, code, ours, wanted, stated=True, mistake=all_of(*changes))


def _own_pool(clues: Clues, window: Window) -> Iterator[Suspicion]:
    node = clues.main
    assert node is not None
    for code, ours in (("kernel_size", window.kernel), ("stride", window.stride)):
        theirs = sides(node.config.get("pool_size" if code == "kernel_size" else "strides"), 2)
        if theirs is not None and theirs != ours:
            yield _suspicion(clues, code, ours, theirs, stated=True, mistake=with_window(**{code: theirs}))


def _tried(clues: Clues, window: Window) -> Iterator[Suspicion]:
    assert clues.trial is not None
    made, sizes = clues.trial.candidate, clues.bottoms[0][2:]
    if made is None or made.ndim != len(clues.bottoms[0]):
        return
    pooling = clues.pair.layer.type == "Pooling"
    for code, ours in (("stride", window.stride), ("dilation", window.dilation), ("kernel_size", window.kernel)):
        if code == ("dilation" if pooling else "kernel_size") or (code == "dilation" and set(window.kernel) == {1}):
            continue
        for wanted in _others(ours):
            changed = Window(
                kernel=wanted if code == "kernel_size" else window.kernel,
                stride=wanted if code == "stride" else window.stride,
                pad=window.pad,
                dilation=wanted if code == "dilation" else window.dilation,
            )
            # With the pad as it is, and where the output is as large as before, with one that keeps it so.
            half = tuple((extent - 1) // 2 for extent in changed.extent)
            for pad in dict.fromkeys((window.pad, half)):
                around = tuple((one, one) for one in pad)
                count = size_behind(sizes, changed, around)
                up = pooling and all(0 <= m - c <= 1 for m, c in zip(made.shape[2:], count, strict=True))
                if count == made.shape[2:] or up:
                    mistake = with_window(**{code: wanted, "pad": pad})
                    if pooling and count == made.shape[2:]:
                        mistake = all_of(mistake, rounded_down)
                    yield _suspicion(clues, code, ours, wanted, stated=False, mistake=mistake)


def _differing(ours: Window, theirs: Window) -> Iterator[tuple[str, Sides, Sides]]:
    for code, mine, other in (
        ("kernel_size", ours.kernel, theirs.kernel),
        ("stride", ours.stride, theirs.stride),
        ("dilation", ours.dilation, theirs.dilation),
    ):
        if mine != other:
            yield code, mine, other


def _others(ours: Sides) -> Iterator[Sides]:
    if len(set(ours)) > 1:
        yield ours[::-1]
    for one in range(1, LARGEST + 1):
        if (one,) * len(ours) != ours:
            yield (one,) * len(ours)


def _kernel_of(clues: Clues, theirs: KerasWindow) -> Mistake:
    """Keras' own kernel in the place of Caffe's: of another size, it cannot be the same."""
    kernel = clues.variables(theirs.node.name).get("kernel")

    def change(blobs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        if kernel is None:
            raise ValueError(f"{theirs.node.name} has no kernel")
        return [caffe_kernel(kernel, depthwise=theirs.node.class_name.startswith("Depthwise")), *blobs[1:]]

    return in_blobs(change)


def caffe_kernel(kernel: np.ndarray, *, depthwise: bool) -> np.ndarray:
    """A Keras kernel, its sides first, as Caffe's C_out, C_in / group and the sides."""
    axes = kernel.ndim - 2
    if depthwise:
        channels, multiplier = kernel.shape[-2:]
        turned = np.moveaxis(kernel, (-2, -1), (0, 1))
        return np.ascontiguousarray(turned).reshape(channels * multiplier, 1, *kernel.shape[:axes])
    return np.ascontiguousarray(np.moveaxis(kernel, (-1, -2), (0, 1)))


def _suspicion(clues: Clues, code: str, ours: Sides, theirs: Sides, *, stated: bool, mistake: Mistake) -> Suspicion:
    key = "pool_size" if code == "kernel_size" and clues.pair.layer.type == "Pooling" else KEYS[code]
    name = clues.pair.layer.name
    evidence = f"{name}: {code} {times(ours)} in the prototxt, {key} {times(theirs)} in {clues.place}"
    if not stated:
        evidence = (
            f"{name}: {code} {times(ours)} in the prototxt; with {times(theirs)} its definition gives what Keras gives"
        )
    return Suspicion(
        code,
        f"Keras has {key}={square(theirs)}, Caffe {code} {square(ours)}",
        evidence,
        f"{key}={square(ours)}",
        clues.place,
        stated=stated,
        mistake=mistake,
    )
