"""MVN and Normalize: over which axes, with which epsilon, and what is learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import distinct, is_opaque, number
from harness.diagnose.setting import Mistake, Setting, in_blobs, in_parameters, in_result
from harness.layers.base import Exact, Index, at_sites
from harness.layers.decimals import as_written
from harness.layers.moments import moments

_USUAL = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 0.0)
"""Epsilons that frameworks have by default, and none."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Try what people write for them; layers of the harness' own are read in `configuration.py`."""
    main, layer = clues.main, clues.pair.layer
    if main is None:
        return
    tried = clues.trial is not None and is_opaque(main)
    if layer.type == "MVN":
        if main.class_name in ("LayerNormalization", "GroupNormalization"):
            yield from _of_deviation(clues, main, [number(main.config.get("epsilon")) or 0.0], stated=True)
        elif tried:
            yield from _mvn(clues, main)
    elif layer.type == "Normalize" and (tried or main.class_name == "UnitNormalization"):
        yield from _normalize(clues, main, stated=not tried)


def _one(
    clues: Clues, main: KerasNode, code: str, said: str, fix: str, mistake: Mistake, *, stated: bool = False
) -> Suspicion:
    layer = clues.pair.layer
    shown = f"{main.name} is a {main.class_name}" if stated else f"what {main.name} gives fits the other"
    return Suspicion(
        code, said, f"{layer.name}: {_written(clues)}; {shown}", fix, main.name, stated=stated, mistake=mistake
    )


def _written(clues: Clues) -> str:
    layer = clues.pair.layer
    if layer.type == "MVN":
        spec = layer.parameters.mvn_param
        return (
            f"across_channels {str(spec.across_channels).lower()}, "
            f"normalize_variance {str(spec.normalize_variance).lower()}, eps {spec.eps:g} in the prototxt"
        )
    spec = layer.parameters.norm_param
    return (
        f"across_spatial {str(spec.across_spatial).lower()}, "
        f"channel_shared {str(spec.channel_shared).lower()}, eps {spec.eps:g} in the prototxt"
    )


def _mvn(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    spec = clues.pair.layer.parameters.mvn_param
    across, variance = bool(spec.across_channels), bool(spec.normalize_variance)
    yield _one(
        clues,
        main,
        "normalize.axis",
        f"Keras' mean is taken {'of each channel' if across else 'across channels'}, "
        f"Caffe's {'across channels' if across else 'of each channel'}",
        "axis=[1, 2, 3]" if across else "axis=[1, 2]",
        in_parameters("mvn_param", across_channels=not across),
    )
    yield _one(
        clues,
        main,
        "normalize.variance",
        "Keras does not divide by the deviation, Caffe does"
        if variance
        else "Keras divides by the deviation, Caffe does not",
        f"normalize_variance={variance}",
        in_parameters("mvn_param", normalize_variance=not variance),
    )
    if variance:
        ours = as_written(float(spec.eps))
        for theirs in distinct(_USUAL, but=[ours]):
            said = f"Keras adds {theirs:g} to the deviation, Caffe {ours:g}"
            mistake = in_parameters("mvn_param", eps=theirs)
            yield _one(clues, main, "normalize.epsilon", said, f"epsilon={ours:g}", mistake)
        yield from _of_deviation(clues, main, list(distinct([ours, *_USUAL])), stated=False)


def _of_deviation(clues: Clues, main: KerasNode, epsilons: list[float], *, stated: bool) -> Iterator[Suspicion]:
    spec = clues.pair.layer.parameters.mvn_param
    if not spec.normalize_variance:
        return
    for theirs in epsilons:
        yield _one(
            clues,
            main,
            "normalize.epsilon",
            f"Keras adds {theirs:g} to the variance, under the root, Caffe {spec.eps:g} to the deviation",
            f"(x - mean) / (sqrt(variance) + {spec.eps:g})",
            _under_root(theirs),
            stated=stated,
        )


def _under_root(epsilon: float) -> Mistake:
    """An epsilon beside the variance and not beside its root."""

    def make(setting: Setting) -> Setting:
        spec = setting.layer.parameters.mvn_param
        bottom = setting.bottoms[0].astype(np.float64)
        axes = (1, 2, 3) if spec.across_channels else (2, 3)
        if bottom.ndim != 4:
            raise ValueError("MVN of other than four axes")
        variance = moments(bottom, axes).variance
        with np.errstate(all="ignore"):
            factor = np.broadcast_to((np.sqrt(variance) + float(spec.eps)) / np.sqrt(variance + epsilon), bottom.shape)

        def step(exact: Exact, sites: Index) -> Exact:
            times = at_sites(factor, sites)
            return replace(exact, value=exact.value * times, scale=exact.scale * times)

        return in_result(step)(setting)

    return make


def _normalize(clues: Clues, main: KerasNode, *, stated: bool) -> Iterator[Suspicion]:
    spec = clues.pair.layer.parameters.norm_param
    across, ours = bool(spec.across_spatial), as_written(float(spec.eps))
    lost = in_blobs(lambda blobs: (np.ones_like(blobs[0]),))
    yield _one(
        clues,
        main,
        "normalize.scale",
        "Keras leaves out the learned scale",
        "times the layer's blob",
        lost,
        stated=stated,
    )
    if stated:
        return
    yield _one(
        clues,
        main,
        "normalize.axis",
        f"Keras' norm is {'that of each position' if across else 'one for the whole image'}, "
        f"Caffe's {'one for the whole image' if across else 'that of each position'}",
        f"across_spatial={across}",
        in_parameters("norm_param", across_spatial=not across),
    )
    mean = in_blobs(lambda blobs: (np.full_like(blobs[0], blobs[0].mean()),))
    first = in_blobs(lambda blobs: (np.full_like(blobs[0], blobs[0].reshape(-1)[0]),))
    if not spec.channel_shared:
        for said, mistake in (("the mean of the channels' scales", mean), ("the first channel's scale", first)):
            yield _one(
                clues, main, "normalize.scale", f"Keras multiplies all by {said}", "a scale for each channel", mistake
            )
    for theirs in distinct(_USUAL, but=[ours]):
        said = f"Keras adds {theirs:g} to the squares, Caffe {ours:g}"
        yield _one(
            clues,
            main,
            "normalize.epsilon",
            said,
            f"epsilon={ours:g}",
            in_parameters("norm_param", eps=theirs),
        )
