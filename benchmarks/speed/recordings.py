"""Two recordings of one net, all metrics, rounding units among them; Caffe's N, C, H, W against N, H, W, C too."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.timing import Cost, Row, call, in_turn, row, times
from harness.caffe import load_weights, read_network, write_caffemodel
from harness.compare.folders import compare_recordings
from harness.convert.synthetic import synthetic_weights
from harness.data import Network, Recording
from harness.layers import layer_type
from harness.recording import RecordingWriter, load_top, read_recording

LAYERS = 4
NET = """
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: [1, 64, {size}, {size}] }} }} }}
"""
CONVOLUTION = """
layer {{ name: "conv{n}" type: "Convolution" bottom: "{before}" top: "conv{n}"
  convolution_param {{ num_output: 64 kernel_size: 3 pad: 1 }} }}
"""


def plain(reference: np.ndarray, candidate: np.ndarray, unit: np.ndarray, limit: float = 16.0) -> tuple[Any, ...]:
    """The same figures as a person writes them in NumPy: N, C, H, W, float64, an expression each."""
    ref, cand = reference.astype(np.float64), candidate.astype(np.float64)
    odd = (np.isfinite(ref) != np.isfinite(cand)) | (np.isnan(ref) != np.isnan(cand))
    diff = np.where(odd, 0.0, cand - ref)
    size = np.abs(diff)
    units = size / unit
    axes = (0, 2, 3)
    mean_ref, mean_diff = ref.mean(axes, keepdims=True), diff.mean(axes, keepdims=True)
    slope = ((ref - mean_ref) * (diff - mean_diff)).mean(axes) / ((ref - mean_ref) ** 2).mean(axes)
    systematic = np.sqrt((mean_diff.ravel() ** 2 + slope**2 * ref.var(axes)) / (unit**2).mean(axes))
    relative = np.sqrt((diff**2).sum(axes) / (ref**2).sum(axes))
    worst = np.unravel_index(units.argmax(), units.shape)
    return (
        size.max(),
        size.max() / np.abs(ref).max(),
        units.max(),
        np.sqrt((units**2).mean()),
        np.count_nonzero(units > limit),
        np.count_nonzero(odd),
        slope.max(),
        (mean_diff.ravel() - slope * mean_ref.ravel()).max(),
        systematic.max(),
        relative.max(),
        worst,
    )


def polygraphy_compare(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], object] | None:
    """`Comparator.compare_accuracy` with its defaults; None where Polygraphy is not installed."""
    try:
        from polygraphy.comparator import Comparator, IterationResult, RunResults
        from polygraphy.logger import G_LOGGER
    except ImportError:
        return None
    G_LOGGER.module_severity = G_LOGGER.CRITICAL
    results = RunResults()
    for side, name in enumerate(("reference", "candidate")):
        arrays = OrderedDict((f"conv{n}", pair[side]) for n, pair in enumerate(pairs))
        results.append((name, [IterationResult(arrays)]))
    return lambda: Comparator.compare_accuracy(results)


def measure(*, quick: bool) -> Iterator[Row]:
    """Numbers from a seed: the reference, and the same with an error of one part in ten million."""
    size = 120 if quick else 450
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network, weights = _net(folder, size)
        reference, candidate, turned = _recordings(folder, network, size)
        pairs = [
            (np.array(load_top(reference, f"conv{n}")), np.array(load_top(candidate, f"conv{n}")))
            for n in range(LAYERS)
        ]
        units = [_unit(network, weights, reference, n) for n in range(LAYERS)]

        def ours(other: Recording) -> Callable[[], Cost]:
            return lambda: call(lambda: compare_recordings(reference, other, network=network, weights=weights))

        jobs: dict[str, Callable[[], Cost]] = {
            "ours": ours(candidate),
            "turned": ours(turned),
            "sum": lambda: call(lambda: [(ref.sum(), cand.sum()) for ref, cand in pairs]),
            "close": lambda: call(lambda: [np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-3) for a, b in pairs]),
            "plain": lambda: call(lambda: [plain(*pair, unit) for pair, unit in zip(pairs, units, strict=True)]),
        }
        polygraphy = polygraphy_compare(pairs)
        if polygraphy is not None:
            jobs["polygraphy"] = lambda: call(polygraphy)
        costs = in_turn(1 if quick else 3, jobs)
    million = LAYERS * 64 * size * size / 1e6
    yield row(f"summing both sides, {million:.0f} million numbers each: the limit", costs["sum"])
    yield row("numpy.testing.assert_allclose: one yes or no", costs["close"], _faster(costs, "close"))
    yield row("plain NumPy, all metrics, units given", costs["plain"], _faster(costs, "plain"), "≥ 10× ours")
    if polygraphy is None:
        yield Row("Polygraphy's compare_accuracy: not measured, pip install -e '.[bench]'", 0.0, asked="≥ 50× ours")
    else:
        what = "Polygraphy's compare_accuracy"
        yield row(what, costs["polygraphy"], _faster(costs, "polygraphy"), "≥ 50× ours")
    yield row(
        "ours, from the files, units computed", costs["ours"], f"{times(costs['ours'], costs['sum']):.1f}× the sum"
    )
    what = "ours, the candidate N, H, W, C"
    yield row(what, costs["turned"], f"{times(costs['turned'], costs['sum']):.1f}× the sum")


def _faster(costs: dict[str, list[Cost]], peer: str) -> str:
    return f"{times(costs[peer], costs['ours']):.1f}× ours (CPU {times(costs[peer], costs['ours'], 'cpu'):.1f}×)"


def _net(folder: Path, size: int) -> tuple[Network, Any]:
    path = folder / "deploy.prototxt"
    layers = [CONVOLUTION.format(n=n, before=f"conv{n - 1}" if n else "data") for n in range(LAYERS)]
    path.write_text(NET.format(size=size) + "".join(layers))
    network = read_network(path)
    blobs = synthetic_weights(network, 0)
    write_caffemodel(folder / "w.caffemodel", "net", blobs, {layer.name: layer.type for layer in network.layers})
    return network, load_weights(folder / "w.caffemodel", network=network)


def _recordings(folder: Path, network: Network, size: int) -> tuple[Recording, Recording, Recording]:
    """The reference, the candidate as Caffe lays it out, and the candidate with its channels last."""
    rng = np.random.default_rng(0)
    (folder / "turned").mkdir()
    names = [layer.name for layer in network.layers]
    with (
        RecordingWriter(folder / "reference", engine="native", version="1") as one,
        RecordingWriter(folder / "candidate", engine="keras", version="1") as other,
    ):
        for layer in names:
            array = rng.standard_normal((1, 64, size, size), np.float32)
            near = array * (1 + 1e-7 * rng.standard_normal(array.shape, np.float32))
            kind = network[layer].type
            one.add(layer, kind, layer, array)
            other.add(layer, kind, layer, near)
            np.save(folder / "turned" / f"{layer}.npy", np.ascontiguousarray(np.moveaxis(near, 1, -1)))
    return one.recording, other.recording, read_recording(folder / "turned", foreign=True)


def _unit(network: Network, weights: Any, reference: Recording, n: int) -> np.ndarray:
    """The rounding units of a layer, N, C, H, W: handed to plain NumPy, which need not compute them."""
    layer = network[f"conv{n}"]
    bottom, top = layer.bottoms[0], load_top(reference, layer.name)
    unit = layer_type(layer).unit(layer, weights.of(layer.name), [load_top(reference, bottom.layer)], top)
    rows = unit.rows(0, top[:, 0].size)
    last = np.broadcast_to(rows, (len(rows), top.shape[1])).reshape(top.shape[0], *top.shape[2:], top.shape[1])
    return np.ascontiguousarray(np.moveaxis(last, -1, 1))
