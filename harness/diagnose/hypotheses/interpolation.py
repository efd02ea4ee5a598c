"""How a picture is made larger: by repeating pixels or between them, and which pixels are aligned."""

from __future__ import annotations

from collections.abc import Iterator

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.resampling import WAYS, resampled

NAMED = {"nearest": "nearest", "bilinear": "bilinear, half pixels", "bicubic": "bicubic, half pixels"}
"""Keras' `interpolation`, in UpSampling2D and Resizing, and what it does."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the way in which Keras interpolates against Caffe's."""
    layer, node = clues.pair.layer, clues.main
    made = clues.trial.candidate if clues.trial is not None else None
    if layer.type not in ("Interp", "Deconvolution") or len(clues.bottoms[0]) != 4:
        return
    if node is not None and node.class_name in ("Conv2DTranspose", "Interp", "DepthwiseConv2DTranspose"):
        return
    stated = _stated(node)
    size = made.shape[2:] if made is not None and made.ndim == 4 else None
    if clues.trial is None and stated is not None:
        yield _suspicion(clues, stated, None)
    if size is None:
        return
    if made is not None and made.shape[1] != clues.bottoms[0][1]:
        return
    for way in WAYS:
        if layer.type == "Interp" and way.name == "bilinear, corners aligned":
            continue  # which is Caffe's own
        if stated is None or way.name == stated:
            yield _suspicion(clues, way.name, (int(size[0]), int(size[1])), stated=stated is not None)


def _stated(node: KerasNode | None) -> str | None:
    """What the configuration says, if it is a layer of Keras' own."""
    if node is None or node.class_name not in ("UpSampling2D", "Resizing"):
        return None
    return NAMED.get(str(node.config.get("interpolation")))


def _suspicion(clues: Clues, name: str, size: tuple[int, int] | None, *, stated: bool = True) -> Suspicion:
    layer = clues.pair.layer
    ours, fix = "bilinear, corners aligned", "harness.keras_layers.Interp, which keeps the corners"
    if layer.type == "Deconvolution":
        ours = "a transposed convolution with learned weights"
        fix = "Conv2DTranspose with Caffe's weights"
    node = clues.main
    said = f"{node.class_name} in Keras" if stated and node is not None else f"{name} is what Keras gives"
    way = next(one for one in WAYS if one.name == name)
    return Suspicion(
        "interpolation",
        f"Keras interpolates {name}; Caffe has {ours}",
        f"{layer.name} is a {layer.type} in the prototxt; {said}",
        fix,
        clues.place,
        stated=stated,
        mistake=resampled(way, size) if size is not None else None,
    )
