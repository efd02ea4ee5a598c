"""What the first stage's limits are chosen from: the rounding of right layers, and small errors that must be found.

    make limits            # the table of layers, random nets, the trained nets of HARNESS_MODEL_ZOO; then known errors

The first table is of layers that are right: by type, the largest figures that the first stage looks at, and how many layers
it sends on to float64. The second is of errors: the definition of a layer with one thing changed, computed by Keras, is
held against the definition of the layer as it is. `effect` is the difference of the two definitions, without any rounding:
its root mean square in the channel where it is largest, in units. An error of more than a unit that is let through is
MISSED, and the exit status is 1; one below is less than what summing in another order does, and not all are found.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import nets  # noqa: E402
from support.goldens import Goldens  # noqa: E402
from support.table import CONVERTIBLE  # noqa: E402
from support.verdicts import judge_pair  # noqa: E402

from benchmarks.random_nets.__main__ import run_nets  # noqa: E402
from harness import pipeline  # noqa: E402
from harness.compare import limits  # noqa: E402
from harness.data import Case, InputSource, LayerComparison, WeightsSource  # noqa: E402
from harness.engines import docker  # noqa: E402
from harness.engines.reference import Reference  # noqa: E402
from harness.layers import layer_type  # noqa: E402

RANDOM_NETS = 50
FIGURES = {
    "max_units": limits.MAX_UNITS,
    "rms_units": limits.RMS_UNITS,
    "channel_rms_units": limits.CHANNEL_RMS_UNITS,
    "systematic_units": limits.SYSTEMATIC_UNITS,
    "relative_rms": limits.RELATIVE,
}
"""What the first stage looks at, and its limits."""


@dataclass
class Figures:
    """The largest of each figure over the layers of one type."""

    layers: int = 0
    adjudicated: int = 0
    largest: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, row: LayerComparison) -> None:
        self.layers += 1
        self.adjudicated += row.judged_by == "float64"
        for name in FIGURES:
            self.largest[name] = max(self.largest[name], getattr(row.isolated, name) or 0.0)


# ---------------------------------------------------------------------------------------------- layers that are right


def right_layers() -> Iterator[LayerComparison]:
    """The table of layers against what Caffe gave; nets too, if the Caffe image is at hand."""
    goldens = Goldens(CONVERTIBLE)
    for entry in CONVERTIBLE:
        one, net = goldens[entry.id], entry.net
        blobs = {"layer": one.blobs} if one.blobs else {}
        model = nets.keras_model(net, blobs)
        if "layer" in {layer.name for layer in model.layers}:
            tops = {top.blob: array for top, array in zip(net["layer"].tops, one.tops, strict=True)}
            yield judge_pair(net, model, blobs, dict(zip(net.inputs, one.bottoms, strict=True)), tops)
    if docker.available(None) is not None:
        print("no container engine: the table of layers alone, without nets")
        return
    with tempfile.TemporaryDirectory() as folder:
        yield from run_nets(0, list(range(RANDOM_NETS)), Path(folder), "docker").layers
    options = pipeline.Options(reference=Reference(engine="docker"), mode="isolated")
    for case in trained():
        yield from pipeline.compare(case, options).layers


def trained() -> Iterable[Case]:
    """The trained nets that HARNESS_MODEL_ZOO names."""
    for prototxt in sorted(Path(os.environ.get("HARNESS_MODEL_ZOO", "/nowhere")).glob("*/deploy.prototxt")):
        weights = WeightsSource(caffemodel=prototxt.parent / "weights.caffemodel")
        yield Case(prototxt.parent.name, prototxt.parent, prototxt, "auto", weights, InputSource(seed=0))


# ---------------------------------------------------------------------------------------------- layers that are wrong


@dataclass(frozen=True)
class Error:
    """A layer, and the same with one thing changed."""

    what: str
    kind: str
    right: str
    wrong: str | None = None  # the layer's parameters, if they are what is changed
    shape: tuple[int, ...] = (1, 32, 28, 28)
    scale: float = 1.0  # of the numbers that the layer reads
    blobs: tuple[float | None, ...] = ()  # what they hold, None for what is drawn
    change: tuple[int, str, float] | None = None  # which blob, how, by how much


def errors() -> Iterator[Error]:
    """Small errors of well-known kinds, each from plain to below what float32 keeps."""
    for variance in (0.1, 1.0, 10.0, 100.0, 1000.0):
        right = "batch_norm_param { use_global_stats: true eps: 1e-5 }"
        size = variance**0.5
        blobs = (0.3 * size, variance, 1.0)
        wrong = right.replace("1e-5", "2e-5")
        yield Error(f"epsilon 2e-5 for 1e-5, variance {variance:g}", "BatchNorm", right, wrong, scale=size, blobs=blobs)
        yield Error(
            f"mean off by 0.1, variance {variance:g}",
            "BatchNorm",
            right,
            None,
            (1, 32, 28, 28),
            size,
            blobs,
            (0, "+", 0.1),
        )
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
        for kind, parameters, shape in (("Convolution", conv, (1, 32, 28, 28)), ("InnerProduct", dense, (1, 512))):
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
    for shape in ((1, 32, 28, 28), (1, 1000)):
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


def main() -> int:
    """Print both tables; 1 if an error that float32 shows is let through."""
    figures: dict[str, Figures] = defaultdict(Figures)
    for row in right_layers():
        if row.isolated is not None:
            figures[row.type].add(row)
    print(f"| right layers | | in float64 | {' | '.join(FIGURES)} |")
    print("| --- | ---: | ---: |" + " ---: |" * len(FIGURES))
    print(f"| limit | | | {' | '.join(f'{limit:g}' for limit in FIGURES.values())} |")
    for kind, one in sorted(figures.items()):
        cells = " | ".join(f"{value:.2g}" for value in one.largest.values())
        print(f"| {kind} | {one.layers} | {one.adjudicated} | {cells} |")
    print(f"\n| wrong layers | | effect | {' | '.join(FIGURES)} | |")
    print("| --- | --- | ---: |" + " ---: |" * len(FIGURES) + " --- |")
    missed = 0
    for error in errors():
        row, effect = judge_error(error)
        missed += not row.status.fails and effect > 1
        verdict = row.status.value if row.judged_by == "float64" else "MISSED" if effect > 1 else "let through"
        cells = " | ".join(f"{getattr(row.isolated, name) or 0:.2g}" for name in FIGURES)
        print(f"| {error.kind} | {error.what} | {effect:.2g} | {cells} | {verdict} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
