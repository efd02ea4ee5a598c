"""Preprocessing inside the Keras model, where Caffe's net is fed what was preprocessed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.findings import findings
from harness.diagnose.hypotheses.orientation import REORDERED
from harness.diagnose.learned import KERNELS
from harness.diagnose.setting import Mistake, in_bottoms
from harness.layers import layer_type
from harness.layers.base import at_sites
from harness.mapping.nodes import only_moves

MOST_CHANNELS = 8
"""Channels of an input up to which each is looked at by itself."""

ESTIMATED = 1024
"""Sites from which a factor and an offset are estimated."""

NEAR = 1e-5
"""Relative to the largest number: what is left of an estimate, or an offset, that is rounding; so is a factor so near one."""

Change = Callable[[np.ndarray], np.ndarray]
"""Of an input, N, C, H, W."""


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Suspect the layers between the model's input and the first one that has a counterpart."""
    fed = [position for position, top in enumerate(clues.pair.bottoms) if top in clues.network.inputs]
    before = [node for node in clues.nodes if node.name != clues.pair.main]
    if not fed or not before or clues.nodes[0].name == clues.pair.main:
        return
    node = next((one for one in before if not only_moves(one)), before[0])
    if node.class_name == "Rescaling":
        yield from _rescaling(clues, node, fed)
    elif node.class_name == "Normalization":
        yield from _normalization(clues, node, fed)
    else:
        yield from _unstated(clues, node, fed)


def _rescaling(clues: Clues, node: KerasNode, fed: list[int]) -> Iterator[Suspicion]:
    channels = clues.bottoms[fed[0]][1]
    known = [np.asarray(node.config.get(name, default), np.float64) for name, default in (("scale", 1), ("offset", 0))]
    if any(one.size not in (1, channels) or one.ndim > 1 for one in known):
        return
    scale, offset = (np.resize(one, channels).reshape(1, -1, 1, 1) for one in known)
    said = f"{node.name}: scale={_text(scale)}, offset={_text(offset)}; Caffe's net begins with {clues.pair.layer.name}"
    fix = f"no {node.name}: Caffe is fed the same numbers without it"
    if (scale != 1).any():
        summary = f"the model multiplies its input by {_text(scale)}"
        yield _suspicion(node, "input.scale", summary, said, fix, fed, lambda x: x * scale)
    if offset.any():
        yield _suspicion(
            node, "input.mean", f"the model adds {_text(offset)} to its input", said, fix, fed, lambda x: x + offset
        )


def _normalization(clues: Clues, node: KerasNode, fed: list[int]) -> Iterator[Suspicion]:
    variables = {**dict(node.config), **clues.variables(node.name)}
    known = [np.asarray(variables.get(name), np.float64).reshape(-1) for name in ("mean", "variance")]
    channels = clues.bottoms[fed[0]][1]
    if any(one.size not in (1, channels) or not np.isfinite(one).all() for one in known):
        return
    mean, deviation = (np.resize(one, channels).reshape(1, -1, 1, 1) for one in (known[0], np.sqrt(known[1])))
    said = f"{node.name}: mean {_text(mean)}, variance {_text(deviation**2)}; Caffe's net begins with {clues.pair.layer.name}"
    fix = f"no {node.name}: Caffe is fed the same numbers without it"
    if mean.any():
        summary = f"the model subtracts the mean {_text(mean)} from its input"
        yield _suspicion(node, "input.mean", summary, said, fix, fed, lambda x: x - mean)
    if not (deviation == 1).all():
        summary = f"the model divides its input by {_text(deviation)}"
        yield _suspicion(node, "input.scale", summary, said, fix, fed, lambda x: x / deviation)


def _unstated(clues: Clues, node: KerasNode, fed: list[int]) -> Iterator[Suspicion]:
    """What a Lambda or an operation may do."""
    shape = clues.bottoms[fed[0]]
    if len(shape) != 4:
        return
    tried: list[tuple[str, str, Change]] = []
    if shape[1] > 1:
        tried.append(("input.channel_order", "reverses the channels of its input", lambda x: x[:, ::-1]))
    mean = np.array(clues.fed.mean_bgr if clues.fed is not None and shape[1] == 3 else ()).reshape(1, -1, 1, 1)
    if mean.any():
        tried.append(("input.mean", f"subtracts the mean {_text(mean)} once more", lambda x: x - mean))
        if not np.array_equal(mean, mean[:, ::-1]):
            other = mean[:, ::-1]
            tried.append(
                ("input.mean", f"subtracts the mean {_text(other)}, which is Caffe's reversed", lambda x: x - other)
            )
    tried.append(("input.scale", "divides its input by 255", lambda x: x / 255.0))
    tried.append(("input.scale", "multiplies its input by 255", lambda x: x * 255.0))
    if clues.fed is not None and clues.fed.scale != 1.0:
        scale = clues.fed.scale
        tried.append(("input.scale", f"multiplies its input by {scale:.6g} once more", lambda x: x * scale))
    if clues.pair.layer.type not in REORDERED:
        tried.append(("input.layout", "swaps rows and columns of its input", lambda x: x.swapaxes(2, 3)))
    for code, does, change in tried:
        evidence = (
            f"Caffe's definition of {clues.pair.layer.name} gives what Keras gives once this is done to its input"
        )
        fix = f"no {node.name}: Caffe is fed the same numbers without it"
        yield Suspicion(code, f"the model {does}", evidence, fix, node.name, mistake=_on(fed, change))
    if not only_moves(node):
        yield from _estimated(clues, node, fed)


def _estimated(clues: Clues, node: KerasNode, fed: list[int]) -> Iterator[Suspicion]:
    """A factor and a number added in each channel, by which the first layer gives what Keras gives."""
    found = _factors_and_offsets(clues)
    if found is None or findings(clues):  # a wrong kernel, where it can be read, is what gives such numbers
        return
    scale, offset = found
    tried: list[tuple[str, str, Change]] = []
    if (scale != 1).any():
        tried.append(("input.scale", f"multiplies its input by {_text(scale)}", lambda x: x * scale))
    if offset.any():
        tried.append(("input.mean", f"adds {_text(offset)} to its input", lambda x: x + offset))
    for code, does, change in tried:
        yield Suspicion(
            code,
            f"the model {does}",
            f"estimated from what Keras gives for {clues.pair.layer.name}, one number for each channel",
            f"no {node.name}: Caffe is fed the same numbers without it",
            node.name,
            mistake=_on(fed, change),
        )


def _factors_and_offsets(clues: Clues) -> tuple[np.ndarray, np.ndarray] | None:
    """By least squares, both 1 × C × 1 × 1, of the channels as they are or, if they do not do, reversed.

    None where the first layer is not linear, or its result is not to be had so.
    """
    trial, pair = clues.trial, clues.pair
    if trial is None or trial.candidate is None or len(pair.bottoms) > 1 or clues.bottoms[0][1] > MOST_CHANNELS:
        return None
    if not isinstance(layer_type(pair.layer), KERNELS) or not {one.type for one in pair.caffe[1:]} <= {"ReLU"}:
        return None
    setting = replace(trial.setting, layers=(pair.layer,))
    if setting.shape != trial.candidate.shape:
        return None
    x, sites = setting.bottoms[0].astype(np.float64), setting.sites()
    sites = sites[np.unique(np.linspace(0, len(sites) - 1, ESTIMATED).astype(int))]
    made = at_sites(trial.candidate, sites)
    if not np.isfinite(made).all():
        return None
    seen = made > 0 if len(pair.caffe) > 1 else np.ones(made.shape, bool)  # a ReLU hides the others

    def given(bottom: np.ndarray) -> np.ndarray:
        return replace(setting, bottoms=(bottom,)).define(sites).value[seen]

    bias = given(np.zeros_like(x))
    channels = np.eye(x.shape[1])[:, None, :, None, None]
    ones = [given(one * np.ones_like(x)) - bias for one in channels]
    for read in (x, x[:, ::-1]):
        terms = np.stack([*(given(one * read) - bias for one in channels), *ones], axis=1)
        size = np.sqrt(np.square(terms).sum(axis=0)) + np.finfo(np.float64).tiny
        solved, _, rank, _ = np.linalg.lstsq(terms / size, made[seen] - bias, rcond=None)
        left = made[seen] - bias - terms / size @ solved
        if rank == terms.shape[1] and np.abs(left).max() <= NEAR * np.abs(made).max():
            scale, offset = (solved / size).reshape(2, 1, -1, 1, 1)
            scale[np.isclose(scale, 1.0, rtol=NEAR, atol=0.0)] = 1.0
            offset[np.abs(offset) <= NEAR * np.abs(scale).max() * np.abs(x).max()] = 0.0
            return scale, offset
    return None


def _suspicion(
    node: KerasNode, code: str, summary: str, evidence: str, fix: str, fed: list[int], change: Change
) -> Suspicion:
    return Suspicion(code, summary, evidence, fix, node.name, stated=True, mistake=_on(fed, change))


def _on(fed: list[int], change: Change) -> Mistake:
    """A change of the bottoms that are inputs of the net."""
    return in_bottoms(lambda bottoms: [change(one) if place in fed else one for place, one in enumerate(bottoms)])


def _text(values: np.ndarray) -> str:
    flat = [float(f"{value:.6g}") for value in values.reshape(-1)]
    return f"{flat[0]:g}" if len(set(flat)) == 1 else str(flat)
