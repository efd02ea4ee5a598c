"""A rectifier before a largest element, or behind it, gives the same numbers: Keras may have the two in the other order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.compare.judge import agrees_as_before
from harness.data import Layer, LayerComparison, LayerMap, Network, Status
from harness.layers.folding import read_tops
from harness.layers.pools import MAX


def with_commuted(
    network: Network, layer_map: LayerMap, rows: Mapping[str, LayerComparison]
) -> dict[str, LayerComparison]:
    """The rows, those of a rectifier and a MAX pool in the other order as matches with a note.

    Keras fuses the rectifier into the convolution, `Conv2D(activation="relu")` and then the pool, where Caffe pools first:
    then the convolution gives something else, and Caffe's rectifier has no counterpart. It is no fault if all that reads
    the second of the two gives end to end what it gives in Caffe.

    Args:
        rows: of all layers, missing ones among them, from an end-to-end run.
    """
    found = dict(rows)
    names = [layer.name for layer in network.layers]
    for first, second in _neighbours(network):
        concerned = [name for name in (first.name, second.name) if name in found and found[name].status.fails]
        if not any(found[name].status is Status.MISSING for name in concerned):
            continue
        concerned += [
            pair.layer.name
            for pair in layer_map.pairs
            if any(cut.top in first.bottoms for cut in pair.outputs)
            and (row := found.get(pair.layer.name)) is not None
            and row.causes
            and all(cause.code == "activation.extra" for cause in row.causes)
        ]
        readers = [pair.layer.name for pair in layer_map.pairs if second.tops[0] in pair.bottoms]
        begin = names.index(first.name)
        before = [rows[name] for name in names[:begin] if name in rows]
        if readers and all(agrees_as_before(found.get(name), before) for name in readers):
            note = (
                f"{first.name} and {second.name} stand in the other order in Keras; what reads them agrees end to end"
            )
            for name in concerned:
                found[name] = replace(
                    found[name],
                    status=Status.MATCH,
                    judged_by="estimate",
                    isolated=None,
                    float64=None,
                    causes=(),
                    note=note,
                    candidate_shape=found[name].reference_shape,
                )
    return found


def _neighbours(network: Network) -> Iterator[tuple[Layer, Layer]]:
    """A rectifier and a MAX pool of which one alone reads the other, in the order of the prototxt."""
    reads = read_tops(network)
    makers = {layer.tops: layer for layer in network.layers if layer.tops}
    readers = Counter(top for tops in reads.values() for top in set(tops))
    for second in network.layers:
        first = makers.get(reads[second.name])
        if first is not None and {_kind(first), _kind(second)} == {"rectifier", "pool"} and readers[first.tops[0]] == 1:
            yield first, second


def _kind(layer: Layer) -> str | None:
    if layer.type == "ReLU" and layer.parameters.relu_param.negative_slope >= 0:
        return "rectifier"
    return "pool" if layer.type == "Pooling" and layer.parameters.pooling_param.pool == MAX else None
