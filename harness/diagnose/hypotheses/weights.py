"""The Keras layer's own kernel and bias held against Caffe's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data import Shape
from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.findings import Finding, compared, findings
from harness.diagnose.learned import caffe_bias, read_learned
from harness.diagnose.probing import probe
from harness.diagnose.setting import Mistake, all_of, in_blobs
from harness.layers import layer_type
from harness.layers.inner_product import InnerProduct
from harness.mapping import GLUE


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """What the variables say; where they cannot be read or are not all, what the layer gives for single pixels."""
    if not clues.learned:
        return
    own = None if _says_all(clues) else probe(clues)
    found = findings(clues) if own is None else compared(clues, own, _as_kernel(clues))
    for one in found:
        yield Suspicion(
            one.code,
            one.summary,
            one.evidence if own is None else f"read off from what Keras gives for single pixels, {one.evidence}",
            _fix(clues, one),
            clues.place,
            stated=own is None,
            weights=_mended(clues) if one.kernel is None and one.bias is None else {},
            mistake=_mistake(clues, one),
        )


def _says_all(clues: Clues) -> bool:
    """True if the Keras layer has a kernel that can be read, and nothing else in the segment has a hand in it."""
    main = clues.main
    if main is None or any(one is not main and one.class_name not in GLUE for one in clues.nodes):
        return False
    return read_learned(clues, clues.variables(main.name)) is not None


def _as_kernel(clues: Clues) -> Shape:
    """The shape of Caffe's kernel as Keras would hold it."""
    return layer_type(clues.pair.layer).keras_weights(clues.pair.layer, clues.blobs, clues.held)["kernel"].shape


def _mistake(clues: Clues, one: Finding) -> Mistake | None:
    """The finding as a change of Caffe's blobs."""
    steps = []
    kernel, bias, owner = one.kernel, one.bias, caffe_bias(clues)
    if kernel is not None:
        steps.append(in_blobs(lambda blobs: (kernel(blobs[0]), *blobs[1:])))
    if bias is not None and owner is not None:
        steps.append(in_blobs(lambda blobs: (*blobs[:-1], bias(blobs[-1])), owner.name))
    elif bias is not None:
        described = layer_type(clues.pair.layer)
        (top,) = described.output_shapes(clues.pair.layer, clues.bottoms)
        outputs = top[-1] if isinstance(described, InnerProduct) else top[1]
        steps.append(in_blobs(lambda blobs: (*blobs, bias(np.zeros(outputs, np.float32)))))
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
    layer, kernel = clues.pair.layer, clues.blobs[0]
    name = f"{clues.place}." if _says_all(clues) else ""
    keras_class = clues.main.class_name if clues.main is not None else ""
    if one.code == "bias.missing" and clues.main is not None and not clues.main.config.get("use_bias", True):
        return "use_bias=True"
    if one.kernel is None and one.bias is not None:
        owner = caffe_bias(clues)
        return f"{name}bias: {owner.name}'s blob {len(clues.weights.of(owner.name)) - 1}" if owner else "use_bias=False"
    if isinstance(layer_type(layer), InnerProduct):
        return f"{name}kernel: {_dense(clues)}"
    sides = ", ".join(str(axis) for axis in range(2, kernel.ndim))
    channels = "0, 1" if keras_class.startswith("Depthwise") else "1, 0"
    zeros = ", with zeros outside of its groups" if one.kernel is None else ""
    return f"{name}kernel: {layer.name}'s blob 0, transpose({sides}, {channels}){zeros}"


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
