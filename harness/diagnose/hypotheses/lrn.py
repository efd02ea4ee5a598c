"""Local response normalisation: its window, its constants, and what TensorFlow means by the same words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data import Layer
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import differ, distinct, is_opaque, rounded
from harness.diagnose.setting import Mistake, Setting, all_of, in_parameters
from harness.layers.decimals import as_written
from harness.layers.lrn import base_of

LARGEST_BETA = 2.0
"""Of exponents that anybody would take."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try what people write for Caffe's LRN; a layer of the harness' own says what it does (`configuration.py`)."""
    main, layer, trial = clues.main, clues.pair.layer, clues.trial
    if main is None or layer.type != "LRN" or trial is None or not is_opaque(main):
        return
    spec = layer.parameters.lrn_param
    size = int(spec.local_size)
    alpha, beta, k = (as_written(float(value)) for value in (spec.alpha, spec.beta, spec.k))
    within = spec.norm_region == spec.WITHIN_CHANNEL
    window = size**2 if within else size

    def one(code: str, said: str, fix: str, mistake: Mistake) -> Suspicion:
        evidence = f"{layer.name}: {_written(layer)} in the prototxt; what {main.name} gives fits the other"
        return Suspicion(code, said, evidence, fix, main.name, mistake=mistake)

    divided = f"alpha={alpha / window:g}: Caffe's {alpha:g} over {window}"

    def constant(name: str, theirs: float) -> Suspicion:
        ours = {"alpha": alpha, "beta": beta, "k": k}[name]
        fix = {"alpha": divided, "beta": f"beta={beta:g}", "k": f"bias={k:g}"}[name]
        said = f"Keras has {name} {theirs:g}, Caffe {ours:g}"
        code = "lrn.bias" if name == "k" else f"lrn.{name}"
        mistake = _in_alpha(theirs / alpha) if name == "alpha" else in_parameters("lrn_param", **{name: theirs})
        return one(code, said, fix, mistake)

    yield one(
        "lrn.alpha",
        f"Keras does not divide alpha by the {window} numbers of the window",
        divided,
        _in_alpha(window),
    )
    wide = 2 * size + 1
    for keep in (True, False):
        yield one(
            "lrn.size",
            f"Keras takes local_size {size} for the radius of a window of {wide}{_shared(keep)}",
            f"depth_radius={size // 2}",
            _in_size(wide, keep=keep),
        )
    for theirs in distinct([0.5, 1.0, 0.75], but=[beta]):
        yield constant("beta", theirs)
    for theirs in distinct([1.0, 2.0], but=[1.0 if within else k]) if not within else ():
        yield constant("k", theirs)
    for theirs in (alpha / window, alpha * window**2) if alpha else ():
        yield constant("alpha", theirs)
    there = spec.ACROSS_CHANNELS if within else spec.WITHIN_CHANNEL
    for factor, said in ((1, ""), (size, f", alpha times {size}"), (1 / size, f", alpha over {size}")):
        yield one(
            "lrn.region",
            f"Keras sums {'across channels' if within else 'within each channel'}{said}, "
            f"Caffe {'within each' if within else 'across them'}",
            f"a sum over {'height and width' if within else 'channels'}",
            all_of(_in_alpha(factor), in_parameters("lrn_param", norm_region=there)),
        )
    for other in sorted({size - 2, size + 2, 5, 3, 11} - {size, wide}):
        for keep in (True, False):
            if other > 0:
                said = f"Keras sums over {other}, Caffe over {size}{_shared(keep)}"
                yield one("lrn.size", said, f"a window of {size}", _in_size(other, keep=keep))
    for name, theirs in _fitted(clues):
        if differ(theirs, {"alpha": alpha, "beta": beta, "k": k}[name]):
            yield constant(name, theirs)


def _written(layer: Layer) -> str:
    spec = layer.parameters.lrn_param
    return f"local_size {spec.local_size}, alpha {spec.alpha:g}, beta {spec.beta:g}, k {spec.k:g}"


def _shared(keep: bool) -> str:
    return "" if keep else ", over which it shares alpha"


def _in_alpha(factor: float) -> Mistake:
    """Alpha times a factor, whatever the window has made of it."""

    def make(setting: Setting) -> Setting:
        alpha = float(setting.layer.parameters.lrn_param.alpha)
        return in_parameters("lrn_param", alpha=alpha * factor)(setting)

    return make


def _in_size(size: int, *, keep: bool) -> Mistake:
    """Another window.

    Args:
        keep: each square weighs as much as before; else alpha is shared by more of them.
    """

    def make(setting: Setting) -> Setting:
        spec = setting.layer.parameters.lrn_param
        larger = size / int(spec.local_size)
        if spec.norm_region == spec.WITHIN_CHANNEL:
            larger **= 2
        alpha = float(spec.alpha) * (larger if keep else 1.0)
        return in_parameters("lrn_param", local_size=size, alpha=alpha)(setting)

    return make


def _fitted(clues: Clues) -> list[tuple[str, float]]:
    """The one constant with which Keras would give what it gives, all else being Caffe's: best first, as name and value.

    (x / y)^(1 / beta) = k + alpha · mean of x² is linear in alpha and in k; log(x / y) = beta · log(k + …) is so in beta.
    """
    trial, layer = clues.trial, clues.pair.layer
    assert trial is not None
    candidate, x = trial.candidate, trial.setting.bottoms[0].astype(np.float64)
    spec = layer.parameters.lrn_param
    alpha, beta = float(spec.alpha), float(spec.beta)
    within = spec.norm_region == spec.WITHIN_CHANNEL
    k = 1.0 if within else float(spec.k)
    if candidate is None or candidate.shape != x.shape or not alpha or not beta:
        return []
    base = base_of(layer, x)
    with np.errstate(all="ignore"):
        ratio = x / candidate
        usable = np.isfinite(ratio) & (ratio > 0) & (base > 0) & (np.abs(x) > np.abs(x).mean())
    ratio, base = ratio[usable], base[usable]
    squares, raised, logs = (base - k) / alpha, ratio ** (1 / beta), np.log(base)
    if not squares.any() or not logs.any():
        return []
    of_alpha = float(squares @ (raised - k) / (squares @ squares))
    of_beta = float(logs @ np.log(ratio) / (logs @ logs))
    of_k = float((raised - alpha * squares).mean())
    fits = {
        "alpha": (of_alpha, (k + of_alpha * squares) ** beta),
        "beta": (of_beta, base**of_beta),
        "k": (of_k, np.maximum(of_k + alpha * squares, 0) ** beta),
    }
    if within:
        del fits["k"]
    if not 0 < of_beta < LARGEST_BETA:
        del fits["beta"]
    left = {name: float(np.square(fit - ratio).sum()) for name, (_, fit) in fits.items()}
    return [(name, rounded(fits[name][0])) for name in sorted(fits, key=left.__getitem__)]
