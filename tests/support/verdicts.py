"""From a net, its reference arrays and a Keras model to what the comparison says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.compare.judge import Evidence, judge, rounding_unit, worst_of
from harness.data import LayerComparison, Network, Top
from harness.engines.keras import wrap_model
from harness.layout import channels_last, from_candidate, to_candidate
from harness.mapping import map_layers


def judge_pair(
    net: Network,
    model,
    blobs: Mapping[str, tuple[np.ndarray, ...]],
    bottoms: Mapping[Top, np.ndarray],
    tops: np.ndarray | Mapping[str, np.ndarray],
    *,
    layer: str = "layer",
    spoil: Callable[[np.ndarray], np.ndarray] = lambda computed: computed,
    **options,
) -> LayerComparison:
    """Judge one layer of a Keras model on the reference's own bottoms; arrays are N, C, H, W.

    Args:
        tops: the reference's top, or all of them by blob.
        spoil: what becomes of the candidate's numbers, channels last, before they are judged.
    """
    candidate = wrap_model(model, "model.keras")
    layer_map = map_layers(net, candidate.graph)
    (pair,) = [one for one in layer_map.pairs if layer in {caffe.name for caffe in one.caffe}]
    segment = candidate.segment(pair)
    last = {one: channels_last(array) for one, array in bottoms.items()}
    rows = []
    for position, cut in enumerate(pair.outputs):
        reference = channels_last(tops[cut.top.blob] if isinstance(tops, Mapping) else tops)

        def feeds(arrays):
            return [to_candidate(arrays[one.top], candidate.tensor_rank(one.tensor), one.layout) for one in pair.inputs]

        def run_float64(arrays, shape, position=position, cut=cut):
            return from_candidate(segment.run_float64(feeds(arrays))[position], shape, cut.layout)

        evidence = Evidence(
            pair=pair,
            position=position,
            blobs=blobs,
            bottoms={one: last[one] for one in (*pair.bottoms, *(cut.top for cut in pair.inputs))},
            reference=reference,
            run_float64=run_float64,
            **options,
        )
        tensor = segment.run(feeds(last))[position]
        computed = from_candidate(candidate.as_array(tensor), reference.shape, cut.layout)
        rows.append(judge(evidence, rounding_unit(evidence), spoil(computed)))
    return worst_of(rows)


def is_folded(net: Network, model, layer: str = "layer") -> bool:
    """True if the layer has no counterpart and needs none: Keras holds its top already, its axes in another order."""
    layer_map = map_layers(net, wrap_model(model, "model.keras").graph)
    return layer in layer_map.folded and not layer_map.missing
