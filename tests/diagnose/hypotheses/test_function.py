"""Another function in a layer's place is named and proven."""

from __future__ import annotations

import keras
from support import nets
from support.diagnoses import rows_of


def test_the_mean_for_the_largest() -> None:
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    data = keras.Input((8, 8, 3), name="data")
    model = keras.Model(data, keras.layers.AveragePooling2D(2, name="layer")(data))
    (cause,) = rows_of(net, model)["layer"].causes
    assert (cause.code, cause.proven, cause.fix) == ("pooling.mode", True, "MaxPooling2D")
    assert cause.after is not None
    assert cause.before is not None
    assert cause.after < 1e-6 < cause.before
