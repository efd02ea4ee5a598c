"""The Keras layer's own kernel and bias held against Caffe's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.findings import Finding, findings
from harness.diagnose.learned import caffe_bias
from harness.diagnose.setting import Mistake, all_of, in_blobs
from harness.layers import layer_type
from harness.layers.inner_product import InnerProduct


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """What the variables say."""
    for one in findings(clues):
        yield Suspicion(
            one.code,
            one.summary,
            one.evidence,
            _fix(clues, one),
            clues.place,
            stated=True,
            weights=_mended(clues) if one.kernel is None and one.bias is None else {},
            mistake=_mistake(clues, one),
        )


def _mistake(clues: Clues, one: Finding) -> Mistake | None:
    """The finding as a change of Caffe's blobs."""
    steps = []
    kernel, bias, owner = one.kernel, one.bias, caffe_bias(clues)
    if kernel is not None:
        steps.append(in_blobs(lambda blobs: (kernel(blobs[0]), *blobs[1:])))
    if bias is not None and owner is not None:
        steps.append(in_blobs(lambda blobs: (*blobs[:-1], bias(blobs[-1])), owner.name))
    elif bias is not None:
        steps.append(in_blobs(lambda blobs: (*blobs, bias(np.zeros(1, np.float32)))))
    return all_of(*steps) if steps else None


def _mended(clues: Clues) -> dict[str, dict[str, np.ndarray]]:
    """The right kernel, where no blob of Caffe's would give the wrong one."""
    layer, main = clues.pair.layer, clues.main
    if main is None:
        return {}
    return {
        main.name: {
            "kernel": layer_type(layer).keras_weights(layer, clues.blobs, clues.held, main.class_name)["kernel"]
        }
    }


def _fix(clues: Clues, one: Finding) -> str:
    """The assignment to write."""
    layer, name, kernel = clues.pair.layer, clues.place, clues.blobs[0]
    keras_class = clues.main.class_name if clues.main is not None else ""
    if one.code == "bias.missing" and clues.main is not None and not clues.main.config.get("use_bias", True):
        return "use_bias=True"
    if one.kernel is None and one.bias is not None:
        owner = caffe_bias(clues)
        return (
            f"{name}.bias: {owner.name}'s blob {len(clues.weights.of(owner.name)) - 1}" if owner else "use_bias=False"
        )
    if isinstance(layer_type(layer), InnerProduct):
        return f"{name}.kernel: {_dense(clues)}"
    sides = ", ".join(str(axis) for axis in range(2, kernel.ndim))
    channels = "0, 1" if keras_class.startswith("Depthwise") else "1, 0"
    return f"{name}.kernel: {layer.name}'s blob 0, transpose({sides}, {channels})"


def _dense(clues: Clues) -> str:
    """A kernel whose terms are put into the order in which Keras flattens the bottom."""
    layer, held = clues.pair.layer, clues.held[0]
    blob = f"{layer.name}'s blob 0"
    if layer.parameters.inner_product_param.transpose:
        return blob
    if held.rank <= 2 or held.order == tuple(range(held.rank)):
        return f"{blob}, transposed"
    shape, order = ", ".join(map(str, held.shape[1:])), ", ".join(map(str, held.order))
    return (
        f"{blob}, reshape(-1, {shape}).transpose({order}), flattened to {clues.blobs[0].shape[-2]} rows and transposed"
    )
