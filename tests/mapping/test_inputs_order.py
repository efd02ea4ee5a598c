"""How a model takes an input whose shape leaves it open."""

from __future__ import annotations

import pytest

from harness.data import KerasGraph, KerasNode, Top
from harness.mapping.orders import input_cut


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first", None])
def test_a_flatten_does_not_say_that_a_sequence_has_its_channels_last(data_format: str | None) -> None:
    """Keras writes channels_last into every Flatten that was not told otherwise; 4 × 4 could be either."""
    flatten = KerasNode("flatten", "Flatten", {"data_format": data_format}, (0,), (1,), ((None, 16),))
    graph = KerasGraph((flatten,), (0,), (1,), ("data",), ((None, 4, 4),))
    assert input_cut(graph, 0, Top("data", "data"), (1, 4, 4)).order == (0, 1, 2)
