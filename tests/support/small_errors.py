"""Small errors of well-known kinds: a layer, the same with one thing changed, and the verdict on it.

Each comes in several sizes, from plain to below what float32 keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from support import nets
from support.verdicts import judge_pair

from harness.data import LayerComparison
from harness.layers import layer_type

PICTURE = (1, 32, 28, 28)


@dataclass(frozen=True)
class Error:
    """A layer, and the same with one thing changed."""

    what: str
    kind: str
    right: str
    wrong: str | None = None  # the layer's parameters, if they are what is changed
    shape: tuple[int, ...] = PICTURE
    scale: float = 1.0  # of the numbers that the layer reads
    blobs: tuple[float, ...] = ()  # what each is full of, where they are not drawn
    change: tuple[int, str, float] | None = None  # which blob, how, by how much


def errors() -> Iterator[Error]:
    """All of them."""
    for variance in (0.1, 1.0, 10.0, 100.0, 1000.0):
        right = "batch_norm_param { use_global_stats: true eps: 1e-5 }"
        size = variance**0.5
        blobs = (0.3 * size, variance, 1.0)
        wrong = right.replace("1e-5", "2e-5")
        yield Error(f"epsilon 2e-5 for 1e-5, variance {variance:g}", "BatchNorm", right, wrong, scale=size, blobs=blobs)
        shift = (0, "+", 0.1)
        yield Error(f"mean off by 0.1, variance {variance:g}", "BatchNorm", right, None, PICTURE, size, blobs, shift)
    for alpha in (1e-4, 1e-2):
        for scale in (1.0, 10.0, 100.0):
            right = f"lrn_param {{ local_size: 5 alpha: {alpha:g} beta: 0.75 }}"
            wrong = f"lrn_param {{ local_size: 5 alpha: {1.01 * alpha:g} beta: 0.75 }}"
            yield Error(f"alpha {alpha:g} off by 1 %, numbers of {scale:g}", "LRN", right, wrong, scale=scale)
        wrong = f"lrn_param {{ local_size: 5 alpha: {alpha:g} beta: 0.7501 }}"
        yield Error(f"beta 0.7501 for 0.75, alpha {alpha:g}", "LRN", right, wrong, scale=10.0)
    bilinear = "convolution_param { num_output: 32 group: 32 kernel_size: 4 stride: 2 pad: 1 bias_term: false }"
    for share in (1e-2, 1e-4, 1e-6):
        yield Error(f"kernel off by {share:g}", "Deconvolution", bilinear, None, change=(0, "×", 1 + share))
        yield Error(f"one weight off by {share:g}", "Deconvolution", bilinear, None, change=(0, "one ×", 1 + share))
    conv = "convolution_param { num_output: 32 kernel_size: 3 pad: 1 }"
    dense = "inner_product_param { num_output: 1000 }"
    for share in (1e-2, 1e-4, 1e-5, 1e-6):
        for kind, parameters, shape in (("Convolution", conv, PICTURE), ("InnerProduct", dense, (1, 512))):
            yield Error(f"kernel off by {share:g}", kind, parameters, None, shape, change=(0, "×", 1 + share))
            yield Error(f"one weight off by {share:g}", kind, parameters, None, shape, change=(0, "one ×", 1 + share))
            yield Error(f"all biases off by {share:g}", kind, parameters, None, shape, change=(1, "+", share))
            yield Error(f"one bias off by {share:g}", kind, parameters, None, shape, change=(1, "one +", share))
    for kind, right, wrong in (
        ("ReLU", "relu_param { negative_slope: 0.1 }", "relu_param { negative_slope: 0.100001 }"),
        ("ELU", "elu_param { alpha: 1.5 }", "elu_param { alpha: 1.50001 }"),
        ("Power", "power_param { power: 2 scale: 0.5 shift: 1 }", "power_param { power: 2 scale: 0.5 shift: 1.00001 }"),
        ("MVN", "mvn_param { eps: 1e-9 }", "mvn_param { eps: 1e-5 }"),
        ("Exp", "exp_param { base: 2 }", "exp_param { base: 2.00001 }"),
    ):
        yield Error(
            f"{right.partition('{')[2].strip(' }')} as {wrong.partition('{')[2].strip(' }')}", kind, right, wrong
        )
    for shape in (PICTURE, (1, 1000)):
        yield Error(
            "one scale off by 1e-5",
            "Scale",
            "scale_param { bias_term: true }",
            None,
            shape,
            change=(0, "one ×", 1 + 1e-5),
        )


def judge_error(error: Error) -> tuple[LayerComparison, float]:
    """The verdict on Keras' wrong layer against the right definition, and the effect of what is wrong."""
    right = nets.single(error.kind, error.shape, error.right)
    wrong = nets.single(error.kind, error.shape, error.wrong or error.right)
    blobs = nets.random_blobs(right)
    if error.blobs:
        blobs = {
            "layer": tuple(np.full_like(one, value) for one, value in zip(blobs["layer"], error.blobs, strict=True))
        }
    changed = {name: _changed(own, error.change) for name, own in blobs.items()}
    inputs = {top: np.float32(error.scale) * array for top, array in nets.random_inputs(right).items()}
    layer, bottoms = right["layer"], list(inputs.values())
    exact = {
        which: nets.define_all(net, own, inputs)[net["layer"].tops[0]]
        for which, net, own in (("right", right, blobs), ("wrong", wrong, changed))
    }
    top = exact["right"].astype(np.float32)
    unit = layer_type(layer).unit(layer, blobs.get("layer", ()), bottoms, top)
    apart = np.abs(nets.rows(exact["wrong"]) - nets.rows(exact["right"]))
    row = judge_pair(right, nets.keras_model(wrong, changed), blobs, inputs, top)
    units = apart / unit.rows(0, len(apart))
    return row, float(np.sqrt(np.square(units).mean(axis=0)).max())


def _changed(blobs: nets.Blobs, change: tuple[int, str, float] | None) -> nets.Blobs:
    if change is None:
        return blobs
    which, how, amount = change
    array = blobs[which].copy()
    where = (0,) * array.ndim if how.startswith("one") else slice(None)
    array[where] = array[where] + np.float32(amount) if how.endswith("+") else array[where] * np.float32(amount)
    return (*blobs[:which], array, *blobs[which + 1 :])
