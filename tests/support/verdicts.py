"""From a net, its reference arrays and a Keras model to what the comparison says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.compare.judge import Evidence, judge, rounding_unit
from harness.data import LayerComparison, Network, Top
from harness.engines.keras import wrap_model
from harness.layout import channels_last, from_candidate, to_candidate
from harness.mapping import map_layers


def judge_pair(
    net: Network,
    model,
    blobs: Mapping[str, tuple[np.ndarray, ...]],
    bottoms: Mapping[Top, np.ndarray],
    top: np.ndarray,
    *,
    layer: str = "layer",
    **options,
) -> LayerComparison:
    """Judge one layer of a Keras model on the reference's own bottoms; arrays are N, C, H, W."""
    candidate = wrap_model(model, "model.keras")
    layer_map = map_layers(net, candidate.graph)
    (pair,) = [one for one in layer_map.pairs if layer in {caffe.name for caffe in one.caffe}]
    segment = candidate.segment(pair)
    last = {one: channels_last(array) for one, array in bottoms.items()}
    reference = channels_last(top)

    def feeds(arrays):
        return [
            to_candidate(array, candidate.tensor_rank(number))
            for array, (number, _) in zip(arrays, pair.inputs, strict=True)
        ]

    evidence = Evidence(
        pair=pair,
        blobs=blobs,
        bottoms={one: last[one] for one in pair.bottoms},
        reference=reference,
        run_float64=lambda arrays: segment.run_float64(feeds(arrays)),
        **options,
    )
    tensor = segment.run(feeds([last[one] for _, one in pair.inputs]))
    computed = from_candidate(candidate.as_array(tensor), reference.shape)
    return judge(evidence, rounding_unit(evidence), computed)
