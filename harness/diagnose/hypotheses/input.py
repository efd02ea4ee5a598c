"""Preprocessing inside the Keras model, where Caffe's net is fed what was preprocessed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from harness.data import KerasNode
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.hypotheses.orientation import REORDERED
from harness.diagnose.setting import Mistake, in_bottoms
from harness.mapping.nodes import only_moves

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
    scale, offset = node.config.get("scale", 1.0), node.config.get("offset", 0.0)
    if not isinstance(scale, (int, float)) or not isinstance(offset, (int, float)):
        return
    said = f"{node.name}: scale={scale:g}, offset={offset:g}; Caffe's net begins with {clues.pair.layer.name}"
    fix = f"no {node.name}: Caffe is fed the same numbers without it"
    if scale != 1:
        yield _suspicion(
            node, "input.scale", f"the model multiplies its input by {scale:.6g}", said, fix, fed, lambda x: x * scale
        )
    if offset:
        yield _suspicion(
            node, "input.mean", f"the model adds {offset:g} to its input", said, fix, fed, lambda x: x + offset
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


def _suspicion(
    node: KerasNode, code: str, summary: str, evidence: str, fix: str, fed: list[int], change: Change
) -> Suspicion:
    return Suspicion(code, summary, evidence, fix, node.name, stated=True, mistake=_on(fed, change))


def _on(fed: list[int], change: Change) -> Mistake:
    """A change of the bottoms that are inputs of the net."""
    return in_bottoms(lambda bottoms: [change(one) if place in fed else one for place, one in enumerate(bottoms)])


def _text(values: np.ndarray) -> str:
    flat = np.round(values.reshape(-1), 4).tolist()
    return f"{flat[0]:g}" if len(set(flat)) == 1 else str(flat)
