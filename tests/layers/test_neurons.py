"""Caffe's neuron layers beside their table: what is refused, the source, ports by hand, in place, and other numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import nets
from support.caffe_table import record_net
from support.verdicts import judge_pair

from harness.convert.plan import plan
from harness.convert.source import write_source
from harness.data import Network, Status, Top
from harness.engines import docker
from harness.engines.keras import wrap_model
from harness.errors import PrototxtError, UnsupportedError
from harness.extras import import_keras, import_keras_layers
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes
from harness.mapping import map_layers
from harness.recording import load_top

DATA = Top("data", "data")
INPUT = nets.data(1, 3, 4, 5)


def net_of(kind: str, parameters: str = "", top: str = "layer", before: str = INPUT) -> Network:
    return nets.network(before + nets.layer(kind, "data", "layer", parameters, top=top))


# ------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (
            net_of("AbsVal", top="data"),
            "AbsVal works in place, which Caffe refuses\n  → give its top a name of its own",
        ),
        (
            net_of("PReLU", before=nets.data(5)),
            "PReLU reads a blob of 1 axes: Caffe takes two to four",
        ),
        (
            net_of("PReLU", before=nets.data(1, 2, 3, 4, 5)),
            "PReLU reads a blob of 5 axes: Caffe takes two to four",
        ),
        (net_of("Exp", "exp_param { base: 0 }"), "base: 0, which Caffe refuses\n  → give a base above 0, or −1 for e"),
        (
            net_of("Exp", "exp_param { base: inf }"),
            "base: inf, which Caffe refuses\n  → give a base above 0, or −1 for e",
        ),
        (
            net_of("Log", "log_param { base: -2 }"),
            "base: -2, which Caffe refuses\n  → give a base above 0, or −1 for e",
        ),
        (
            net_of("Log", "log_param { base: 1 }"),
            "base: 1 has no logarithms, and Caffe refuses it\n  → give another base, or −1 for e",
        ),
    ],
)
def test_what_caffe_refuses_is_refused(net: Network, said: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(net)
    assert str(caught.value).endswith(f"deploy.prototxt:2, layer 'layer': {said}")


NEURONS = (
    "AbsVal",
    "BNLL",
    "Clip",
    "ELU",
    "Exp",
    "Log",
    "PReLU",
    "Power",
    "ReLU",
    "Sigmoid",
    "Swish",
    "TanH",
    "Threshold",
)


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize(("bottoms", "tops"), [(2, 1), (1, 2), (0, 1)])
def test_other_numbers_of_bottoms_and_tops_are_refused(kind: str, bottoms: int, tops: int) -> None:
    feeds = "".join(nets.data(1, 3, 4, 5, name=f"b{index}") for index in range(max(bottoms, 1)))
    blobs = [*(f'bottom: "b{index}"' for index in range(bottoms)), *(f'top: "t{index}"' for index in range(tops))]
    net = nets.network(f'{feeds}layer {{ name: "layer" type: "{kind}" {" ".join(blobs)} }}')
    with pytest.raises(UnsupportedError) as caught:
        infer_shapes(net)
    assert f"{kind} has {bottoms} bottoms and {tops} tops, which Caffe refuses" in str(caught.value)
    assert str(caught.value).endswith("\n  → give it one bottom and one top")


@pytest.mark.parametrize(
    ("kind", "parameters", "name", "value"),
    [
        ("Threshold", "threshold_param { threshold: inf }", "threshold", "inf"),
        ("Power", "power_param { shift: -inf }", "shift", "-inf"),
        ("Exp", "exp_param { scale: nan }", "scale", "nan"),
        ("Log", "log_param { shift: inf }", "shift", "inf"),
        ("ELU", "elu_param { alpha: inf }", "alpha", "inf"),
        ("Swish", "swish_param { beta: inf }", "beta", "inf"),
        ("ReLU", "relu_param { negative_slope: inf }", "negative_slope", "inf"),
        ("Clip", "clip_param { min: inf max: 3 }", "min", "inf"),
        ("Clip", "clip_param { min: -1 max: nan }", "max", "nan"),
    ],
)
def test_what_no_source_can_say_is_refused(kind: str, parameters: str, name: str, value: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        plan(net_of(kind, parameters))
    assert str(caught.value).endswith(
        f"layer 'layer': {name}: {value} cannot be written as a number of a Keras layer\n  → give a finite {name}"
    )


def test_a_clip_with_half_of_its_parameters_is_refused() -> None:
    with pytest.raises(PrototxtError, match=r"layer 'layer': clip_param.max is required"):
        net_of("Clip", "clip_param { min: 1 }")


# --------------------------------------------------------------------------------------------------- source


@pytest.mark.parametrize(
    ("kind", "parameters", "line"),
    [
        ("AbsVal", "", "AbsVal(name={})"),
        ("BNLL", "", 'layers.Activation("softplus", name={})'),
        ("Clip", "clip_param { min: 0 max: 6 }", "layers.ReLU(max_value=6.0, name={})"),
        ("Clip", "clip_param { min: -1 max: 0.1 }", "Clip(min_value=-1.0, max_value=0.1, name={})"),
        ("Clip", "clip_param { min: -inf max: 0.1 }", "Clip(max_value=0.1, name={})"),
        ("Clip", "clip_param { min: 0 max: inf }", "Clip(min_value=0.0, name={})"),
        ("Clip", "clip_param { min: 0 max: 0 }", "Clip(min_value=0.0, max_value=0.0, name={})"),
        ("ELU", "", "layers.ELU(name={})"),
        ("ELU", "elu_param { alpha: 0.3 }", "layers.ELU(alpha=0.3, name={})"),
        ("Exp", "", 'layers.Activation("exponential", name={})'),
        ("Exp", "exp_param { base: 2 shift: -0.7 }", "Exp(base=2.0, shift=-0.7, name={})"),
        ("Log", "", "Log(name={})"),
        ("Log", "log_param { scale: 3 shift: 1 }", "Log(scale=3.0, shift=1.0, name={})"),
        ("Power", "", "layers.Identity(name={})"),
        ("Power", "power_param { scale: 0.1 }", "layers.Rescaling(0.1, name={})"),
        ("Power", "power_param { scale: 2 shift: -1 }", "layers.Rescaling(2.0, offset=-1.0, name={})"),
        ("Power", "power_param { power: 0.5 shift: 1e-5 }", "Power(0.5, shift=1e-05, name={})"),
        ("Power", "power_param { scale: 0 shift: 2 }", "Power(1.0, scale=0.0, shift=2.0, name={})"),
        ("PReLU", "", "layers.PReLU(shared_axes=[1, 2], name={})"),
        ("PReLU", "prelu_param { channel_shared: true }", "layers.PReLU(shared_axes=[1, 2, 3], name={})"),
        ("ReLU", "relu_param { negative_slope: -0.3 }", "SlopedReLU(negative_slope=-0.3, name={})"),
        ("Swish", "", 'layers.Activation("swish", name={})'),
        ("Swish", "swish_param { beta: 1.702 }", "Swish(1.702, name={})"),
        ("TanH", "", 'layers.Activation("tanh", name={})'),
        ("Threshold", "", "Threshold(0.0, name={})"),
        # Eight digits do not say which float32 this is, nine do.
        (
            "ReLU",
            "relu_param { negative_slope: 11.4582405 }",
            "layers.LeakyReLU(negative_slope=11.4582405, name={})",
        ),
    ],
)
def test_source_is_what_a_person_would_write(kind: str, parameters: str, line: str) -> None:
    source = write_source(plan(net_of(kind, parameters)))
    written = line.format('"layer"')
    assert f"            {written},\n" in source
    name = written.partition("(")[0]
    assert ("from harness.keras_layers import " + name in source) is not name.startswith("layers.")


@pytest.mark.parametrize("text", ["0.1", "1e-5", "8589973500.0", "11.4582405", "16777217", "0.333333343"])
def test_a_written_parameter_is_the_same_float32(text: str) -> None:
    source = write_source(plan(net_of("ReLU", f"relu_param {{ negative_slope: {text} }}")))
    written = source.partition("negative_slope=")[2].partition(",")[0]
    assert np.float32(float(written)) == np.float32(text)
    assert len(written) <= len(repr(float(np.float32(text))))


def test_a_prelu_behind_a_vector_shares_nothing() -> None:
    vector = nets.data(2, 7)
    assert "layers.PReLU(name=" in write_source(plan(net_of("PReLU", before=vector)))
    shared = write_source(plan(net_of("PReLU", "prelu_param { channel_shared: true }", before=vector)))
    assert "layers.PReLU(shared_axes=[1], name=" in shared


# -------------------------------------------------------------------------------------------- ports by hand


def by_hand(*make, shape=(4, 5, 3)):
    keras = import_keras()
    x = first = keras.Input(shape)
    for one in make:
        x = one(keras)(x)
    return keras.Model(first, x)


def positive() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 3, size=(1, 3, 4, 5)).astype(np.float32)


PORTS = {
    "tanh": ("TanH", "", lambda keras: keras.ops.tanh),
    "abs": ("AbsVal", "", lambda keras: keras.ops.abs),
    "absolute": ("AbsVal", "", lambda keras: keras.ops.absolute),
    "softplus": ("BNLL", "", lambda keras: keras.ops.softplus),
    "elu": ("ELU", "", lambda keras: keras.layers.Activation("elu")),
    "elu op": ("ELU", "", lambda keras: keras.ops.elu),
    "exp": ("Exp", "", lambda keras: keras.ops.exp),
    "log": ("Log", "", lambda keras: keras.ops.log),
    "square": ("Power", "power_param { power: 2 }", lambda keras: keras.ops.square),
    "sqrt": ("Power", "power_param { power: 0.5 }", lambda keras: keras.ops.sqrt),
    "rsqrt": ("Power", "power_param { power: -0.5 }", lambda keras: keras.ops.rsqrt),
    "reciprocal": ("Power", "power_param { power: -1 }", lambda keras: keras.ops.reciprocal),
    "negative": ("Power", "power_param { scale: -1 }", lambda keras: keras.ops.negative),
    "power": ("Power", "power_param { power: 1.5 }", lambda keras: lambda x: keras.ops.power(x, 1.5)),
    "relu6": ("Clip", "clip_param { min: 0 max: 6 }", lambda keras: keras.layers.Activation("relu6")),
    "relu 6": ("Clip", "clip_param { min: 0 max: 6 }", lambda keras: keras.layers.ReLU(6.0)),
    "clip": ("Clip", "clip_param { min: 0.5 max: 2 }", lambda keras: lambda x: keras.ops.clip(x, 0.5, 2.0)),
    "silu": ("Swish", "", lambda keras: keras.ops.silu),
    "relu op": ("ReLU", "", lambda keras: keras.ops.relu),
    "sigmoid op": ("Sigmoid", "", lambda keras: keras.ops.sigmoid),
}


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_a_port_that_says_it_otherwise_matches(port: str, strict: bool) -> None:
    kind, parameters, make = PORTS[port]
    net, x = net_of(kind, parameters), positive()
    exact = layer_type(net["layer"]).define(net["layer"], (), [x], nets.all_sites(x.shape))
    top = np.moveaxis(exact.value.reshape(1, 4, 5, 3), -1, 1).astype(np.float32)
    row = judge_pair(net, by_hand(make), {}, {DATA: x}, top, strict=strict)
    assert (row.status, row.note) == (Status.MATCH, None)


@pytest.mark.parametrize(
    ("kind", "parameters", "make"),
    [
        ("Power", "power_param { power: 2 }", lambda keras: keras.ops.sqrt),
        ("Power", "power_param { scale: 2 shift: 1 }", lambda keras: keras.layers.Rescaling(2.0, offset=1.0001)),
        ("Exp", "exp_param { base: 2 }", lambda keras: keras.ops.exp),
        ("Log", "log_param { shift: 1 }", lambda keras: keras.ops.log),
        ("Clip", "clip_param { min: 0 max: 2 }", lambda keras: keras.layers.ReLU()),
        ("ELU", "elu_param { alpha: 0.5 }", lambda keras: keras.layers.ELU(0.50001)),
        ("Swish", "swish_param { beta: 1.1 }", lambda keras: keras.ops.silu),
        ("PReLU", "", lambda keras: keras.layers.LeakyReLU(0.3)),
    ],
)
def test_a_port_that_says_something_else_diverges(kind: str, parameters: str, make) -> None:
    net = net_of(kind, parameters)
    x = positive() * np.where(np.arange(60).reshape(1, 3, 4, 5) % 3, 1, -1 if kind in ("ELU", "PReLU") else 1)
    blobs = {"layer": (np.array([0.1, 0.2, 0.3], np.float32),)} if kind == "PReLU" else {}
    x = x.astype(np.float32)
    exact = layer_type(net["layer"]).define(net["layer"], blobs.get("layer", ()), [x], nets.all_sites(x.shape))
    top = np.moveaxis(exact.value.reshape(1, 4, 5, 3), -1, 1).astype(np.float32)
    assert judge_pair(net, by_hand(make), blobs, {DATA: x}, top).status is Status.DIVERGES


def test_a_power_that_does_nothing_needs_no_counterpart() -> None:
    net = nets.network(
        INPUT + nets.layer("Power", "data", "nothing", top="data") + nets.layer("TanH", "data", "t", top="data")
    )
    model = by_hand(lambda keras: keras.layers.Activation("tanh", name="t"))
    layer_map = map_layers(net, wrap_model(model, "model.py").graph)
    assert (layer_map.missing, layer_map.folded) == ({}, ("data", "nothing"))
    assert [[one.name for one in pair.caffe] for pair in layer_map.pairs] == [["t"]]


def test_a_shared_prelu_may_be_a_leaky_relu() -> None:
    net = net_of("PReLU", "prelu_param { channel_shared: true }")
    x = nets.random_inputs(net)[DATA]
    blobs = {"layer": (np.array(0.3, np.float32),)}
    top = np.where(x > 0, x, np.float32(0.3) * x)
    model = by_hand(lambda keras: keras.layers.LeakyReLU(negative_slope=0.3))
    row = judge_pair(net, model, blobs, {DATA: x}, top)
    assert row.status is Status.MATCH
    (held,) = plan(net).reads["layer"]
    kind = layer_type(net["layer"])
    assert kind.keras_weights(net["layer"], blobs["layer"], [held], "LeakyReLU") == {}
    assert kind.keras_weights(net["layer"], blobs["layer"], [held], "PReLU")["alpha"].shape == (1, 1, 1)


# ------------------------------------------------------------------------- where TensorFlow is another function


@pytest.mark.parametrize(
    ("kind", "parameters", "x", "caffe", "keras", "status"),
    [
        ("ReLU", "", -np.inf, np.nan, 0.0, Status.NONFINITE),  # 0 · −∞
        ("Clip", "clip_param { min: 0 max: 6 }", np.nan, 0.0, np.nan, Status.NONFINITE),  # std::max and std::min
        ("Power", "power_param { power: 0.5 }", -1e-40, np.nan, 0.0, Status.NONFINITE),
        ("Log", "", 1e-40, -92.103409, -np.inf, Status.MATCH),  # TensorFlow takes a denormal number for zero
        ("Power", "power_param { power: -1 }", 3.3e-39, 3.0303027e38, np.inf, Status.MATCH),
    ],
)
def test_a_number_that_only_one_side_has_is_told_unless_rounding_explains_it(
    kind: str, parameters: str, x: float, caffe: float, keras: float, status: Status
) -> None:
    """What real Caffe 1.0 gives, and what TensorFlow gives. Either may be had of a denormal number that may be zero."""
    net = net_of(kind, parameters)
    bottom = np.full((1, 3, 4, 5), 0.7, np.float32)
    bottom[0, 1, 2, 3] = x
    exact = layer_type(net["layer"]).define(net["layer"], (), [bottom], nets.all_sites(bottom.shape))
    top = np.moveaxis(exact.value.reshape(1, 4, 5, 3), -1, 1).astype(np.float32)
    np.testing.assert_allclose(top[0, 1, 2, 3], caffe, rtol=1e-6)
    model = nets.keras_model(net, {})
    np.testing.assert_equal(float(np.asarray(model(np.moveaxis(bottom, 1, -1)))[0, 2, 3, 1]), keras)
    row = judge_pair(net, model, {}, {DATA: bottom}, top)
    assert (row.status, row.isolated.nonfinite) == (status, 1)


@pytest.mark.parametrize(
    ("kind", "parameters", "x", "caffe"),
    [
        ("Power", "power_param { power: 0.5 }", 1e-40, 9.999973e-21),
        ("Threshold", "", 1e-40, 1.0),
        ("PReLU", "", -1e-40, None),
        ("Power", "power_param { scale: 1e30 }", 1e-40, 9.9999461e-11),
    ],
)
def test_a_denormal_number_taken_for_zero_is_no_error(
    kind: str, parameters: str, x: float, caffe: float | None
) -> None:
    net = net_of(kind, parameters)
    blobs = {"layer": (np.full(3, 1e6, np.float32),)} if kind == "PReLU" else {}
    bottom = np.full((1, 3, 4, 5), x, np.float32)
    exact = layer_type(net["layer"]).define(
        net["layer"], blobs.get("layer", ()), [bottom], nets.all_sites(bottom.shape)
    )
    top = np.moveaxis(exact.value.reshape(1, 4, 5, 3), -1, 1).astype(np.float32)
    if caffe is not None:
        np.testing.assert_allclose(top, caffe, rtol=1e-6)
    for strict in (False, True):
        row = judge_pair(net, nets.keras_model(net, blobs), blobs, {DATA: bottom}, top, strict=strict)
        assert (row.status, row.note) == (Status.MATCH, None)


# --------------------------------------------------------------------------------------------- Keras layers


OURS = {
    "AbsVal": {},
    "Clip": {"min_value": -0.5, "max_value": 0.7},
    "Exp": {"base": 2.0, "scale": 0.3, "shift": 1.1},
    "Log": {"base": 10.0, "scale": 2.0, "shift": 30.0},
    "Power": {"power": 1.7, "scale": 0.1, "shift": 5.0},
    "SlopedReLU": {"negative_slope": -0.3},
    "Swish": {"beta": 1.7},
    "Threshold": {"threshold": 0.1},
}


@pytest.mark.parametrize("name", OURS)
def test_our_layers_are_saved_and_loaded(name: str, tmp_path: Path) -> None:
    keras = import_keras()
    model = by_hand(lambda _: getattr(import_keras_layers(), name)(**OURS[name], name="ours"))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    config = again.get_layer("ours").get_config()
    assert {key: config[key] for key in OURS[name]} == OURS[name]
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "mixed_float16"])
def test_our_layers_work_in_every_precision(name: str, dtype: str) -> None:
    layer = getattr(import_keras_layers(), name)(**OURS[name], dtype=dtype)
    x = np.random.default_rng(0).normal(size=(2, 3))
    y = np.asarray(layer(x))
    assert y.dtype == {"float64": np.float64, "float32": np.float32, "mixed_float16": np.float16}[dtype]
    wide = np.asarray(getattr(import_keras_layers(), name)(**OURS[name], dtype="float64")(x))
    np.testing.assert_allclose(y, wide, rtol=3e-3, atol=3e-3)


@pytest.mark.parametrize("name", [name for name in OURS if name != "Threshold"])
def test_gradients_flow_through_our_layers(name: str) -> None:
    import tensorflow

    layer = getattr(import_keras_layers(), name)(**OURS[name], dtype="float64")
    x = tensorflow.constant([[0.31, -0.29, 0.57, -1.3]], dtype="float64")
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    slope, step = np.asarray(tape.gradient(y, x)), 1e-6
    expected = (np.asarray(layer(x + step)) - np.asarray(layer(x - step))) / (2 * step)
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)


def test_a_power_that_ignores_its_bottom_does_so_for_any_number() -> None:
    layers = import_keras_layers()
    x = np.array([[np.nan, np.inf, -1.0, 0.0]], np.float32)
    np.testing.assert_array_equal(layers.Power(0.0, scale=3.0)(x), np.ones((1, 4)))
    np.testing.assert_array_equal(layers.Power(2.0, scale=0.0, shift=3.0)(x), np.full((1, 4), 9.0))
    assert np.isnan(np.asarray(layers.Power(0.5, scale=0.0, shift=-3.0)(x))).all()


# -------------------------------------------------------------------------------------------------- in place


IN_PLACE = (
    ("TanH", ""),
    ("Power", "power_param { scale: 2 shift: 1.5 }"),
    ("Swish", "swish_param { beta: 2 }"),
    ("PReLU", ""),
    ("ELU", "elu_param { alpha: 0.5 }"),
    ("BNLL", ""),
    ("Log", "log_param { base: 2 shift: 1 }"),
    ("Exp", "exp_param { base: 3 scale: -0.5 }"),
    ("Clip", "clip_param { min: 0.05 max: 0.9 }"),
    ("Sigmoid", ""),
    ("Power", "power_param { power: -0.5 scale: 3 shift: 0.1 }"),
    ("ReLU", "relu_param { negative_slope: -0.3 }"),
    ("PReLU", "prelu_param { channel_shared: true }"),
    ("Power", ""),
    ("Threshold", "threshold_param { threshold: 0.75 }"),
)


@pytest.mark.engine
def test_a_chain_in_place_against_real_caffe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything writes over the convolution's blob, so that each must be told from the one before."""
    if problem := docker.available(None):
        pytest.skip(problem)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    text = nets.data(2, 3, 6, 7) + nets.conv("data", "conv", "num_output: 5 kernel_size: 3")
    for index, (kind, parameters) in enumerate(IN_PLACE):
        text += nets.layer(kind, "conv", f"{index}_{kind}", parameters, top="conv")
    folder = tmp_path / "net"
    folder.mkdir()
    recording, inputs = record_net(folder, text)
    net = nets.network(text)
    blobs = nets.random_blobs(net)
    tops = {top: np.array(load_top(recording, top.layer, top.blob)) for one in net.layers for top in one.tops}
    tops |= {top: inputs[top.blob] for top in net.inputs}
    model = nets.keras_model(net, blobs)
    assert model.get_layer("conv").activation.__name__ == "tanh"
    layer_map = map_layers(net, wrap_model(model, "model.keras").graph)
    assert layer_map.missing == {}
    for pair in layer_map.pairs:
        row = judge_pair(net, model, blobs, tops, tops[pair.top], layer=pair.layer.name)
        assert (row.layer, row.status, row.note) == (pair.layer.name, Status.MATCH, None)
    assert len(layer_map.pairs) == len(IN_PLACE)


ACTIVATIONS = {
    "tanh": ("TanH", ""),
    "sigmoid": ("Sigmoid", ""),
    "elu": ("ELU", ""),
    "softplus": ("BNLL", ""),
    "exponential": ("Exp", ""),
    "swish": ("Swish", ""),
    "relu6": ("Clip", "clip_param { min: 0 max: 6 }"),
    "relu": ("ReLU", ""),
}


@pytest.mark.engine
def test_fused_activations_by_hand_against_real_caffe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A convolution for each of Keras' activations, side by side."""
    if problem := docker.available(None):
        pytest.skip(problem)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    text = nets.data(1, 3, 6, 7)
    for activation, (kind, parameters) in ACTIVATIONS.items():
        text += nets.conv("data", activation, "num_output: 5 kernel_size: 3")
        text += nets.layer(kind, activation, f"{activation}_behind", parameters, top=activation)
    folder = tmp_path / "net"
    folder.mkdir()
    recording, inputs = record_net(folder, text)
    net = nets.network(text)
    blobs = nets.random_blobs(net)
    keras = import_keras()
    first = keras.Input((6, 7, 3))
    model = keras.Model(
        first, [keras.layers.Conv2D(5, 3, activation=one, name=f"{one}_by_hand")(first) for one in ACTIVATIONS]
    )
    for activation in ACTIVATIONS:
        kernel, bias = blobs[activation]
        nets.fill(model, {f"{activation}_by_hand": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}})
    bottoms = {top: inputs[top.blob] for top in net.inputs}
    for activation in ACTIVATIONS:
        top = np.array(load_top(recording, f"{activation}_behind", activation))
        for strict in (False, True):
            row = judge_pair(net, model, blobs, bottoms, top, layer=activation, strict=strict)
            assert (row.caffe, row.keras) == ((activation, f"{activation}_behind"), (f"{activation}_by_hand",))
            assert (row.status, row.note) == (Status.MATCH, None)
