"""LSTM and RNN: faults that must be found, ports that must pass, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from support import nets
from support.table import ALL, Entry, expected_tops
from support.verdicts import judge_pair

from harness.convert.build import build_model
from harness.convert.plan import plan
from harness.data import LayerComparison, Status
from harness.errors import UnsupportedError
from harness.extras import import_keras, import_keras_layers
from harness.layers import layer_type
from harness.layers.shapes import infer_shapes


def entry_of(name: str) -> Entry:
    (entry,) = [one for one in ALL if one.id == name]
    return entry


class Case:
    """An entry of the table with the loops' rounded results as its reference."""

    def __init__(self, name: str) -> None:
        self.entry = entry_of(name)
        self.net = self.entry.net
        self.blobs = {"layer": self.entry.blobs(self.net)}
        self.bottoms = self.entry.inputs()

    def model(self):
        return nets.keras_model(self.net, self.blobs)

    def judge(self, model, **options) -> LayerComparison:
        tops = expected_tops(self.entry, self.blobs["layer"], self.bottoms)
        by_blob = {top.blob: np.float32(array) for top, array in zip(self.net["layer"].tops, tops, strict=True)}
        bottoms = dict(zip(self.net.inputs, self.bottoms, strict=True))
        return judge_pair(self.net, model, self.blobs, bottoms, by_blob, **options)


def lstm_variables(case: Case) -> dict[str, np.ndarray]:
    layer = case.net["layer"]
    return layer_type(layer).keras_weights(layer, case.blobs["layer"], plan(case.net).reads["layer"])


LSTMS = ("lstm of vectors", "lstm static and hidden", "lstm many steps")
RNNS = ("rnn of vectors", "rnn static and hidden", "rnn many steps")


@pytest.mark.parametrize("name", [*LSTMS, *RNNS])
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_a_right_one_is_a_match(name: str, strict: bool) -> None:
    case = Case(name)
    assert case.judge(case.model(), strict=strict).status is Status.MATCH


@pytest.mark.parametrize("name", LSTMS)
@pytest.mark.parametrize("order", [(0, 1, 3, 2), (1, 0, 2, 3), (0, 2, 1, 3)], ids=["caffe's", "f i g o", "i g f o"])
def test_gates_in_a_wrong_order_are_found(name: str, order: tuple[int, ...]) -> None:
    case = Case(name)
    model = case.model()
    mixed = {}
    for key, array in lstm_variables(case).items():
        gates = np.split(array, 4, axis=-1)
        mixed[key] = np.concatenate([gates[gate] for gate in order], axis=-1)
    nets.fill(model, {"layer": mixed})
    assert case.judge(model).status is Status.DIVERGES


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        *(("lstm of vectors", gate) for gate in range(4)),
        ("lstm static and hidden", 2),
        ("lstm many steps", 1),
        ("rnn static and hidden", 3),
        ("rnn many steps", 0),
    ],
)
def test_a_lost_bias_of_a_hundredth_is_found(name: str, gate: int) -> None:
    case = Case(name)
    layer = case.blobs["layer"]
    bias = layer[1].copy()
    place = gate * len(bias) // 4
    bias[place] = 0.01
    case.blobs["layer"] = (layer[0], bias, *layer[2:])
    right = case.model()
    assert case.judge(right).status is Status.MATCH
    without = bias.copy()
    without[place] = 0.0
    lost = nets.keras_model(case.net, {"layer": (layer[0], without, *layer[2:])})
    assert case.judge(lost).status is Status.DIVERGES


@pytest.mark.parametrize("name", ["lstm of vectors", "lstm cont is no flag", "rnn of vectors", "rnn cont is no flag"])
def test_a_forgotten_cont_is_found(name: str) -> None:
    keras, own = import_keras(), import_keras_layers()
    case = Case(name)
    x, cont = keras.Input((3, 7), name="data"), keras.Input((3,), name="data1")
    made = getattr(own, f"Caffe{case.entry.kind}")(5, name="layer")([x, keras.ops.ones_like(cont)])
    model = keras.Model([x, cont], made)
    converted = case.model().get_layer("layer")
    model.get_layer("layer").set_weights(converted.get_weights())
    assert case.judge(model).status is Status.DIVERGES


@pytest.mark.parametrize("name", RNNS)
def test_a_recurrent_kernel_the_wrong_way_round_is_found(name: str) -> None:
    case = Case(name)
    model = case.model()
    (kernel,) = [one for one in model.get_layer("layer").weights if one.name == "recurrent_kernel"]
    kernel.assign(np.asarray(kernel).T)
    assert case.judge(model).status is Status.DIVERGES


def stock_port(case: Case, swap):
    """keras.layers.LSTM, which has the streams first and no cont, between two changes of the first axes."""
    keras = import_keras()
    inputs = [
        keras.Input(array.shape[1:], name=name) for name, array in zip(["data", "data1"], case.bottoms, strict=True)
    ]
    y = keras.layers.LSTM(5, return_sequences=True, name="layer")(swap(inputs[0]))
    model = keras.Model(inputs, swap(y))
    nets.fill(model, {"layer": lstm_variables(case)})
    return model


@pytest.mark.parametrize(
    "swap",
    [
        lambda x: import_keras().ops.transpose(x, (1, 0, 2)),
        lambda x: import_keras().ops.swapaxes(x, 0, 1),
        lambda x: import_keras().ops.moveaxis(x, 0, 1),
    ],
    ids=["transpose", "swapaxes", "moveaxis"],
)
@pytest.mark.parametrize("strict", [False, True], ids=["rounding", "strict"])
def test_keras_own_lstm_is_a_counterpart(swap, strict: bool) -> None:
    """The converted variables are those of keras.layers.LSTM; a cont that only begins the first step changes nothing."""
    case = Case("lstm all but the first step goes on")
    row = case.judge(stock_port(case, swap), strict=strict)
    assert (row.status, row.note) == (Status.MATCH, None)
    assert row.keras[1] == "layer"
    assert len(row.keras) == 3


def test_keras_own_lstm_is_wrong_where_a_sequence_begins_on_the_way() -> None:
    case = Case("lstm of vectors")
    assert case.judge(stock_port(case, lambda x: import_keras().ops.swapaxes(x, 0, 1))).status is Status.DIVERGES


def test_a_port_with_its_streams_first_throughout_is_not_read_as_if_it_were_right() -> None:
    """Only Caffe's order and channels last are believed of a tensor; this one has neither."""
    keras = import_keras()
    case = Case("lstm all but the first step goes on")
    inputs = [keras.Input((6, 7), name="data"), keras.Input((6,), name="data1")]
    model = keras.Model(inputs, keras.layers.LSTM(5, return_sequences=True, name="layer")(inputs[0]))
    nets.fill(model, {"layer": lstm_variables(case)})
    assert case.judge(model).status is Status.DIVERGES


@pytest.mark.parametrize("steps", [4, None])
@pytest.mark.parametrize("streams", [3, None])
@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_steps_and_streams_may_be_unknown(tmp_path, kind: str, steps: int | None, streams: int | None) -> None:
    """Shapes, saving and loading, and gradients to every weight and to every input but cont."""
    keras, own = import_keras(), import_keras_layers()
    import tensorflow as tf

    states = 2 if kind == "LSTM" else 1
    shapes = [(steps, streams, 2, 3), (steps, streams), (streams, 5), *[(1, streams, 6)] * states]
    inputs = [keras.Input(batch_shape=shape) for shape in shapes]
    made = getattr(own, f"Caffe{kind}")(6, expose_hidden=True)(inputs)
    assert [tuple(one.shape) for one in made] == [(steps, streams, 6), *[(1, streams, 6)] * states]
    model = keras.Model(inputs, made)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    rng = np.random.default_rng(0)
    known = [(4, 3, 2, 3), (4, 3), (3, 5), *[(1, 3, 6)] * states]
    feeds = [tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in known]
    with tf.GradientTape() as tape:
        outputs = model(feeds)
        total = sum(tf.reduce_sum(one**2) for one in outputs)
    for one, other in zip(outputs, again(feeds), strict=True):
        np.testing.assert_array_equal(one, other)
    for gradient in tape.gradient(total, [*(one.value for one in model.trainable_weights), feeds[0], *feeds[2:]]):
        assert gradient is not None
        assert np.abs(np.asarray(gradient)).max() > 0


def net_of(kind: str, *shapes: tuple[int, ...], parameters: str = "num_output: 5", tops: int = 1) -> str:
    names = [f"in{index}" for index in range(len(shapes))]
    text = "".join(nets.data(*shape, name=name) for name, shape in zip(names, shapes, strict=True))
    reads = " ".join(f'bottom: "{name}"' for name in names)
    makes = " ".join(f'top: "top{index}"' for index in range(tops))
    return text + f'layer {{ name: "seq" type: "{kind}" {reads} {makes} recurrent_param {{ {parameters} }} }}\n'


X, CONT, STATE = (4, 3, 7), (4, 3), (1, 3, 5)
HIDDEN = "num_output: 5 expose_hidden: true"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (net_of("LSTM", X), r"reads in0\n  → it takes x, cont, and x_static behind cont if there is one"),
        (net_of("RNN", X, CONT, (3, 2), STATE), r"reads in0, in1, in2, in3\n  → it takes x, cont, and x_static"),
        (net_of("LSTM", X, CONT, parameters=HIDDEN, tops=3), r"reads in0, in1\n  → it takes x, cont, h_0, c_0, and"),
        (
            net_of("LSTM", X, CONT, STATE, STATE, parameters=HIDDEN),
            r"gives top0\n  → one top; with expose_hidden: true h_T, c_T behind it",
        ),
        (net_of("RNN", X, CONT, parameters=""), r"no num_output\n  → give recurrent_param { num_output: … }"),
        (net_of("LSTM", (4, 3), CONT), r"x has the shape \(4, 3\): it takes T × N × …"),
        (net_of("LSTM", X, (3, 4)), r"cont has the shape \(3, 4\), x \(4, 3, 7\): cont is T × N"),
        (net_of("LSTM", X, CONT, (4, 2)), r"x_static has the shape \(4, 2\), x \(4, 3, 7\): x_static is N × …"),
        (
            net_of("RNN", X, CONT, (1, 3, 6), parameters=HIDDEN, tops=2),
            r"h_0 has the shape \(1, 3, 6\), the state \(1, 3, 5\)",
        ),
    ],
)
def test_what_caffe_refuses_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"deploy\.prototxt:\d+, layer 'seq': {said}"):
        infer_shapes(nets.network(text))


def test_a_long_wide_recurrence_has_units_and_a_bound() -> None:
    """Largest errors multiply from step to step; they must not overflow, and what is to be expected must stay near u."""
    net = nets.network(net_of("LSTM", (300, 2, 40), (300, 2), parameters="num_output: 128"))
    layer, kind = net["seq"], layer_type(net["seq"])
    rng = np.random.default_rng(0)
    shapes = kind.blob_shapes(layer, list(net.inputs.values()))
    blobs = tuple((rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32) for shape in shapes)
    bottoms = [rng.normal(size=(300, 2, 40)).astype(np.float32), np.ones((300, 2), np.float32)]
    exact = kind.define(layer, blobs, bottoms, nets.all_sites((300, 2, 128)))
    assert np.isfinite(exact.bound).all()
    assert exact.bound.max() < 4.0
    unit = kind.unit(layer, blobs, bottoms, np.zeros((300, 2, 128), np.float32)).rows(0, 300 * 128)
    assert unit.max() < 1e-4


def test_the_generated_source_reads_like_a_persons() -> None:
    from harness.convert.source import write_source

    entry = entry_of("lstm static and hidden")
    planned = plan(entry.net)
    assert build_model(planned).get_layer("layer").expose_hidden
    text = write_source(planned)
    assert "from harness.keras_layers import CaffeLSTM\n" in text
    assert (
        'CaffeLSTM(5, expose_hidden=True, name="layer")(\n        [data_permute, data1, data2, data3, data4]\n' in text
    )
