"""The slopes of a PReLU: one for all, or one for each element, where Caffe has one for each channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.functions import LINEAR, in_place_of, keras_function
from harness.diagnose.reading import differ, is_opaque, number
from harness.diagnose.setting import in_blobs
from harness.layers import layer_type


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold a Keras layer's slopes, or what it gives, against Caffe's blob."""
    main, layer = clues.main, clues.pair.layer
    if main is None or layer.type != "PReLU" or not clues.blobs:
        return
    if main.class_name == "PReLU":
        yield from _shape(clues, main)
        yield from _repeated(clues, main)
        return
    theirs = keras_function(main)
    slope = number(main.config.get("negative_slope", main.config.get("alpha"))) if not is_opaque(main) else None
    if theirs is not None and theirs.name in ("linear", "relu"):
        slope = 1.0 if theirs == LINEAR else 0.0
    if slope is not None:
        yield from _one_slope(clues, main, slope, f"{main.name} is {theirs or main.class_name}", stated=True)
    elif theirs is not None:
        yield Suspicion(
            "activation.kind",
            f"Keras applies {theirs}, Caffe PReLU",
            f"{layer.name} is a PReLU in the prototxt; {main.name} is {main.class_name}",
            _fix(clues),
            main.name,
            stated=True,
            mistake=in_place_of(layer, theirs),
        )
    elif clues.trial is not None:
        for slope in dict.fromkeys([*_seen(clues), *(float(clues.blobs[0].reshape(-1)[i]) for i in (0, -1)), 0.0, 1.0]):
            yield from _one_slope(clues, main, slope, f"what {main.name} gives fits that", stated=False)
        mean = float(clues.blobs[0].mean())
        yield from _one_slope(clues, main, mean, f"what {main.name} gives fits their mean", stated=False)


def _shape(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    layer = clues.pair.layer
    ours = layer_type(layer).keras_weights(layer, clues.blobs, clues.held, "PReLU")
    held = clues.variables(main.name)
    (call,) = layer_type(layer).keras_calls(layer, clues.held)
    wanted = call.arguments.get("shared_axes")
    theirs = main.config.get("shared_axes")
    alpha = next(iter(held.values())) if len(held) == 1 else None
    if list(theirs or ()) == list(wanted or ()) or (alpha is not None and _as_good(alpha, ours["alpha"])):
        return
    count = "as many slopes as" if alpha is None else f"{alpha.size} slopes,"
    per = (
        "one for all" if layer.parameters.prelu_param.channel_shared else f"{clues.blobs[0].size}, one for each channel"
    )
    yield Suspicion(
        "prelu.shared",
        f"Keras has {count} shared_axes={theirs} {'say' if alpha is None else 'says'}, Caffe {per}",
        f"{main.name}: shared_axes={theirs}; {layer.name} has a blob of {clues.blobs[0].size}",
        _fix(clues),
        main.name,
        stated=True,
        edits={main.name: {"shared_axes": wanted}},
        weights={main.name: ours},
    )


def _repeated(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    """Slopes that are all one of Caffe's, or the mean of them."""
    held, blob = list(clues.variables(main.name).values()), clues.blobs[0]
    if len(held) != 1 or held[0].size == 1 or np.ptp(held[0]):
        return
    slope = float(held[0].flat[0])
    if any(not differ(slope, float(one)) for one in (*blob.flat, blob.mean())):
        shown = f"all {held[0].size} slopes of {main.name} are {slope:.4g}"
        yield from _one_slope(clues, main, slope, shown, stated=True)


def _as_good(alpha: np.ndarray, ours: np.ndarray) -> bool:
    """True if the slopes are Caffe's, be they repeated."""
    try:
        return bool(np.allclose(alpha, np.broadcast_to(ours, alpha.shape), rtol=1e-6))
    except ValueError:
        return False


def _one_slope(clues: Clues, main: KerasNode, slope: float, shown: str, *, stated: bool) -> Iterator[Suspicion]:
    layer, blob = clues.pair.layer, clues.blobs[0]
    if not any(differ(float(one), slope) for one in blob.reshape(-1)):
        return
    several = blob.size > 1
    code = "activation.missing" if slope == 1 else "activation.kind" if slope == 0 else "prelu.shared"
    if code == "prelu.shared" and not several:
        code = "activation.slope"
    ours = (
        f"{blob.size} slopes from {blob.min():.4g} to {blob.max():.4g}"
        if several
        else f"{float(blob.reshape(-1)[0]):.4g}"
    )
    yield Suspicion(
        code,
        f"Keras has one slope for all, {slope:.4g}, Caffe {ours}"
        if several
        else f"Keras' slope is {slope:.4g}, Caffe's {ours}",
        f"{layer.name} has a blob of {blob.size}; {shown}",
        _fix(clues),
        main.name,
        stated=stated,
        mistake=in_blobs(lambda blobs: (np.full_like(blobs[0], slope),)),
    )


def _fix(clues: Clues) -> str:
    (call,) = layer_type(clues.pair.layer).keras_calls(clues.pair.layer, clues.held)
    axes = call.arguments.get("shared_axes")
    return f"PReLU(shared_axes={axes})" if axes else "PReLU()"


def _seen(clues: Clues) -> Iterator[float]:
    """The slope at the lowest number."""
    trial = clues.trial
    assert trial is not None
    candidate, x = trial.candidate, trial.setting.bottoms[0]
    if candidate is not None and candidate.shape == x.shape and (x < 0).any():
        lowest = np.unravel_index(np.argmin(x), x.shape)
        yield float(candidate[lowest]) / float(x[lowest])
