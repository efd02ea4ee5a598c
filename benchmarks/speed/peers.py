"""The same intermediates as others get them: every layer an output of one model, or a model per layer; nothing compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.speed.timing import CASES, ROOT, Row, against, harness, in_turn, python, row
from harness import pipeline
from harness.cases import find_case
from harness.convert.weights import write_weights
from harness.layout import channels_last

OPENING = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
import keras
from harness.engines.keras import open_model
from harness.convert.weights import load_weights
x = np.load(sys.argv[4])
model = open_model(sys.argv[2], Path("."), x.shape[1:]).model
load_weights(model, sys.argv[3])
"""

ONE_MODEL = f"""{OPENING}
keras.Model(model.inputs, [layer.output for layer in model.layers[1:]]).predict(x, verbose=0)
"""

MODEL_PER_LAYER = f"""{OPENING}
for layer in model.layers[1:]:
    keras.Model(model.inputs, layer.output).predict(x, verbose=0)
"""


def measure(*, quick: bool) -> Iterator[Row]:
    """dilation8 at 437×437, for the many sub-models begin at the input each time."""
    what = "dilation8_pascal_voc@437x437"
    case = find_case(what, [CASES])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ready = pipeline.prepare(case)
        (array,) = ready.inputs.values()
        np.save(folder / "x.npy", channels_last(array))
        write_weights(ready.network, ready.weights, folder / "w.h5")
        ours = ["compare", what, "--mode", "isolated", "--quiet", "--out", folder / "reports"]
        harness(*ours)  # the reference is recorded
        given = [ROOT, case.folder / case.keras, folder / "w.h5", folder / "x.npy"]
        jobs = {
            "ours": lambda: harness(*ours),
            "one": lambda: python(ONE_MODEL, *given),
            "many": lambda: python(MODEL_PER_LAYER, *given),
        }
        costs = in_turn(1 if quick else 3, jobs)
    yield row("harness compare --mode isolated, all compared", costs["ours"])
    yield row("one Keras model, all layers its outputs", costs["one"], f"{against(costs['one'], costs['ours'])} ours")
    yield row("a Keras model per layer", costs["many"], f"{against(costs['many'], costs['ours'])} ours")
    yield Row(
        "onnx2tf's validator: not measured, it judges only its own conversion of an ONNX file, which a Caffe net is not",
        0,
    )
