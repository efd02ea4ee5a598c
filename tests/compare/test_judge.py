"""The verdict on one layer: references are the plain loops' rounded results, candidates are real Keras layers."""

from __future__ import annotations

import numpy as np
import pytest
from support import loops, nets
from support.verdicts import judge_pair

from harness.compare import adjudicate
from harness.data import LayerComparison, Network, Status, Tolerance, Top
from harness.extras import import_keras

DATA = Top("data", "data")


class Conv:
    """A convolution with an odd size, a pad, and everything that is needed to judge it."""

    def __init__(self, shape=(1, 3, 7, 8), parameters: str = "num_output: 4 kernel_size: 3 pad: 1", relu: bool = False):
        text = nets.data(*shape) + nets.conv("data", "layer", parameters)
        self.net = nets.network(text + (nets.relu("layer") if relu else ""))
        self.blobs = nets.random_blobs(self.net)
        self.x = nets.random_inputs(self.net)[DATA]
        self.top = loops.convolution(self.x, *self.blobs["layer"], (1, 1), (1, 1), (1, 1), 1)
        if relu:
            self.top = loops.relu(self.top)
        self.top = self.top.astype(np.float32)

    def model(self, **changes):
        keras = import_keras()
        activation = "relu" if len(self.net.layers) > 2 else None
        arguments = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": activation, "name": "layer"}
        model = keras.Sequential(
            [keras.Input(np.moveaxis(self.x, 1, -1).shape[1:]), keras.layers.Conv2D(**arguments | changes)]
        )
        kernel, bias = self.blobs["layer"]
        nets.fill(model, {"layer": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}})
        return model

    def judge(self, model=None, top: np.ndarray | None = None, **options) -> LayerComparison:
        top = self.top if top is None else top
        return judge_pair(self.net, model or self.model(), self.blobs, {DATA: self.x}, top, **options)


def test_a_right_layer_matches_by_rounding() -> None:
    row = Conv().judge()
    assert (row.status, row.judged_by, row.float64, row.note) == (Status.MATCH, "rounding", None, None)
    assert (row.layer, row.type, row.keras, row.caffe) == ("layer", "Convolution", ("layer",), ("layer",))
    assert row.reference_shape == row.candidate_shape == (1, 4, 7, 8)
    assert row.isolated.mismatched == 0
    assert row.isolated.total == 4 * 7 * 8
    assert 0 < row.isolated.max_units < 8


def test_a_fused_activation_is_judged_with_its_layer() -> None:
    row = Conv(relu=True).judge()
    assert (row.status, row.caffe, row.top) == (Status.MATCH, ("layer", "relu"), "layer")


def test_strict_sends_a_right_layer_through_float64() -> None:
    row = Conv().judge(strict=True)
    assert (row.status, row.judged_by) == (Status.MATCH, "float64")
    assert row.float64.functions_max_rel < 1e-14
    assert row.float64.reference_units < 1
    assert row.float64.candidate_units < 1
    assert (row.float64.agrees, row.float64.reference_sound, row.float64.sampled) == (True, True, None)


def wrong_bias(conv: Conv):
    model = conv.model()
    bias = conv.blobs["layer"][1].copy()
    bias[2] += 1e-4
    nets.fill(model, {"layer": {"bias": bias}})
    return model


def scaled_kernel(conv: Conv):
    model = conv.model()
    nets.fill(model, {"layer": {"kernel": conv.blobs["layer"][0].transpose(2, 3, 1, 0) * np.float32(1 + 2e-5)}})
    return model


def one_weight(conv: Conv):
    model = conv.model()
    kernel = conv.blobs["layer"][0].transpose(2, 3, 1, 0).copy()
    kernel[0, 2, 1, 3] += 1e-4
    nets.fill(model, {"layer": {"kernel": kernel}})
    return model


def flipped_kernel(conv: Conv):
    model = conv.model()
    nets.fill(model, {"layer": {"kernel": conv.blobs["layer"][0].transpose(2, 3, 1, 0)[::-1, ::-1].copy()}})
    return model


def transposed_kernel(conv: Conv):
    model = conv.model()
    nets.fill(model, {"layer": {"kernel": conv.blobs["layer"][0].transpose(3, 2, 1, 0).copy()}})
    return model


def swapped_channels(conv: Conv):
    model = conv.model()
    nets.fill(model, {"layer": {"kernel": conv.blobs["layer"][0][:, ::-1].transpose(2, 3, 1, 0).copy()}})
    return model


@pytest.mark.parametrize(
    "fault", [wrong_bias, scaled_kernel, one_weight, flipped_kernel, transposed_kernel, swapped_channels]
)
def test_a_wrong_layer_diverges(fault) -> None:
    conv = Conv()
    row = conv.judge(fault(conv))
    assert (row.status, row.judged_by) == (Status.DIVERGES, "float64")
    assert not row.float64.agrees
    assert row.float64.reference_sound
    assert row.float64.functions_max_rel > 1e-6
    assert row.note is None


def test_a_missing_activation_diverges() -> None:
    conv = Conv(relu=True)
    assert conv.judge(conv.model(activation="leaky_relu")).status is Status.DIVERGES


def test_a_padding_of_another_kind_differs_in_the_border_only_and_diverges() -> None:
    """Stride 2 over an even size: "same" pads behind only, Caffe on both sides."""
    keras = import_keras()
    net = nets.single(
        "Convolution", (1, 3, 8, 8), "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 }"
    )
    blobs, x = nets.random_blobs(net), nets.random_inputs(net)[DATA]
    kernel, bias = blobs["layer"]
    top = loops.convolution(x, kernel, bias, (2, 2), (1, 1), (1, 1), 1).astype(np.float32)
    same = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, strides=2, padding="same", name="layer")]
    )
    nets.fill(same, {"layer": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}})
    assert judge_pair(net, same, blobs, {DATA: x}, top).status is Status.DIVERGES
    assert judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: x}, top).status is Status.MATCH


@pytest.mark.parametrize("index", [(0, 0, 0, 0), (0, 3, 6, 7), (0, 2, 3, 4)], ids=["first", "last", "middle"])
def test_one_wrong_element_of_the_reference_is_the_references_fault(index: tuple[int, ...]) -> None:
    conv = Conv()
    top = conv.top.copy()
    top[index] += 1e-3
    row = conv.judge(top=top)
    assert row.status is Status.DIVERGES
    assert (row.float64.agrees, row.float64.reference_sound) == (True, False)
    assert row.isolated.worst.index == index
    assert row.isolated.mismatched == 1
    assert row.note.startswith("the reference itself is ")
    assert row.note.endswith("the reference or the harness' definition is wrong, not the Keras layer")


def test_rounding_beyond_the_first_stage_is_found_honest_in_the_second() -> None:
    """All terms positive: Σ|w·x| is what bounds the error, ‖w‖·‖x‖ is smaller by √terms."""
    net = nets.single("Convolution", (1, 512, 3, 3), "convolution_param { num_output: 8 kernel_size: 3 }")
    kernel = np.full((8, 512, 3, 3), 0.1, np.float32)
    x = np.full((1, 512, 3, 3), 0.7, np.float32)
    blobs = {"layer": (kernel, np.zeros(8, np.float32))}
    one_by_one = np.float32(0)
    for product in (kernel[0] * x[0]).reshape(-1):
        one_by_one = np.float32(one_by_one + product)  # the worst order of summation, and a legal one
    model = nets.keras_model(net, blobs)
    (computed,) = nets.run_keras(net, blobs, {DATA: x})
    rounded_once = np.float32((kernel[0].astype(np.float64) * x[0]).sum())
    # Which order TensorFlow takes depends on the processor; on some it is the worst one too.
    farther = max((one_by_one, rounded_once), key=lambda total: abs(float(total) - float(computed.flat[0])))
    top = np.full((1, 8, 1, 1), farther, np.float32)
    row = judge_pair(net, model, blobs, {DATA: x}, top)
    assert row.isolated.max_units > 8, "the first stage must not be able to let it pass"
    assert (row.status, row.judged_by, row.note) == (Status.MATCH, "float64", None)
    assert row.float64.reference_sound
    assert row.float64.functions_max_rel < 1e-13


def test_another_shape() -> None:
    conv = Conv()
    row = conv.judge(conv.model(padding="valid"))
    assert (row.status, row.isolated) == (Status.SHAPE, None)
    assert (row.reference_shape, row.candidate_shape) == ((1, 4, 7, 8), (1, 4, 5, 6))


def test_nan_in_the_candidate() -> None:
    conv = Conv()
    model = conv.model()
    bias = conv.blobs["layer"][1].copy()
    bias[1] = np.nan
    nets.fill(model, {"layer": {"bias": bias}})
    row = conv.judge(model)
    assert row.status is Status.NONFINITE
    assert row.isolated.nonfinite == 7 * 8


def test_infinity_alike_on_both_sides_is_a_match_in_either_stage() -> None:
    conv = Conv()
    kernel, bias = conv.blobs["layer"]
    bias = bias.copy()
    bias[0] = np.inf
    conv.blobs = {"layer": (kernel, bias)}
    conv.top[:, 0] = np.inf
    assert conv.judge().status is Status.MATCH
    assert conv.judge(strict=True).float64.agrees


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        (Tolerance(atol=1e-3), Status.MATCH),
        (Tolerance(rtol=10.0), Status.MATCH),
        (Tolerance(atol=1e-6), Status.DIVERGES),
    ],
)
def test_a_users_tolerance_goes_in_place_of_rounding_units(tolerance: Tolerance, status: Status) -> None:
    conv = Conv()
    row = conv.judge(wrong_bias(conv), tolerance=tolerance)
    assert (row.status, row.judged_by, row.float64) == (status, "user", None)


def pooling() -> tuple[Network, np.ndarray, np.ndarray]:
    net = nets.single("Pooling", (1, 2, 7, 9), "pooling_param { kernel_size: 2 stride: 2 }")
    x = nets.random_inputs(net)[DATA]
    return net, x, loops.pooling(x, (2, 2), (2, 2), (0, 0), average=False).astype(np.float32)


def test_exact_kinds_agree_to_the_bit() -> None:
    net, x, top = pooling()
    row = judge_pair(net, nets.keras_model(net, {}), {}, {DATA: x}, top)
    assert (row.status, row.judged_by) == (Status.MATCH, "exact")
    assert (row.isolated.max_units, row.isolated.mismatched) == (None, 0)


def test_pooling_rounded_down_has_another_shape() -> None:
    keras = import_keras()
    net, x, top = pooling()
    model = keras.Sequential([keras.Input((7, 9, 2)), keras.layers.MaxPooling2D(2, name="layer")])
    row = judge_pair(net, model, {}, {DATA: x}, top)
    assert (row.status, row.reference_shape, row.candidate_shape) == (Status.SHAPE, (1, 2, 4, 5), (1, 2, 3, 4))


def test_average_for_maximum_diverges() -> None:
    keras = import_keras()
    net, x, top = pooling()
    model = keras.Sequential([keras.Input((7, 9, 2)), keras.layers.AveragePooling2D(2, padding="same", name="layer")])
    assert judge_pair(net, model, {}, {DATA: x}, top).status is Status.DIVERGES


def test_what_overflows_float32_on_both_sides_is_no_error() -> None:
    """float64 has a number where float32 has infinity, and the definition must not be held against it."""
    net = nets.single("InnerProduct", (2, 2), "inner_product_param { num_output: 2 bias_term: false }")
    blobs = {"layer": (np.array([[1e20, 1.0], [-1e20, 3e20]], np.float32),)}
    x = np.array([[1e20, 2.0], [3.0, 1e19]], np.float32)
    top = np.array([[np.inf, -np.inf], [3e20 + 1e19, np.inf]], np.float32)  # 1e40, −1e40; 3e39
    row = judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: x}, top, strict=True)
    assert (row.status, row.judged_by, row.note) == (Status.MATCH, "float64", None)
    finite = np.where(np.isinf(top), np.float32(3e38), top)
    row = judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: x}, finite, strict=True)
    assert (row.status, row.isolated.nonfinite) == (Status.NONFINITE, 3)


def test_what_is_no_number_on_both_sides_is_no_error() -> None:
    net = nets.single("Sigmoid", (1, 3, 2, 2))
    x = np.array([np.nan, np.inf, -np.inf, 0.0] * 3, np.float32).reshape(1, 3, 2, 2)
    top = np.array([np.nan, 1.0, 0.0, 0.5] * 3, np.float32).reshape(1, 3, 2, 2)
    row = judge_pair(net, nets.keras_model(net, {}), {}, {DATA: x}, top, strict=True)
    assert (row.status, row.judged_by, row.float64.agrees, row.note) == (Status.MATCH, "float64", True, None)


# -------------------------------------------------------------------------------- layers too large for the whole


@pytest.mark.parametrize("fault", [None, wrong_bias, one_weight, flipped_kernel])
def test_a_sample_and_a_crop_decide_like_the_whole(monkeypatch: pytest.MonkeyPatch, fault) -> None:
    conv = Conv(shape=(2, 3, 23, 26))
    model = fault(conv) if fault else conv.model()
    whole = conv.judge(model, strict=True)
    monkeypatch.setattr(adjudicate, "WHOLE", 0)
    monkeypatch.setattr(adjudicate, "SAMPLE", 50)
    sampled = conv.judge(model, strict=True)
    assert whole.sampled is None
    assert 50 * 4 <= sampled.sampled < 2 * 4 * 23 * 26
    assert sampled.status is whole.status is (Status.DIVERGES if fault else Status.MATCH)
    assert sampled.float64.agrees is whole.float64.agrees


def test_the_sample_holds_corners_borders_and_the_worst_site() -> None:
    shape = (2, 30, 40, 4)
    worst = int(np.ravel_multi_index((1, 17, 23), shape[:-1]))
    sites = {tuple(int(i) for i in site) for site in adjudicate._sample_sites(shape, worst, seed=0)}
    assert {(0, 0, 0), (0, 29, 39), (1, 29, 0), (1, 0, 39), (0, 15, 0), (0, 0, 20), (1, 17, 23)} <= sites
    assert len(sites) <= adjudicate.SAMPLE + 28
    again = {tuple(int(i) for i in site) for site in adjudicate._sample_sites(shape, worst, seed=0)}
    assert sites == again


@pytest.mark.parametrize("entry_id", ["stride", "pool", "deconv", "ip", "softmax"])
def test_other_types_by_sample(monkeypatch: pytest.MonkeyPatch, entry_id: str) -> None:
    kind, shape, parameters, top_of = {
        "stride": (
            "Convolution",
            (1, 2, 21, 24),
            "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }",
            lambda x, w, b: loops.convolution(x, w, b, (2, 2), (0, 0), (1, 1), 1),
        ),
        "pool": (
            "Pooling",
            (1, 2, 21, 23),
            "pooling_param { kernel_size: 2 stride: 2 }",
            lambda x: loops.pooling(x, (2, 2), (2, 2), (0, 0), average=False),
        ),
        "deconv": (
            "Deconvolution",
            (1, 2, 11, 12),
            "convolution_param { num_output: 2 kernel_size: 4 stride: 2 pad: 1 }",
            lambda x, w, b: loops.deconvolution(x, w, b, (2, 2), (1, 1), (1, 1), 1),
        ),
        "ip": ("InnerProduct", (2, 3, 4, 5), "inner_product_param { num_output: 6 }", loops.inner_product),
        "softmax": ("Softmax", (1, 4, 20, 21), "", loops.softmax),
    }[entry_id]
    net = nets.single(kind, shape, parameters)
    blobs, x = nets.random_blobs(net), nets.random_inputs(net)[DATA]
    top = top_of(x, *blobs.get("layer", ())).astype(np.float32)
    monkeypatch.setattr(adjudicate, "WHOLE", 0)
    monkeypatch.setattr(adjudicate, "SAMPLE", 20)
    row = judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: x}, top, strict=True)
    assert (row.status, row.judged_by, row.note) == (Status.MATCH, "float64", None)


# -------------------------------------------------------------------- no number, or infinity, on one side only


def test_what_rounding_takes_over_the_edge_of_float32_is_no_fault() -> None:
    """The exact result is within rounding of 2¹²⁸, where float32's infinity begins: one order of summation reaches it."""
    net = nets.single("InnerProduct", (1, 3), "inner_product_param { num_output: 1 bias_term: false }")
    largest = np.finfo(np.float32).max
    blobs = {"layer": (np.ones((1, 3), np.float32),)}
    ulp = largest - np.nextafter(largest, np.float32(0))
    x = np.array(
        [[largest, ulp / 4, ulp / 4]], np.float32
    )  # exactly halfway: one by one it stays, taken together it goes
    model = nets.keras_model(net, blobs)
    (computed,) = nets.run_keras(net, blobs, {DATA: x})
    other = np.float32(np.inf) if np.isfinite(computed).all() else largest
    row = judge_pair(net, model, blobs, {DATA: x}, np.full((1, 1), other, np.float32))
    assert row.isolated.nonfinite == 1
    assert (row.status, row.judged_by, row.note) == (Status.MATCH, "float64", None)


def test_a_logarithm_of_what_one_side_flushes_to_zero_is_no_fault() -> None:
    net = nets.single("Log", (1, 2, 4, 4))
    x = np.full((1, 2, 4, 4), 2.0, np.float32)
    x[0, 1, 2, 3] = 1e-39
    model = nets.keras_model(net, {})
    top = np.log(x.astype(np.float64)).astype(np.float32)
    (computed,) = nets.run_keras(net, {}, {DATA: x})
    if np.isfinite(computed).all():  # TensorFlow kept the denormal; then Caffe is the one that flushed it
        top[0, 1, 2, 3] = -np.inf
    row = judge_pair(net, model, {}, {DATA: x}, top)
    assert row.isolated.nonfinite == 1
    assert (row.status, row.judged_by) == (Status.MATCH, "float64")


def test_a_number_that_the_candidate_alone_does_not_have_is_a_fault() -> None:
    """log(x) for log(x + 1), at a zero."""
    net = nets.single("Log", (1, 2, 4, 4), "log_param { shift: 1 }")
    x = np.abs(nets.random_inputs(net)[DATA])
    x[0, 1, 2, 3] = 0.0
    wrong = nets.keras_model(nets.single("Log", (1, 2, 4, 4)), {})
    top = np.log1p(x.astype(np.float64)).astype(np.float32)
    row = judge_pair(net, wrong, {}, {DATA: x}, top)
    assert (row.status, row.judged_by, row.isolated.nonfinite) == (Status.NONFINITE, "exact", 1)
