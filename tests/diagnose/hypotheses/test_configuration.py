"""An argument that is not what a conversion would give is named, with what it should be, and proven by giving it that."""

from __future__ import annotations

import keras
import pytest
from support import nets
from support.diagnoses import rows_of

from harness.keras_layers import MVN, Clip, Normalize, Swish, WeightedSum

SHAPE = (2, 5, 6, 7)


@pytest.mark.parametrize(
    ("kind", "parameters", "layer", "code", "said", "fix"),
    [
        ("MVN", "", MVN([1, 2, 3]), "normalize.axis", "axis=[1, 2, 3]", "axis=[1, 2]"),
        ("MVN", "", MVN([1, 2], epsilon=1e-3), "normalize.epsilon", "epsilon=0.001", "epsilon=1e-09"),
        (
            "Normalize",
            "norm_param { across_spatial: false channel_shared: false }",
            Normalize(across_spatial=True),
            "normalize.axis",
            "across_spatial=True",
            "across_spatial=False",
        ),
        ("Swish", "swish_param { beta: 2 }", Swish(1.9), "activation.slope", "beta=1.9", "beta=2"),
        ("Clip", "clip_param { min: -0.5 max: 1 }", Clip(-0.5, 0.9), "parameter", "max_value=0.9", "max_value=1"),
    ],
)
def test_one_argument(kind, parameters, layer, code, said, fix):
    layer = type(layer).from_config({**layer.get_config(), "name": "layer"})
    data = keras.Input((6, 7, 5), name="data")
    (cause,) = rows_of(nets.single(kind, SHAPE, parameters), keras.Model(data, layer(data)), converted=True)[
        "layer"
    ].causes
    assert (cause.code, cause.proven, cause.fix) == (code, True, fix)
    assert cause.summary.startswith(f"Keras has {said}, Caffe's {kind} is {fix}")
    assert cause.evidence.startswith(f"layer in the prototxt asks for {fix}; layer has ")


def test_axes_counted_from_behind_are_the_same():
    data = keras.Input((6, 7, 5), name="data")
    model = keras.Model(data, MVN([-3, -2], name="layer")(data))
    row = rows_of(nets.single("MVN", SHAPE), model)["layer"]
    assert (row.status.value, row.causes) == ("match", ())


def test_coefficients_are_compared_one_by_one():
    text = nets.data(*SHAPE, name="one") + nets.data(*SHAPE, name="other")
    text += (
        'layer { name: "layer" type: "Eltwise" bottom: "one" bottom: "other" top: "layer" '
        "eltwise_param { coeff: 0.5 coeff: 2 } }"
    )
    data = [keras.Input((6, 7, 5), name=name) for name in ("one", "other")]
    model = keras.Model(data, WeightedSum([0.5, 1.99], name="layer")(data))
    (cause,) = rows_of(nets.network(text), model)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("eltwise.coefficient", True, "coefficients=[0.5, 2.0]")
