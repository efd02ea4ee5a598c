"""Batch normalisation: its epsilon, its statistics and the Scale behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.data import KerasNode, Layer
from harness.diagnose import likeness
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.reading import differ, distinct, is_opaque, must_be_tried, number, rounded
from harness.diagnose.setting import Mistake, all_of, in_blobs, in_parameters, without
from harness.layers.base import Blobs
from harness.layers.batch_norm import statistics
from harness.layers.decimals import as_written
from harness.layers.scale import is_per_channel

_USUAL = (1e-3, 1e-5, 1e-4, 1e-6, 1e-2, 2e-5, 1e-7, 1e-8, 1e-9, 1e-12, 0.0)
"""Epsilons that frameworks have by default, and none."""

_DIVIDED = "mean = blobs[0] / blobs[2]; variance = blobs[1] / blobs[2]"

_WORDS = {"moving_mean": "mean", "moving_variance": "variance", "gamma": "gamma", "beta": "beta"}
"""What a BatchNormalization's variables are called."""

LARGEST = 0.1
"""Of epsilons that anybody would take: what seems to be more is another variance."""


class _Mistaken(NamedTuple):
    """Variables that a Keras layer would have if a mistake had been made, and the mistake."""

    code: str
    said: str
    fix: str
    variables: dict[str, np.ndarray]
    mistake: Mistake


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold a normalisation's numbers against Caffe's BatchNorm and the Scale behind it; or a Scale's by itself."""
    main, layer = clues.main, clues.pair.layer
    if main is None or layer.type not in ("BatchNorm", "Scale") or not clues.blobs:
        return
    scale = next((one for one in clues.pair.caffe if one.type == "Scale" and is_per_channel(one)), None)
    if layer.type == "BatchNorm":
        yield from _epsilon(clues, main)
        yield from _mode(clues, main)
    known, right = clues.variables(main.name), _right(clues, scale)
    explained: set[str] = set()
    for one in (*_statistics(clues, scale), *(_scale(clues, scale) if scale is not None else ())):
        shown = [name for name in one.variables if name in known]
        stated = bool(shown) and all(_equal(known[name], one.variables[name]) for name in shown)
        # Statistics that are all zero are the same, divided by the third blob or not.
        stated = stated and not all(name in right and _equal(known[name], right[name]) for name in shown)
        if stated:
            explained.add(one.code)
        if stated or must_be_tried(clues):
            evidence = _evidence(clues, main, one, known) if stated else _tried(clues, main, one)
            yield Suspicion(one.code, one.said, evidence, one.fix, main.name, stated=stated, mistake=one.mistake)
    for one in (*_multiplied(clues, known), *_mixed_up(clues, scale, known, right)):
        if one.code not in explained:
            evidence = _evidence(clues, main, one, known)
            yield Suspicion(one.code, one.said, evidence, one.fix, main.name, stated=True, mistake=one.mistake)
    if scale is not None:
        yield from _without_variables(clues, main, scale)


def _right(clues: Clues, scale: Layer | None) -> dict[str, np.ndarray]:
    """The variables that a BatchNormalization or a Scale has if it is right."""
    held: dict[str, np.ndarray] = {}
    if clues.pair.layer.type == "BatchNorm" and len(clues.blobs) >= 3:
        held["moving_mean"], held["moving_variance"] = statistics(clues.blobs)
    if scale is not None:
        names = ("scale", "bias") if scale is clues.pair.layer else ("gamma", "beta")
        held |= {name: blob.reshape(-1) for name, blob in zip(names, clues.weights.of(scale.name), strict=False)}
    return held


def _epsilon(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    layer = clues.pair.layer
    ours = as_written(float(layer.parameters.batch_norm_param.eps))
    theirs = number(main.config.get("epsilon", main.config.get("eps")))
    if theirs is not None:
        if differ(theirs, ours):
            yield _with_epsilon(clues, main, ours, theirs, f"epsilon={theirs:g} in {main.name}", stated=True)
        if not is_opaque(main):
            return
    if clues.trial is None:
        return
    for value in distinct([*_estimated_epsilon(clues), *_USUAL], but=[ours, *([] if theirs is None else [theirs])]):
        yield _with_epsilon(clues, main, ours, value, f"what {main.name} gives fits {value:g}", stated=False)


def _with_epsilon(
    clues: Clues, main: KerasNode, ours: float, theirs: float, evidence: str, *, stated: bool
) -> Suspicion:
    return Suspicion(
        "batch_norm.epsilon",
        f"Keras adds {theirs:g} to the variance, Caffe {ours:g}",
        f"{clues.pair.layer.name}: eps {ours:g} in the prototxt, {evidence}",
        f"epsilon={ours:g}",
        main.name,
        stated=stated,
        mistake=in_parameters("batch_norm_param", eps=theirs),
    )


def _estimated_epsilon(clues: Clues) -> Iterator[float]:
    """From the slope of each channel, γ/√(variance + ε): of the least variance, where it is known best."""
    trial = clues.trial
    assert trial is not None
    candidate, bottom = trial.candidate, trial.setting.bottoms[0].astype(np.float64)
    if candidate is None or candidate.shape != bottom.shape:
        return
    _, variance = statistics(clues.blobs)
    scale = next((one for one in clues.pair.caffe if one.type == "Scale"), None)
    gamma = clues.weights.of(scale.name)[0].reshape(-1) if scale is not None else np.ones_like(variance)
    for channel in np.argsort(variance)[:4]:
        x, y = bottom[:, channel].reshape(-1), candidate[:, channel].reshape(-1).astype(np.float64)
        low, high = int(x.argmin()), int(x.argmax())
        if x[high] == x[low] or y[high] == y[low] or not gamma[channel]:
            continue
        slope = (y[high] - y[low]) / (x[high] - x[low])
        found = float((float(gamma[channel]) / slope) ** 2 - float(variance[channel]))
        if 0 < found < LARGEST:
            # A variance may have been rounded together with it.
            yield rounded(found, within=max(1e-3, 2.0**-22 * float(variance[channel]) / found))
            return


def _mode(clues: Clues, main: KerasNode) -> Iterator[Suspicion]:
    layer = clues.pair.layer
    spec = layer.parameters.batch_norm_param
    stored = bool(spec.use_global_stats) or not spec.HasField("use_global_stats")
    training = main.arguments.get("training") is True
    batch = main.class_name == "BatchStatistics" or training
    stated = not is_opaque(main) and batch == stored
    if not stated and not (is_opaque(main) and clues.trial is not None):
        return
    shown = "it is called with training=True" if training else f"it is a {main.class_name}"
    yield Suspicion(
        "batch_norm.mode",
        "Keras normalises by the batch, Caffe by the stored mean and variance"
        if stored
        else "Keras normalises by the stored mean and variance, Caffe by those of the batch",
        f"{layer.name}: use_global_stats {str(stored).lower()} in the prototxt"
        + (f"; {main.name}: {shown}" if stated else f"; what {main.name} gives fits the other"),
        ("training=False" if training else "BatchNormalization") if stored else "mean and variance of the batch",
        main.name,
        stated=stated,
        mistake=in_parameters("batch_norm_param", use_global_stats=not stored),
    )


def _statistics(clues: Clues, scale: Layer | None) -> Iterator[_Mistaken]:
    """The stored mean and variance, taken for something else."""
    if clues.pair.layer.type != "BatchNorm" or len(clues.blobs) < 3:
        return
    means, variances, factor = clues.blobs
    weight = float(factor.reshape(-1)[0])
    mean, variance = statistics(clues.blobs)
    if differ(weight, 1.0):
        said = f"divided by the third blob, {weight:g}"
        for what, of_mean, of_variance in (
            ("mean and variance are not", means, variances),
            ("mean is not", means, variance),
            ("variance is not", mean, variances),
            ("mean and variance are multiplied by the third blob and not", means * weight, variances * weight),
        ):
            yield _Mistaken(
                "batch_norm.scale_factor",
                f"Keras' {what} {said}",
                _DIVIDED,
                {"moving_mean": of_mean, "moving_variance": of_variance},
                in_blobs(_stored(of_mean, of_variance)),
            )
    yield _Mistaken(
        "batch_norm.order",
        "Keras has the mean for the variance and the variance for the mean",
        "moving_mean = mean; moving_variance = variance",
        {"moving_mean": variance, "moving_variance": mean},
        in_blobs(_stored(variance, mean)),
    )
    held = clues.weights.of(scale.name) if scale is not None else ()
    if scale is not None and len(held) == 2:
        gamma, beta = (one.reshape(-1) for one in held)
        yield _Mistaken(
            "batch_norm.order",
            "Keras has mean and variance for gamma and beta, and gamma and beta for mean and variance",
            "set_weights([gamma, beta, mean, variance])",
            {"moving_mean": gamma, "moving_variance": beta, "gamma": mean, "beta": variance},
            all_of(in_blobs(_stored(gamma, beta)), in_blobs(lambda blobs: (mean, variance), scale.name)),
        )


def _multiplied(clues: Clues, known: Mapping[str, np.ndarray]) -> Iterator[_Mistaken]:
    """Mean and variance that are both Caffe's times the same number, whatever they were divided by."""
    if clues.pair.layer.type != "BatchNorm" or not {"moving_mean", "moving_variance"} <= set(known):
        return
    held = {name: known[name] for name in ("moving_mean", "moving_variance")}
    ours = statistics(clues.blobs)
    by, also = (likeness.factor(one, other) for one, other in zip(held.values(), ours, strict=True))
    if by is None or also is None or not np.isclose(by, also, rtol=1e-4) or not differ(by, 1.0):
        return
    weight = float(clues.blobs[2].reshape(-1)[0])
    yield _Mistaken(
        "batch_norm.scale_factor",
        f"Keras' mean and variance are {by:.6g} times Caffe's, which are divided by the third blob, {weight:g}",
        _DIVIDED,
        held,
        in_blobs(_stored(*held.values())),
    )


def _mixed_up(
    clues: Clues, scale: Layer | None, known: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]
) -> Iterator[_Mistaken]:
    """Variables each of which is one of Caffe's arrays, though not its own; a sign may have been taken off a variance."""
    if clues.pair.layer.type != "BatchNorm":
        return
    held = {name: known[name] for name in right if name in known}
    taken = {
        name: next((other for other in (name, *right) if _equal(np.abs(one), np.abs(right[other]))), None)
        for name, one in held.items()
    }
    wrong = [name for name, other in taken.items() if name != other]
    if not wrong or None in taken.values():
        return
    steps = [in_blobs(_stored(held["moving_mean"], held["moving_variance"]))]
    if scale is not None:
        learned = [held.get(name, right[name]) for name in ("gamma", "beta") if name in right]
        steps.append(in_blobs(lambda blobs: learned, scale.name))
    said = " and ".join(f"the {_WORDS[str(taken[name])]} for the {_WORDS[name]}" for name in wrong)
    fix = "; ".join(f"{name} = {_WORDS[name]}" for name in wrong)
    yield _Mistaken("batch_norm.order", f"Keras has {said}, signs aside", fix, held, all_of(*steps))


def _stored(mean: np.ndarray, variance: np.ndarray) -> Callable[[Blobs], Sequence[np.ndarray]]:
    """Blobs that give this mean and this variance."""
    return lambda blobs: (mean, variance, np.ones(1, np.float32))


def _scale(clues: Clues, scale: Layer) -> Iterator[_Mistaken]:
    """What is learned of a Scale, left out or exchanged."""
    gamma, *more = (one.reshape(-1) for one in clues.weights.of(scale.name))
    alone = scale is clues.pair.layer
    weight, bias = ("scale", "bias") if alone else ("gamma", "beta")
    ones, zeros = np.ones_like(gamma), np.zeros_like(gamma)
    (beta,) = more or (zeros,)
    where = f"the Scale layer {scale.name}"
    if gamma.size and (gamma != 1).any():
        lost = {weight: ones} | ({bias: zeros} if more and beta.any() else {})
        if more and beta.any():
            both = in_blobs(lambda blobs: (ones, zeros)[: len(blobs)], scale.name) if alone else without(scale.name)
            yield _Mistaken("scale.missing", f"Keras leaves out {where}", _fix(weight, bias), lost, both)
        yield _Mistaken(
            "scale.missing",
            f"Keras leaves out the factors of {where}",
            f"{weight} = blobs[0] of {scale.name}",
            {weight: ones} | ({bias: beta} if more else {}),
            in_blobs(lambda blobs: (ones, *blobs[1:]), scale.name),
        )
    if more and beta.any():
        yield _Mistaken(
            "scale.bias",
            f"Keras leaves out the bias of {where}",
            f"{bias} = blobs[1] of {scale.name}",
            {weight: gamma, bias: zeros},
            in_blobs(lambda blobs: (blobs[0], zeros), scale.name),
        )
    if more:
        yield _Mistaken(
            "batch_norm.order",
            f"Keras has the bias of {where} for its factors and the factors for its bias",
            _fix(weight, bias),
            {weight: beta, bias: gamma},
            in_blobs(lambda blobs: (blobs[1], blobs[0]), scale.name),
        )


def _fix(weight: str, bias: str) -> str:
    return f"{weight} = blobs[0]; {bias} = blobs[1]"


def _without_variables(clues: Clues, main: KerasNode, scale: Layer) -> Iterator[Suspicion]:
    """A Keras layer that has been told to do without gamma, beta or a bias."""
    config, blobs, name = main.config, clues.weights.of(scale.name), scale.name
    alone = scale is clues.pair.layer
    if not alone and config.get("scale") is False:
        yield Suspicion(
            "scale.missing",
            f"Keras has no gamma for the factors of the Scale layer {name}",
            f"{main.name} has scale=False; {name} learns a factor for each channel",
            "scale=True",
            main.name,
            stated=True,
            mistake=in_blobs(lambda blobs: (np.ones_like(blobs[0]), *blobs[1:]), name),
        )
    key = "use_bias" if alone else "center"
    if len(blobs) > 1 and config.get(key) is False:
        yield Suspicion(
            "scale.bias",
            f"Keras has no {'bias' if alone else 'beta'} for the bias of the Scale layer {name}",
            f"{main.name} has {key}=False; {name} has bias_term: true",
            f"{key}=True",
            main.name,
            stated=True,
            mistake=in_blobs(lambda blobs: (blobs[0], np.zeros_like(blobs[0])), name),
        )


def _equal(held: np.ndarray, array: np.ndarray) -> bool:
    return held.size == array.size and bool(np.allclose(held.reshape(-1), array.reshape(-1), rtol=1e-5, atol=1e-7))


def _evidence(clues: Clues, main: KerasNode, one: _Mistaken, known: Any) -> str:
    """The first numbers of what is held and of what should be."""
    name = next(name for name in one.variables if name in known)
    return f"{main.name}: {name} begins with {_shown(known[name])}; {_blobs(clues)}"


def _tried(clues: Clues, main: KerasNode, one: _Mistaken) -> str:
    return f"what {main.name} gives is what it would give so; {_blobs(clues)}"


def _blobs(clues: Clues) -> str:
    said = []
    for layer in clues.pair.caffe:
        held = clues.weights.of(layer.name)
        said.append(f"{layer.name}'s blobs begin with {', '.join(_shown(blob) for blob in held)}")
    return "; ".join(said)


def _shown(array: np.ndarray) -> str:
    return f"{float(np.asarray(array).reshape(-1)[0]):.4g}"
