"""From a pair at fault to its row."""

from __future__ import annotations

import keras
import pytest
from support import nets
from support.diagnoses import rows_of

from harness.data import Status
from harness.diagnose import hypotheses


def test_a_hypothesis_that_breaks_off_leaves_the_verdict_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def suspect(clues):
        raise KeyError("kernel")

    monkeypatch.setattr("harness.diagnose.families", lambda: (suspect, *hypotheses.families()))
    net = nets.single("Pooling", (1, 3, 8, 8), "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    data = keras.Input((8, 8, 3), name="data")
    row = rows_of(net, keras.Model(data, keras.layers.AveragePooling2D(2, name="layer")(data)))["layer"]
    assert (row.status, row.causes) == (Status.DIVERGES, ())
    assert row.note == "the search for its cause broke off (KeyError: 'kernel')"
