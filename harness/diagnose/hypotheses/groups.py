"""Groups of channels: lost, of another number, or made of other channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.diagnose.clues import Clues, Suspicion
from harness.diagnose.hypotheses.window import caffe_kernel
from harness.diagnose.setting import Mistake, all_of, in_blobs, in_bottoms, in_parameters, in_result
from harness.layers import layer_type
from harness.layers.base import Exact, Index
from harness.layers.convolution import Convolution


def suspect(clues: Clues) -> Iterator[Suspicion]:
    """Hold the number of groups against Caffe's, then try other ways to split the channels."""
    layer, described = clues.pair.layer, layer_type(clues.pair.layer)
    if not isinstance(described, Convolution):
        return
    group = described.group(layer, clues.bottoms[0])
    yield from _stated(clues, group)
    if group > 1 and clues.trial is not None:
        yield from _split_otherwise(clues, group, clues.bottoms[0][1], described.outputs(layer, clues.bottoms[0]))


def _stated(clues: Clues, group: int) -> Iterator[Suspicion]:
    node, layer = clues.main, clues.pair.layer
    if node is None or node.class_name not in ("Conv1D", "Conv2D", "Conv3D"):
        return
    theirs = int(node.config.get("groups") or 1)
    if theirs == group:
        return
    kernel = clues.variables(node.name).get("kernel")
    if kernel is not None and theirs == 1 and _is_blocked(kernel, group):
        return  # a full kernel with zeros outside of the groups says the same
    yield Suspicion(
        "groups",
        f"Keras has groups={theirs}, Caffe group {group}",
        f"{layer.name}: group {group} in the prototxt",
        f"groups={group}",
        node.name,
        stated=True,
        mistake=None if kernel is None else _with_kernel(kernel, theirs),
    )


def _with_kernel(kernel: np.ndarray, groups: int) -> Mistake:
    """Keras' own kernel, which is of another shape than Caffe's, with as many groups."""
    return all_of(
        in_parameters("convolution_param", group=groups),
        in_blobs(lambda blobs: [caffe_kernel(kernel, depthwise=False), *blobs[1:]]),
    )


def _is_blocked(kernel: np.ndarray, group: int) -> bool:
    """True if all is zero outside of the groups."""
    inputs, outputs = kernel.shape[-2:]
    if inputs % group or outputs % group:
        return False
    blocks = kernel.reshape(-1, group, inputs // group, group, outputs // group)
    outside = ~np.eye(group, dtype=bool)
    return not np.any(np.moveaxis(blocks, (1, 3), (0, 1))[outside])


def _split_otherwise(clues: Clues, group: int, inputs: int, outputs: int) -> Iterator[Suspicion]:
    layer = clues.pair.layer
    apart = np.arange(inputs).reshape(-1, group).T.reshape(-1)  # group g takes channels g, g + group, …
    across = np.arange(outputs).reshape(group, -1).T.reshape(-1)  # the first of each group first
    back = np.arange(inputs).reshape(group, -1)[::-1].reshape(-1)
    ways: Sequence[tuple[str, Mistake]] = (
        (f"Keras gives a group every {group}th channel, Caffe channels that lie together", _inputs(apart)),
        (f"Keras' outputs take turns between the {group} groups, Caffe's lie together", _outputs(across)),
        (
            f"Keras gives a group every {group}th channel and its outputs take turns, Caffe's lie together",
            all_of(_inputs(apart), _outputs(across)),
        ),
        ("Keras takes the groups of channels in the reverse order", _inputs(back)),
    )
    for summary, mistake in ways:
        yield Suspicion(
            "groups",
            summary,
            f"{layer.name}: group {group} over {inputs} channels in the prototxt; with the channels split so its "
            "definition gives what Keras gives",
            f"groups={group} in Conv2D, which splits the channels as Caffe does",
            clues.place,
            mistake=mistake,
        )
    yield Suspicion(
        "groups",
        f"Keras lets every output see all {inputs} channels, with the groups' kernels repeated",
        f"{layer.name}: group {group} in the prototxt",
        f"groups={group}",
        clues.place,
        mistake=all_of(
            in_parameters("convolution_param", group=1),
            in_blobs(lambda blobs: [np.tile(blobs[0], (1, group, *(1,) * (blobs[0].ndim - 2))), *blobs[1:]]),
        ),
    )


def _inputs(order: np.ndarray) -> Mistake:
    return in_bottoms(lambda bottoms: [bottoms[0][:, order], *bottoms[1:]])


def _outputs(order: np.ndarray) -> Mistake:
    def turn(exact: Exact, sites: Index) -> Exact:
        return Exact(exact.value[:, order], exact.scale[:, order], exact.terms, exact.floor)

    return in_result(turn)
