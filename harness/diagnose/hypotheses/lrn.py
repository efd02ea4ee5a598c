"""Local response normalisation: its window, its constants, and what TensorFlow means by the same words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from harness.data import KerasNode, Layer
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.local_response import Constants, fitted, solved
from harness.diagnose.reading import differ, distinct, is_opaque, rounded
from harness.diagnose.setting import Mistake, Setting, all_of, in_parameters, with_fields, with_result
from harness.layers.decimals import as_written
from harness.layers.lrn import base_of


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try what people write for Caffe's LRN; a layer of the harness' own says what it does (`configuration.py`)."""
    main = clues.main
    if main is None or clues.pair.layer.type != "LRN" or clues.trial is None or not is_opaque(main):
        return
    mistakes = _Mistakes(clues, main)
    found = solved(clues)
    several = mistakes.between(found) if found is not None else []
    if found is not None and len(several) > 1:
        shown = f"by its numbers {main.name} has a window of {found.size}, {found.share:.4g} for each square of it, "
        shown += f"beta {found.beta:g} and k {found.k:g}"
        for one in several:  # as good as read from a configuration: they are tried together
            yield replace(one, evidence=f"{_written(clues.pair.layer)} in the prototxt; {shown}", stated=True)
    yield from (mistakes.undivided(), mistakes.radius(keep=True), mistakes.radius(keep=False))
    for beta in distinct([0.5, 1.0, 0.75], but=[mistakes.beta]):
        yield mistakes.constant("beta", beta)
    if not mistakes.within:
        for k in distinct([1.0, 2.0], but=[mistakes.k]):
            yield mistakes.constant("k", k)
    yield mistakes.constant("alpha", mistakes.alpha / mistakes.window)
    yield mistakes.constant("alpha", mistakes.alpha * mistakes.window**2)
    yield from mistakes.regions()
    yield from mistakes.windows()
    for name, value in fitted(clues):
        if differ(value, getattr(mistakes, name)):
            yield mistakes.constant(name, value)


class _Mistakes:
    """What can be wrong with one LRN, as suspicions."""

    def __init__(self, clues: Clues, main: KerasNode) -> None:
        self.layer, self.main = clues.pair.layer, main
        spec = self.layer.parameters.lrn_param
        self.size = int(spec.local_size)
        self.alpha, self.beta, self.k = (as_written(float(value)) for value in (spec.alpha, spec.beta, spec.k))
        self.within = bool(spec.norm_region == spec.WITHIN_CHANNEL)
        self.window = self.size**2 if self.within else self.size
        self.divided = f"alpha={self.alpha / self.window:g}, which is Caffe's {self.alpha:g} over {self.window}"

    def constant(self, name: str, theirs: float) -> Suspicion:
        """Another alpha, beta or k."""
        ours = getattr(self, name)
        fix = {"alpha": self.divided, "beta": f"beta={ours:g}", "k": f"bias={ours:g}"}[name]
        code = "lrn.bias" if name == "k" else f"lrn.{name}"
        mistake = in_parameters("lrn_param", **{name: theirs})
        if name == "alpha" and self.alpha:
            mistake = _in_alpha(theirs / self.alpha)
        return self._one(code, f"Keras has {name} {theirs:g}, Caffe {ours:g}", fix, mistake)

    def undivided(self) -> Suspicion:
        """TensorFlow multiplies the sum by alpha, Caffe the mean."""
        said = f"Keras does not divide alpha by the {self.window} numbers of the window"
        return self._one("lrn.alpha", said, self.divided, _in_alpha(self.window))

    def radius(self, *, keep: bool) -> Suspicion:
        """TensorFlow gives the window by its radius."""
        wide = 2 * self.size + 1
        said = f"Keras takes local_size {self.size} for the radius of a window of {wide}{_shared(keep)}"
        return self._one("lrn.size", said, f"depth_radius={self.size // 2}", _in_size(wide, keep=keep))

    def regions(self) -> Iterator[Suspicion]:
        """Across channels for within them, or the reverse; alpha as it is, or for a window of the other region."""
        spec = self.layer.parameters.lrn_param
        there = spec.ACROSS_CHANNELS if self.within else spec.WITHIN_CHANNEL
        said = "across channels, Caffe within each" if self.within else "within each channel, Caffe across them"
        fix = f"a sum over {'height and width' if self.within else 'channels'}"
        for factor, also in (
            (1.0, ""),
            (self.size, f"; alpha times {self.size}"),
            (1 / self.size, f"; alpha over {self.size}"),
        ):
            mistake = all_of(_in_alpha(factor), in_parameters("lrn_param", norm_region=there))
            yield self._one("lrn.region", f"Keras sums {said}{also}", fix, mistake)
            for there_only in () if self.within else (False, True):
                if there_only or differ(self.k, 1.0):  # Caffe's own has no k and counts zeros around the image
                    more = "; at the border it shares alpha among the numbers that are there" if there_only else ""
                    own = all_of(_in_alpha(factor), with_result(partial(_within, there_only=there_only)))
                    yield self._one("lrn.region", f"Keras sums {said}, with k {self.k:g}{also}{more}", fix, own)

    def windows(self) -> Iterator[Suspicion]:
        """Windows of other sizes than the own one and twice it."""
        for other in sorted({self.size - 2, self.size + 2, 3, 5, 11} - {self.size, 2 * self.size + 1}):
            for keep in (True, False):
                if other > 0:
                    said = f"Keras sums over {other}, Caffe over {self.size}{_shared(keep)}"
                    yield self._one("lrn.size", said, f"a window of {self.size}", _in_size(other, keep=keep))

    def between(self, found: Constants) -> list[Suspicion]:
        """All that is different where the constants are these."""
        factor = found.share * self.window / self.alpha
        several = [
            self.constant(name, getattr(found, name))
            for name in ("beta", "k")
            if differ(getattr(found, name), getattr(self, name))
        ]
        if np.isclose(factor, self.window, rtol=1e-2):
            several.append(self.undivided())
        elif not np.isclose(factor, 1.0, rtol=1e-2):
            several.append(self.constant("alpha", rounded(self.alpha * factor)))
        if found.size != self.size:
            several.append(self.radius(keep=True))
        return several

    def _one(self, code: str, said: str, fix: str, mistake: Mistake) -> Suspicion:
        evidence = f"{_written(self.layer)} in the prototxt; what {self.main.name} gives fits the other"
        return Suspicion(code, said, evidence, fix, self.main.name, mistake=mistake)


def _written(layer: Layer) -> str:
    spec = layer.parameters.lrn_param
    return f"{layer.name}: local_size {spec.local_size}, alpha {spec.alpha:g}, beta {spec.beta:g}, k {spec.k:g}"


def _shared(keep: bool) -> str:
    return "" if keep else ", over which it shares alpha"


def _in_alpha(factor: float) -> Mistake:
    """Alpha times a factor, whatever the window has made of it."""

    def make(setting: Setting) -> Setting:
        alpha = float(setting.layer.parameters.lrn_param.alpha)
        return in_parameters("lrn_param", alpha=alpha * factor)(setting)

    return make


def _within(setting: Setting, *, there_only: bool) -> tuple[np.ndarray, np.ndarray]:
    """x · (k + alpha · mean of x²)^−beta, the mean over n × n positions of a channel or over those in the image."""
    spec, (x,) = setting.layer.parameters.lrn_param, (one.astype(np.float64) for one in setting.bottoms)
    size = int(spec.local_size)
    summed = with_fields(setting.layer, "lrn_param", norm_region=spec.WITHIN_CHANNEL, alpha=float(size**2))
    count = base_of(summed, np.ones_like(x)) - 1 if there_only else float(size**2)
    value = x * (float(spec.k) + float(spec.alpha) * (base_of(summed, x) - 1) / count) ** -float(spec.beta)
    return value, np.abs(value) * (2 + abs(float(spec.beta)))


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
