"""BatchNorm, Scale and their kin: which Keras layers they become, what is found wrong, and what is let through."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from support import nets
from support.table import ALL, Entry, expected_tops
from support.verdicts import judge_pair

from harness.convert.plan import plan
from harness.convert.source import write_source
from harness.data import KerasNode, LayerComparison, Network, Status, Top
from harness.errors import UnsupportedError
from harness.extras import import_keras
from harness.layers import layer_type
from harness.layers.base import gamma
from harness.layers.shapes import blob_shapes, infer_shapes
from harness.layout import Held, caffe_order

DATA = Top("data", "data")
SHAPE = (2, 6, 9, 10)
BATCH_NORM = nets.data(*SHAPE) + nets.layer("BatchNorm", "data", "layer")
SCALED = BATCH_NORM + nets.layer("Scale", "layer", "scale", "scale_param { bias_term: true }", top="layer")


# ------------------------------------------------------------------------------------------ right and wrong layers


class Normalized:
    """A BatchNorm of variance 1, with or without a Scale behind it, as Caffe computes it in float32."""

    def __init__(self, text: str = BATCH_NORM, mean: float = 0.0, weight: float = 1.0) -> None:
        rng = np.random.default_rng(5)
        self.net = nets.network(text)
        self.x = (rng.normal(size=SHAPE) + mean).astype(np.float32)
        channels = SHAPE[1]
        mean_c = (mean + 0.3 * rng.normal(size=channels)) * weight
        self.blobs = {"layer": tuple(np.float32(one) for one in (mean_c, np.full(channels, weight), [weight]))}
        y = self._normal(self.x)
        if text != BATCH_NORM:
            scale, bias = np.float32(rng.uniform(0.5, 2, channels)), np.float32(rng.normal(size=channels))
            self.blobs["scale"] = (scale, bias)
            y = y * scale.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1)
        self.top = y

    def _normal(self, x: np.ndarray) -> np.ndarray:
        mean, variance, weight = self.blobs["layer"]
        share = np.float32(1) / weight
        mean, variance = (mean * share).reshape(1, -1, 1, 1), (variance * share).reshape(1, -1, 1, 1)
        return (x - mean) / np.sqrt(variance + np.float32(1e-5))

    def model(self, change: Callable[[dict[str, np.ndarray]], None] = lambda variables: None, **arguments: object):
        """Keras' BatchNormalization with this one's numbers, changed."""
        keras = import_keras()
        scaled = "scale" in self.blobs
        options = {"epsilon": 1e-5, "center": scaled, "scale": scaled, "name": "layer"} | arguments
        model = keras.Sequential([keras.Input((None, None, SHAPE[1])), keras.layers.BatchNormalization(**options)])
        mean, variance, weight = self.blobs["layer"]
        share = np.float32(1) / weight
        variables = {"moving_mean": mean * share, "moving_variance": variance * share}
        if scaled:
            variables |= dict(zip(("gamma", "beta"), self.blobs["scale"], strict=True))
        change(variables)
        taken = {variable.name for variable in model.get_layer("layer").weights}
        nets.fill(model, {"layer": {name: array for name, array in variables.items() if name in taken}})
        return model

    def judge(self, model, **options) -> LayerComparison:
        return judge_pair(self.net, model, self.blobs, {DATA: self.x}, self.top, **options)


@pytest.mark.parametrize("text", [BATCH_NORM, SCALED], ids=["alone", "with its Scale"])
@pytest.mark.parametrize("mean", [0.0, 5.0, 30.0])
@pytest.mark.parametrize("weight", [1.0, 999.982])
def test_a_right_batch_normalization_matches_by_rounding(text: str, mean: float, weight: float) -> None:
    case = Normalized(text, mean, weight)
    row = case.judge(case.model())
    assert (row.status, row.judged_by, row.note) == (Status.MATCH, "rounding", None)
    assert row.caffe == (("layer", "scale") if text == SCALED else ("layer",))
    assert 0 < row.isolated.max_units < 1
    strict = case.judge(case.model(), strict=True)
    assert (strict.status, strict.judged_by) == (Status.MATCH, "float64")
    assert strict.float64.functions_max_rel < 1e-12, "eps is 1e-5 in float32 for Caffe, in float64 for Keras"


@pytest.mark.parametrize("text", [BATCH_NORM, SCALED], ids=["alone", "with its Scale"])
@pytest.mark.parametrize("mean", [0.0, 5.0, 20.0])
def test_an_epsilon_of_2e_5_for_1e_5_is_found_in_float64(text: str, mean: float) -> None:
    """1/√(1 + 2e-5) is 5e-6 less than 1/√(1 + 1e-5): 84 rounding units of float32, forty thousand million of float64."""
    case = Normalized(text, mean)
    row = case.judge(case.model(epsilon=2e-5))
    assert (row.status, row.judged_by, row.float64.reference_sound) == (Status.DIVERGES, "float64", True)
    if not mean and text == BATCH_NORM:
        assert row.float64.functions_max_rel == pytest.approx(5e-6, rel=0.1)
    assert row.float64.functions_max_rel > 1e-7


def a_tenth_of_a_deviation(variables: dict[str, np.ndarray]) -> None:
    variables["moving_mean"] = variables["moving_mean"] + np.float32(0.1)


def one_mean(variables: dict[str, np.ndarray]) -> None:
    variables["moving_mean"][3] += np.float32(1e-4)


def deviation_for_variance(variables: dict[str, np.ndarray]) -> None:
    variables["moving_variance"] = 1.1 * variables["moving_variance"]


def no_gamma(variables: dict[str, np.ndarray]) -> None:
    variables["gamma"] = np.ones_like(variables["gamma"])


def exchanged(variables: dict[str, np.ndarray]) -> None:
    variables["gamma"], variables["beta"] = variables["beta"], variables["gamma"]


def sums_for_means(variables: dict[str, np.ndarray]) -> None:
    variables["moving_mean"] = variables["moving_mean"] * np.float32(1.01)
    variables["moving_variance"] = variables["moving_variance"] * np.float32(1.01)


@pytest.mark.parametrize(
    "fault", [a_tenth_of_a_deviation, one_mean, deviation_for_variance, no_gamma, exchanged, sums_for_means]
)
def test_wrong_numbers_diverge(fault) -> None:
    case = Normalized(SCALED, mean=1.0)
    row = case.judge(case.model(fault))
    assert (row.status, row.judged_by) == (Status.DIVERGES, "float64")
    assert not row.float64.agrees
    assert row.float64.reference_sound


@pytest.mark.parametrize("lost", ["scale", "center"])
def test_a_lost_gamma_or_beta_diverges_where_the_other_is_there(lost: str) -> None:
    case = Normalized(SCALED)
    row = case.judge(case.model(**{lost: False}))
    assert (row.caffe, row.status) == (("layer", "scale"), Status.DIVERGES)


def test_without_gamma_and_beta_the_scale_is_missing() -> None:
    from harness.engines.keras import wrap_model
    from harness.mapping import map_layers

    case = Normalized(SCALED)
    found = map_layers(case.net, wrap_model(case.model(scale=False, center=False), "model").graph)
    assert [[layer.name for layer in pair.caffe] for pair in found.pairs] == [["layer"]]
    assert "scale" in found.missing


def test_training_statistics_for_global_ones_diverge() -> None:
    keras = import_keras()
    case = Normalized()
    x = keras.Input((None, None, SHAPE[1]))
    model = keras.Model(
        x, keras.layers.BatchNormalization(epsilon=1e-5, name="layer", dtype="float32")(x, training=True)
    )
    assert case.judge(model).status is Status.DIVERGES


def wrong_layer(entry: Entry, model) -> LayerComparison:
    """The verdict on a Keras model in the place of an entry's own."""
    blobs, bottoms = entry.blobs(entry.net), entry.inputs()
    tops = [top.astype(np.float32) for top in expected_tops(entry, blobs, bottoms)]
    inputs = dict(zip(entry.net.inputs, bottoms, strict=True))
    return judge_pair(entry.net, model, {"layer": blobs}, inputs, tops[0])


def entry_of(id: str) -> Entry:
    (found,) = [entry for entry in ALL if entry.id == id]
    return found


FAULTS: Mapping[str, tuple[str, dict[str, object]]] = {
    "alpha not divided by n": ("lrn across 3, as in AlexNet", {"alpha": 3e-4}),
    "alpha divided by n twice": ("lrn across 5", {"alpha": 0.2}),
    "alpha divided by n, not n²": ("lrn within 3", {"alpha": 3.0}),
    "k": ("lrn across 5, k 2", {"k": 1.0}),
    "k within a channel": ("lrn within 3, k does not count", {"k": 7.0}),
    "beta": ("lrn across 5", {"beta": 0.7501}),
    "one channel too many": ("lrn across 5", {"size": 7, "alpha": 7 / 5}),
    "across for within": ("lrn within 3", {"within_channel": False, "alpha": 1 / 3}),
    "eps of a deviation": ("mvn eps 0.1", {"epsilon": 0.0999}),
    "a variance too many": ("mvn the mean alone", {"normalize_variance": True}),
    "channels apart": ("mvn across channels", {"axis": [1, 2]}),
    "eps of a batch": ("batchnorm by the batch", {"epsilon": 2e-5}),
    "eps of a norm": ("normalize eps 0.1", {"epsilon": 0.10001}),
    "over channels for over the image": ("normalize over the image", {"across_spatial": False}),
    "eps of SegNet's": ("bn that learns", {"epsilon": 1e-5}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_parameter_diverges(fault: str) -> None:
    id, change = FAULTS[fault]
    entry = entry_of(id)
    blobs = entry.blobs(entry.net)
    right = nets.keras_model(entry.net, {"layer": blobs} if blobs else {})
    assert wrong_layer(entry, right).status is Status.MATCH
    keras = import_keras()

    def edited(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, **change} if layer.name == "layer" else config)

    wrong = keras.models.clone_model(right, clone_function=edited)
    wrong.set_weights(right.get_weights())
    row = wrong_layer(entry, wrong)
    assert (row.status, row.judged_by, row.float64.reference_sound) == (Status.DIVERGES, "float64", True)


# -------------------------------------------------------------------------------------------------- plan and source


def calls(text: str) -> list[str]:
    """The layers of a converted chain as they are written."""
    lines = write_source(plan(nets.network(text))).splitlines()
    start = lines.index("            keras.Input(input_shape),") + 1
    return [line.strip().removesuffix(",") for line in lines[start : lines.index("        ],")]]


def scale(parameters: str = "bias_term: true", bottom: str = "bn", name: str = "scale", top: str = "bn") -> str:
    return nets.layer("Scale", bottom, name, f"scale_param {{ {parameters} }}", top=top)


NORM = nets.data(1, 4, 5, 6) + nets.layer("BatchNorm", "data", "bn")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NORM, ['layers.BatchNormalization(epsilon=1e-05, center=False, scale=False, name="bn")']),
        (NORM + scale(), ['layers.BatchNormalization(epsilon=1e-05, name="bn")']),
        (NORM + scale("axis: 1 bias_term: true", top="y"), ['layers.BatchNormalization(epsilon=1e-05, name="bn")']),
        (NORM + scale("bias_term: false"), ['layers.BatchNormalization(epsilon=1e-05, center=False, name="bn")']),
        (
            NORM + nets.relu("bn") + scale(),
            [
                'layers.BatchNormalization(epsilon=1e-05, center=False, scale=False, name="bn")',
                'layers.ReLU(name="relu")',
                'Scale(use_bias=True, name="scale")',
            ],
        ),
        (
            NORM + scale("axis: 2"),
            [
                'layers.BatchNormalization(epsilon=1e-05, center=False, scale=False, name="bn")',
                'Scale(axis=1, name="scale")',
            ],
        ),
        (
            NORM + scale() + scale(name="again"),
            ['layers.BatchNormalization(epsilon=1e-05, name="bn")', 'Scale(use_bias=True, name="again")'],
        ),
        (
            nets.data(1, 4, 5, 6)
            + nets.layer("BatchNorm", "data", "bn", "batch_norm_param { use_global_stats: false eps: 0.001 }")
            + scale(),
            ['BatchStatistics(epsilon=0.001, name="bn")'],
        ),
        (nets.data(2, 4, 5) + nets.layer("BatchNorm", "data", "bn"),
         ['layers.BatchNormalization(axis=1, epsilon=1e-05, center=False, scale=False, name="bn")']),
        (nets.data(1, 4, 5, 6) + nets.layer("LRN", "data", "n", "lrn_param { alpha: 0.0001 k: 2 }"),
         ['LRN(5, alpha=0.0001, beta=0.75, k=2.0, name="n")']),
        (nets.data(1, 4, 5, 6) + nets.layer("MVN", "data", "n"), ['MVN(axis=[1, 2], epsilon=1e-09, name="n")']),
        (nets.data(1, 4, 5, 6) + nets.layer("Bias", "data", "b", "bias_param { num_axes: -1 }"),
         ['Bias(axis=[1, 2, 3], name="b")']),
        (nets.data(3, 4, 5, 6) + scale("axis: 0", "data", "s", "s"),
         ['Scale(axis=0, batch_size=3, name="s"),  # a number for each image of the batch, as in Caffe']),
        (nets.data(1, 4, 5, 6) + nets.layer("BN", "data", "n", "bn_param { bn_mode: INFERENCE }"),
         ['Scale(use_bias=True, name="n")']),
        (nets.data(1, 4, 5, 6) + nets.layer("Normalize", "data", "n", "norm_param { across_spatial: false }"),
         ['Normalize(channel_shared=True, epsilon=1e-10, name="n")']),
    ],
)  # fmt: skip
def test_source_as_a_person_would_write_it(text: str, expected: list[str]) -> None:
    assert calls(text) == expected


def test_a_gate_becomes_a_product() -> None:
    """Squeeze and excitation, with a list of channels and Caffe's Scale."""
    text = nets.data(1, 4, 5, 6, name="x") + nets.data(1, 4, name="s")
    text += 'layer { name: "gate" type: "Scale" bottom: "x" bottom: "s" top: "gate" scale_param { axis: 0 } }\n'
    source = write_source(plan(nets.network(text)))
    assert "    s_reshape = layers.Reshape((1, 1, 4))(s)\n" in source
    assert '    gate = layers.Multiply(name="gate")([x_, s_reshape])\n' in source


def test_a_scale_that_others_read_past_is_a_layer() -> None:
    text = NORM + scale(top="s") + nets.conv("bn", "a") + nets.conv("s", "b")
    assert [step.call.class_name for step in plan(nets.network(text)).steps][:2] == ["BatchNormalization", "Scale"]


def test_absorbed_weights_bear_keras_names() -> None:
    case = Normalized(SCALED, weight=4.0)
    layer = nets.keras_model(case.net, case.blobs).get_layer("layer")
    variables = {variable.name: np.asarray(variable) for variable in layer.weights}
    mean, variance, _ = case.blobs["layer"]
    np.testing.assert_array_equal(variables["moving_mean"], mean / 4)
    np.testing.assert_array_equal(variables["moving_variance"], variance / 4)
    np.testing.assert_array_equal(variables["gamma"], case.blobs["scale"][0])
    np.testing.assert_array_equal(variables["beta"], case.blobs["scale"][1])


def test_weights_of_segnets_bn_go_by_the_names_of_what_takes_them() -> None:
    net = nets.single("BN", SHAPE, "bn_param { bn_mode: INFERENCE }")
    blobs = nets.random_blobs(net)["layer"]
    scale_c, shift_c = (blob.reshape(-1) for blob in blobs)
    held = [Held(SHAPE, (0, 2, 3, 1))]

    def given(keras_class: str) -> dict[str, np.ndarray]:
        return layer_type(net["layer"]).keras_weights(net["layer"], blobs, held, keras_class)

    for keras_class, names in {
        "Scale": ("scale", "bias"),
        "BN": ("scale", "bias"),
        "BatchStatistics": ("gamma", "beta"),
        "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    }.items():
        assert tuple(given(keras_class)) == names
        first, second, *_ = given(keras_class).values()
        np.testing.assert_array_equal(first, scale_c)
        np.testing.assert_array_equal(second, shift_c)
    keras = import_keras()
    model = keras.Sequential(
        [keras.Input((None, None, SHAPE[1])), keras.layers.BatchNormalization(epsilon=0.0, name="layer")]
    )
    nets.fill(model, {"layer": given("BatchNormalization")})
    x = nets.random_inputs(net)[DATA]
    top = (x * blobs[0] + blobs[1]).astype(np.float32)
    assert judge_pair(net, model, {"layer": blobs}, {DATA: x}, top, strict=True).status is Status.MATCH


# ------------------------------------------------------------------------------------------------ tensors of any order


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ALL if entry.kind in
    ("BatchNorm", "Scale", "Bias", "LRN", "MVN", "BN", "Normalize", "Axpy") and len(entry.shapes[0]) > 2])  # fmt: skip
def test_layers_follow_their_axis_when_tensors_are_in_caffes_order(entry: Entry) -> None:
    """A converted net holds images channels last; behind a Reshape it may hold them as Caffe does."""
    keras = import_keras()
    from harness.convert.build import layer_class

    layer, kind = entry.net["layer"], layer_type(entry.net["layer"])
    held = [Held(shape, caffe_order(len(shape))) for shape in entry.shapes]
    assert all(want in (None, one.order) for want, one in zip(kind.wants(layer, held), held, strict=True))
    tensors = [keras.Input(shape[1:]) for shape in entry.shapes]
    made: list = []
    blobs = entry.blobs(entry.net)
    for index, call in enumerate(kind.keras_calls(layer, held)):
        reads = (
            call.reads if call.reads is not None else ([index - 1] if index else [-1 - k for k in range(len(tensors))])
        )
        feeds = [made[read] if read >= 0 else tensors[-1 - read] for read in reads]
        one = layer_class(call)(**call.arguments)
        made.append(one(feeds[0] if len(feeds) == 1 else feeds))
        if call.main:
            weights = kind.keras_weights(layer, blobs, held, call.class_name)
            for variable in one.weights:
                variable.assign(weights[variable.name])
    bottoms = entry.inputs()
    result = keras.Model(tensors, made[-1])([*bottoms])
    (expected,) = expected_tops(entry, blobs, bottoms)
    (order,) = kind.gives(layer, held)
    exact = kind.define(layer, blobs, bottoms, nets.all_sites(expected.shape))
    back = np.asarray(result).transpose([order.index(axis) for axis in range(len(order))])
    slack = kind.parameter_rounding * np.maximum(np.abs(exact.value), exact.scale)
    assert (np.abs(nets.rows(back) - exact.value) <= exact.bound + slack).all()


# ------------------------------------------------------------------------------------------------ behind other layers


def test_the_unit_is_carried_through_a_scale() -> None:
    """An error of one unit before the Scale is one unit behind it, but for what the Scale rounds itself."""
    case = Normalized(SCALED)
    layer, scale_ = case.net["layer"], case.net["scale"]
    kind = layer_type(layer)
    normal = case._normal(case.x)
    before = kind.unit(layer, case.blobs["layer"], [case.x], normal)
    behind = layer_type(scale_).follow_unit(scale_, case.blobs["scale"], before, case.top)
    gamma_c, beta_c = case.blobs["scale"]
    carried = before.rows(0, 10**6) * gamma_c
    own = (np.abs(nets.rows(case.top) - beta_c) + 6 * np.abs(beta_c)) * 2.0**-24
    np.testing.assert_allclose(behind.rows(0, 10**6), carried + own, rtol=1e-5)


def test_the_bound_is_carried_through_a_scale() -> None:
    case = Normalized(SCALED)
    layer, scale_ = case.net["layer"], case.net["scale"]
    exact = layer_type(layer).define(layer, case.blobs["layer"], [case.x], nets.all_sites(SHAPE))
    behind = layer_type(scale_).follow(scale_, case.blobs["scale"], exact)
    gamma_c, beta_c = (one.astype(np.float64) for one in case.blobs["scale"])
    np.testing.assert_allclose(behind.value, exact.value * gamma_c + beta_c, rtol=1e-15)
    np.testing.assert_allclose(behind.scale, exact.scale * np.abs(gamma_c) + np.abs(beta_c), rtol=1e-15)
    assert behind.terms == exact.terms + 2
    assert (np.abs(nets.rows(case.top) - behind.value) <= gamma(behind.terms) * behind.scale).all()


@pytest.mark.parametrize(
    ("class_name", "config", "parameters", "within"),
    [
        ("BatchNormalization", {"scale": True, "center": True}, "bias_term: true", True),
        ("BatchNormalization", {"scale": True, "center": False}, "bias_term: true", True),
        ("BatchNormalization", {"scale": False, "center": False}, "bias_term: true", False),
        ("BatchStatistics", {"scale": True, "center": True}, "", True),
        ("LayerNormalization", {"scale": True, "center": True}, "", True),
        ("BatchNormalization", {"scale": True, "center": True}, "axis: 2", False),
        ("BatchNormalization", {"scale": True, "center": True}, "num_axes: 2", False),
        ("Conv2D", {"use_bias": True}, "bias_term: true", False),
    ],
)
def test_a_scale_is_within_a_normalization_that_has_room_for_it(
    class_name: str, config: dict[str, object], parameters: str, within: bool
) -> None:
    layer = nets.network(NORM + scale(parameters))["scale"]
    node = KerasNode("bn", class_name, config, (0,), (1,), ((None,),))
    assert layer_type(layer).is_within(layer, node) is within


def test_a_gate_is_not_within_a_normalization() -> None:
    text = nets.data(1, 4, 5, 6, name="x") + nets.data(1, 4, name="s")
    text += 'layer { name: "gate" type: "Scale" bottom: "x" bottom: "s" top: "gate" scale_param { axis: 0 } }\n'
    layer = nets.network(text)["gate"]
    node = KerasNode("bn", "BatchNormalization", {"scale": True, "center": True}, (0,), (1,), ((None,),))
    assert not layer_type(layer).is_within(layer, node)


def test_a_bias_is_within_a_layer_that_adds_one() -> None:
    layer = nets.network(nets.data(1, 4, 5, 6) + nets.layer("Bias", "data", "b"))["b"]
    for use, within in ((True, True), (False, False)):
        node = KerasNode("conv", "Conv2D", {"use_bias": use}, (0,), (1,), ((None,),))
        assert layer_type(layer).is_within(layer, node) is within


def test_a_convolution_with_the_bias_of_a_layer_behind_it_is_judged_with_both() -> None:
    keras = import_keras()
    text = nets.data(1, 3, 7, 8) + nets.conv("data", "layer", "num_output: 4 kernel_size: 3 bias_term: false")
    net = nets.network(text + nets.layer("Bias", "layer", "bias", top="layer"))
    blobs, x = nets.random_blobs(net), nets.random_inputs(net)[DATA]
    tops = nets.define_all(net, blobs, {DATA: x})
    model = keras.Sequential([keras.Input((7, 8, 3)), keras.layers.Conv2D(4, 3, name="layer")])
    nets.fill(model, {"layer": {"kernel": blobs["layer"][0].transpose(2, 3, 1, 0), "bias": blobs["bias"][0]}})
    top = tops[Top("bias", "layer")].astype(np.float32)
    row = judge_pair(net, model, blobs, {DATA: x}, top, strict=True)
    assert (row.caffe, row.status) == (("layer", "bias"), Status.MATCH)
    assert row.float64.functions_max_rel < 1e-14
    assert judge_pair(net, model, blobs, {DATA: x}, top).judged_by == "rounding"
    nets.fill(model, {"layer": {"bias": np.zeros(4)}})
    assert judge_pair(net, model, blobs, {DATA: x}, top).status is Status.DIVERGES


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("kind", "shapes", "parameters", "said"),
    [
        ("BatchNorm", [(5,)], "", "reads a blob of 1 axis: the channels are on axis 1"),
        ("BatchNorm", [(1, 2, 3, 4)] * 2, "", "BatchNorm takes 1 bottom, not 2"),
        ("Scale", [(1, 2, 3, 4)] * 3, "", "Scale takes 1 to 2 bottoms, not 3"),
        ("Scale", [(1, 2, 3, 4)], "scale_param { axis: 4 }", "axis 4 of a blob of 4 axes"),
        ("Scale", [(1, 2, 3, 4)], "scale_param { axis: -5 }", "axis -5 of a blob of 4 axes"),
        (
            "Scale",
            [(1, 2, 3, 4)],
            "scale_param { num_axes: 4 }",
            "4 axes from axis 1 on reach past the end of (1, 2, 3, 4)",
        ),
        (
            "Scale",
            [(1, 2, 3, 4)],
            "scale_param { num_axes: -2 }",
            "num_axes -2: give a number of axes, or -1 for all from axis 1 on",
        ),
        (
            "Scale",
            [(1, 2, 3, 4), (1, 2, 1, 1)],
            "scale_param { axis: 0 }",
            "the second bottom is (1, 2, 1, 1), the first (1, 2, 3, 4) from axis 0 on",
        ),
        ("Bias", [(1, 2, 3, 4), (3,)], "", "the second bottom is (3,), the first (1, 2, 3, 4) from axis 1 on"),
        ("Bias", [(1, 2, 3), (2, 3, 4)], "", "3 axes from axis 1 on reach past the end of (1, 2, 3)"),
        (
            "LRN",
            [(1, 2, 3, 4)],
            "lrn_param { local_size: 4 }",
            "local_size is 4: it has no middle, and Caffe refuses it too\n  → give an odd local_size",
        ),
        ("LRN", [(1, 2, 3)], "", "reads a blob of 3 axes: N, C, H, W is what it takes"),
        ("MVN", [(1, 2, 3, 4, 5)], "", "reads a blob of 5 axes: N, C, H, W is what it takes"),
        ("BN", [(1, 2)], "", "reads a blob of 2 axes: N, C, H, W is what it takes"),
        ("Normalize", [(2,)], "", "reads a blob of 1 axis: N, C, H, W is what it takes"),
        ("Axpy", [(1, 2, 1, 1), (1, 2, 3, 4)], "", "Axpy takes 3 bottoms, not 2"),
        (
            "Axpy",
            [(1, 2, 3, 4)] * 3,
            "",
            "bottoms of (1, 2, 3, 4), (1, 2, 3, 4) and (1, 2, 3, 4): the first must be N × C × 1 × 1, the others alike",
        ),
    ],
)
def test_what_caffe_refuses_is_refused_at_its_line(kind: str, shapes: list, parameters: str, said: str) -> None:
    text = "".join(nets.data(*shape, name=f"d{index}") for index, shape in enumerate(shapes))
    bottoms = " ".join(f'bottom: "d{index}"' for index in range(len(shapes)))
    text += f'layer {{ name: "layer" type: "{kind}" {bottoms} top: "layer" {parameters} }}\n'
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(nets.network(text))
    assert f"deploy.prototxt:{len(shapes) + 1}, layer 'layer': {said}" in str(caught.value)


def test_a_second_top_is_refused() -> None:
    text = nets.data(1, 2, 3, 4) + 'layer { name: "layer" type: "BN" bottom: "data" top: "a" top: "mean" }\n'
    with pytest.raises(UnsupportedError, match="layer 'layer': BN takes 1 top, not 2"):
        infer_shapes(nets.network(text))


def test_blobs_have_caffes_shapes() -> None:
    """As the real Caffe allocates them."""

    def blobs(net: Network) -> tuple:
        return blob_shapes(net, infer_shapes(net)).get("layer", ())

    shape = (2, 3, 4, 5)
    assert blobs(nets.single("BatchNorm", shape)) == ((3,), (3,), (1,))
    assert blobs(nets.single("Scale", shape, "scale_param { num_axes: 0 bias_term: true }")) == ((), ())
    assert blobs(nets.single("Scale", shape, "scale_param { axis: 0 num_axes: -1 }")) == ((2, 3, 4, 5),)
    assert blobs(nets.single("Scale", shape, "scale_param { axis: -2 bias_term: true }")) == ((4,), (4,))
    assert blobs(nets.single("Bias", shape, "bias_param { num_axes: 3 }")) == ((3, 4, 5),)
    assert blobs(nets.single("BN", shape)) == ((1, 3, 1, 1), (1, 3, 1, 1))
    assert blobs(nets.single("Normalize", shape)) == ((),)
    assert blobs(nets.single("Normalize", shape, "norm_param { channel_shared: false }")) == ((3,),)


@pytest.mark.parametrize("kind", ["BatchNorm", "Scale", "Bias", "LRN", "MVN", "BN", "Normalize"])
@pytest.mark.parametrize("size", [1e30, np.inf, np.nan, 1e-42], ids=str)
def test_numbers_beyond_measure_are_measured_without_a_warning(kind: str, size: float) -> None:
    net = nets.single(kind, (1, 3, 4, 5))
    x = np.full((1, 3, 4, 5), size, np.float32)
    x[0, 0] = 1.5
    layer, blobs = net["layer"], nets.random_blobs(net).get("layer", ())
    unit = layer_type(layer).unit(layer, blobs, [x], x)
    assert unit.rows(0, 20).shape == (20, 3)
    exact = layer_type(layer).define(layer, blobs, [x], nets.all_sites(x.shape))
    assert exact.value.shape == (20, 3)
    if kind in ("BatchNorm", "Scale"):
        gains = (np.full(3, 2, np.float32), np.full(3, 0.1, np.float32))
        scale_ = nets.network(NORM + scale())["scale"]
        assert layer_type(scale_).follow_unit(scale_, gains, unit, x).rows(0, 20).shape == (20, 3)


def test_made_up_blobs_lie_where_their_type_says() -> None:
    """A variance above zero, a weight that is one number, scales of about one: activations stay in range and finite."""
    gate = 'layer { name: "layer" type: "Scale" bottom: "data" bottom: "data" top: "layer" '
    gate += "scale_param { axis: 0 bias_term: true } }\n"
    texts = {
        kind: nets.data(*SHAPE)
        + nets.layer(kind, parameters="scale_param { bias_term: true }" if kind == "Scale" else "")
        for kind in ("BatchNorm", "Scale", "Bias", "BN", "Normalize")
    } | {"gate": nets.data(*SHAPE) + gate}
    for kind, text in texts.items():
        net = nets.network(text)
        ranges = layer_type(net["layer"]).blob_ranges(net["layer"])
        blobs = nets.random_blobs(net)["layer"]
        assert len(ranges) == len(blobs), kind
        for blob, (low, high) in zip(blobs, ranges, strict=True):
            assert (blob >= low).all()
            assert (blob <= high).all()
    net = nets.network(BATCH_NORM)
    _, (low, _), weight = layer_type(net["layer"]).blob_ranges(net["layer"])
    assert low > 0
    assert weight[0] == weight[1] > 0
