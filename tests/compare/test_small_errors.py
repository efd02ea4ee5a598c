"""Small and rare errors are found; what is unusual and right is not called wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support import loops, nets
from support.small_errors import Error, errors, judge_error
from support.verdicts import judge_pair

from harness.compare import adjudicate, limits
from harness.data import LayerComparison, Network, Status, Top

DATA = Top("data", "data")
FOUND_BY_FLOAT32 = 1.0
"""Root mean square effect in a channel, in units, from which an error must be found."""


@pytest.mark.parametrize("error", [pytest.param(one, id=f"{one.kind} {one.what} {one.shape}") for one in errors()])
def test_what_float32_shows_is_found(error: Error) -> None:
    row, effect = judge_error(error)
    if effect > FOUND_BY_FLOAT32:
        assert (row.status, row.judged_by) == (Status.DIVERGES, "float64")
    else:  # below rounding: whether it is found depends on the other numbers, but it is never called rounding by float64
        assert row.status is Status.DIVERGES or row.judged_by == "rounding"
        assert row.isolated.max_units <= max(limits.MAX_UNITS, 8 * effect)


def convolved(shape=(1, 8, 40, 50), outputs: int = 6, seed: int = 0) -> tuple[Network, dict, np.ndarray]:
    net = nets.single("Convolution", shape, f"convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 }}")
    return net, nets.random_blobs(net, seed), nets.random_inputs(net)[DATA]


def judged(net: Network, blobs: dict, x: np.ndarray, spoil: Callable[[np.ndarray], None]) -> LayerComparison:
    """Keras' right layer, spoilt after it was computed, against the definition rounded once."""
    top = nets.define_all(net, blobs, {DATA: x})[net["layer"].tops[0]].astype(np.float32)

    def spoilt(computed: np.ndarray) -> np.ndarray:
        computed = np.array(computed)
        spoil(computed)
        return computed

    return judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: x}, top, spoil=spoilt)


SPOILT: dict[str, tuple[slice | int, ...]] = {
    "one element": (0, 17, 23, 4),
    "one border row": (slice(None), -1),
    "one border column": (slice(None), slice(None), 0),
    "one channel": (..., 3),
}


@pytest.mark.parametrize("place", SPOILT)
def test_what_is_wrong_in_a_few_places_is_found(place: str) -> None:
    """By a few times what an unlucky order of summation could give: 73 roundings of Σ|w·x|, which is about 6."""
    net, blobs, x = convolved()

    def wrong(array: np.ndarray) -> None:
        array[SPOILT[place]] += np.float32(1e-4)

    clean = judged(net, blobs, x, lambda array: None)
    assert (clean.status, clean.judged_by) == (Status.MATCH, "rounding")
    row = judged(net, blobs, x, wrong)
    assert (row.status, row.judged_by, row.float64.agrees) == (Status.DIVERGES, "float64", False)
    assert row.float64.functions_max_rel < 1e-14


@pytest.mark.slow
@pytest.mark.parametrize("index", [(0, 0, 0, 0), (0, 999, 999, 9), (0, 500, 321, 7)], ids=["first", "last", "middle"])
def test_one_wrong_element_in_ten_million(monkeypatch: pytest.MonkeyPatch, index: tuple[int, ...]) -> None:
    """Found by its size among all, and then in the sample that float64 takes."""
    monkeypatch.setattr(adjudicate, "WHOLE", 0)
    net = nets.single("Convolution", (1, 3, 1000, 1000), "convolution_param { num_output: 10 kernel_size: 1 }")
    blobs, x = nets.random_blobs(net), nets.random_inputs(net)[DATA]

    def wrong(array: np.ndarray) -> None:
        array[index] += np.float32(1e-4)

    row = judged(net, blobs, x, wrong)
    assert row.isolated.total == 10_000_000
    assert row.isolated.mismatched == 1
    assert (row.status, row.float64.agrees, row.float64.reference_sound) == (Status.DIVERGES, False, True)
    n, y, x_, c = index
    assert row.isolated.worst.index == (n, c, y, x_)


def test_one_output_of_a_thousand_is_found_by_float64() -> None:
    """One item, a thousand channels of one site each: a wrong bias is one wrong number."""
    net = nets.single("InnerProduct", (1, 512), "inner_product_param { num_output: 1000 }")
    blobs, x = nets.random_blobs(net), nets.random_inputs(net)[DATA]
    model = nets.keras_model(net, blobs)
    bias = blobs["layer"][1].copy()
    bias[123] += np.float32(1e-6)
    nets.fill(model, {"layer": {"bias": bias}})
    top = loops.inner_product(x, *blobs["layer"]).astype(np.float32)
    row = judge_pair(net, model, blobs, {DATA: x}, top)
    assert row.isolated.max_units < limits.MAX_UNITS
    assert (row.status, row.judged_by) == (Status.DIVERGES, "float64")


# ------------------------------------------------------------------------------------------- unusual, and right


def photograph(seed: int = 0) -> np.ndarray:
    """Smooth, positive and far from zero, as pictures are: 1 × 3 × 40 × 50."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:40, 0:50]
    waves = [rng.uniform(0.5, 1) * np.sin(rng.uniform(0, 0.3) * rows + rng.uniform(0, 0.3) * columns) for _ in range(9)]
    return (100 + 30 * np.array([sum(waves[k::3]) for k in range(3)])[None]).astype(np.float32)


def flat(x: np.ndarray) -> np.ndarray:
    return np.full_like(x, 127.0)


def letterboxed(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[:, :, :10] = x[:, :, -10:] = -104.0
    return x


def blank(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


def denormal(x: np.ndarray) -> np.ndarray:
    return (x * np.float32(1e-41)).astype(np.float32)


PICTURES = [lambda x: x, flat, letterboxed, blank, denormal]
LAYERS = {
    "convolution": ("Convolution", "convolution_param { num_output: 16 kernel_size: 5 pad: 2 stride: 2 }"),
    "deconvolution": ("Deconvolution", "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }"),
    "average": ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    "global average": ("Pooling", "pooling_param { pool: AVE global_pooling: true }"),
    "lrn": ("LRN", "lrn_param { local_size: 3 alpha: 1e-4 }"),
    "mvn": ("MVN", "mvn_param { eps: 1e-5 }"),
    "batch norm": ("BatchNorm", "batch_norm_param { use_global_stats: true }"),
    "softmax": ("Softmax", ""),
    "dense": ("InnerProduct", "inner_product_param { num_output: 30 }"),
    "sigmoid": ("Sigmoid", ""),
}


@pytest.mark.parametrize("picture", PICTURES, ids=["photograph", "flat", "letterboxed", "blank", "denormal"])
@pytest.mark.parametrize("layer", LAYERS)
def test_pictures_of_all_kinds_are_no_false_alarm(layer: str, picture: Callable[[np.ndarray], np.ndarray]) -> None:
    kind, parameters = LAYERS[layer]
    net = nets.single(kind, (1, 3, 40, 50), parameters)
    blobs = nets.random_blobs(net)
    row = judged(net, blobs, picture(photograph()), lambda array: None)
    assert (row.status, row.isolated.nonfinite) == (Status.MATCH, 0)


@pytest.mark.parametrize("spread", [0.0, 0.5], ids=["constant", "uniform"])
def test_all_positive_weights_of_512_channels(spread: float) -> None:
    """4,608 products of one sign: the sum's roundings are of partial sums as large as the whole."""
    rng = np.random.default_rng(0)
    net = nets.single("Convolution", (1, 512, 7, 7), "convolution_param { num_output: 8 kernel_size: 3 }")
    kernel = (0.1 + spread * rng.uniform(size=(8, 512, 3, 3))).astype(np.float32)
    x = (0.7 + spread * rng.uniform(size=(1, 512, 7, 7))).astype(np.float32)
    blobs = {"layer": (kernel, np.zeros(8, np.float32))}
    assert judged(net, blobs, x, lambda array: None).status is Status.MATCH


def test_dead_channels() -> None:
    """Weights of 1e-39, as training with weight decay leaves them: the products are denormal."""
    net, blobs, x = convolved()
    kernel, bias = (one.copy() for one in blobs["layer"])
    kernel[2], bias[2] = 1e-39, 0.0
    kernel[4], bias[4] = 0.0, 0.0
    row = judged(net, {"layer": (kernel, bias)}, x, lambda array: array[..., 2].fill(0.0))
    assert (row.status, row.judged_by) == (Status.MATCH, "rounding")


@pytest.mark.parametrize("size", [30.0, 100.0, 1e4])
def test_a_saturated_softmax(size: float) -> None:
    """One class has it all; the others are far below float32's smallest."""
    net = nets.single("Softmax", (1, 21, 8, 8))
    x = (size * nets.random_inputs(net)[DATA]).astype(np.float32)
    assert judged(net, {}, x, lambda array: None).status is Status.MATCH
