"""A converted net as a saved Keras model."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from harness.convert.build import build_model
from harness.convert.plan import plan
from harness.convert.weights import check_weights, keras_weights
from harness.data import Network, Weights
from harness.errors import UsageError


def save_model(network: Network, weights: Weights, path: Path) -> None:
    """Build the net in Keras, fill it, and save it whole or not at all.

    Raises:
        UsageError: the file's name is not one that Keras knows, or it cannot be written.
        WeightsError: the weights do not fit the net.
    """
    if path.suffix != ".keras":
        raise UsageError("a saved model's name ends in .keras", file=path, fix=f"--save {path.with_suffix('.keras')}")
    check_weights(network, weights)
    model = build_model(plan(network))
    for layer, variables in keras_weights(network, weights):
        filled = {variable.name: variable for variable in model.get_layer(layer).weights}
        for name, array in variables.items():
            filled[name].assign(array)
    with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=".harness-") as folder:
        unfinished = Path(folder) / path.name
        try:
            model.save(unfinished)
            os.replace(unfinished, path)
        except OSError as error:
            raise UsageError(f"cannot be written: {error}", file=path, fix="is the disk full?") from error
