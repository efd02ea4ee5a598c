"""From the layers' own verdicts to the net's: who inherits from whom, and whether rounding alone has piled up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from harness.compare.commuting import with_commuted
from harness.compare.judge import differs_end_to_end
from harness.compare.wiring import Source, with_wiring
from harness.data import Cause, LayerComparison, LayerMap, Network, Shape, Status, Top

ExplainMissing = Callable[[str, Mapping[str, LayerComparison]], tuple[Cause, ...]]


def assemble(
    network: Network,
    layer_map: LayerMap,
    rows: Iterable[LayerComparison],
    shapes: Mapping[Top, Shape],
    *,
    traced: bool,
    explain: ExplainMissing = lambda name, rows: (),
    source: Source = lambda layer: None,
) -> tuple[LayerComparison, ...]:
    """All rows in the order of execution, missing layers among them, inherited errors told from own ones.

    Args:
        rows: the compared pairs.
        shapes: of every top, for the rows of missing layers.
        traced: an end-to-end run was made, so a layer without end-to-end figures could not be reached.
        explain: gives the causes of a missing layer, from its name and the rows of the others.
        source: where a Keras layer is written.
    """
    rows = with_wiring(layer_map, list(rows), traced=traced, source=source)
    by_layer = {row.layer: row for row in rows}
    mapped = {layer.name for pair in layer_map.pairs for layer in pair.caffe} | {
        name for row in rows for name in row.caffe
    }
    last = max((layer_map.order.index(name) for name in mapped), default=-1)
    compared = dict(by_layer)
    for name, why in layer_map.missing.items():
        behind = layer_map.order.index(name) > last
        lacking = _missing(network, name, why, shapes, Status.PENDING if behind else Status.MISSING)
        # Of what is still to be ported, the first layer is the next to write; those behind it need no cause.
        first = not behind or not any(one.status is Status.PENDING for one in by_layer.values())
        by_layer[name] = replace(lacking, causes=explain(name, compared)) if first else lacking
    by_layer = with_commuted(network, layer_map, by_layer) if traced else by_layer
    faults: dict[Top, str] = {}  # top → the nearest layer at fault at or before it
    result = []
    for layer in network.layers:
        inherited = next((faults[bottom] for bottom in layer.bottoms if bottom in faults), None)
        row = by_layer.get(layer.name)
        if row is not None:
            if row.status is Status.MATCH and inherited and traced and differs_end_to_end(row.end_to_end):
                row = replace(row, status=Status.INHERITED, inherited_from=inherited)
            if inherited and _is_built_for(row, by_layer.get(inherited)):
                note = f"built for the shape that {inherited} gives in Keras; it can be judged once that is right"
                row = replace(row, status=Status.INHERITED, inherited_from=inherited, causes=(), note=note)
            result.append(row)
            if row.status.fails:
                inherited = layer.name
        if inherited:
            faults.update(dict.fromkeys(layer.tops, inherited))
    return (*result, *(_beyond(name, why) for name, why in layer_map.beyond.items()))


def _is_built_for(row: LayerComparison, before: LayerComparison | None) -> bool:
    """True if a layer cannot take Caffe's bottoms because the layer before it gives another shape in Keras."""
    refuses = row.status is Status.SHAPE and row.candidate_shape is None and row.isolated is None
    return refuses and before is not None and before.status is Status.SHAPE and before.candidate_shape is not None


def _beyond(name: str, why: str) -> LayerComparison:
    return LayerComparison(
        layer=name,
        type="Output",
        top=name,
        keras=(name,),
        caffe=(),
        status=Status.MISSING,
        judged_by="exact",
        reference_shape=None,
        candidate_shape=None,
        note=why,
    )


def name_sources(rows: Sequence[LayerComparison]) -> tuple[LayerComparison, ...]:
    """Rows of a chain that was only compared end to end: after the first fault, a difference is inherited from it."""
    source = None
    result = []
    for row in rows:
        if source is not None and row.status is Status.DIVERGES:
            row = replace(row, status=Status.INHERITED, inherited_from=source)
        elif source is None and row.status.fails:
            source = row.layer
        result.append(row)
    return tuple(result)


def _missing(network: Network, name: str, why: str, shapes: Mapping[Top, Shape], status: Status) -> LayerComparison:
    layer = network[name]
    top = layer.tops[0]
    return LayerComparison(
        layer=name,
        type=layer.type,
        top=top.blob,
        keras=(),
        caffe=(name,),
        status=status,
        judged_by="exact",
        reference_shape=shapes[top],
        candidate_shape=None,
        note=why,
    )


def has_accumulated(rows: Sequence[LayerComparison], output: LayerComparison) -> bool:
    """True if every layer is right and an output still differs by more than the layers' rounding explains.

    The rounding errors of k layers add up to k times one layer's at most, if the net passes them on as they are; nets of
    this kind amplify them ten- to fiftyfold (measured on DilatedNet: 40). A hundred times that sum is called accumulated.
    """
    if any(row.status is not Status.MATCH for row in rows) or output.end_to_end is None:
        return False
    own = [row.isolated.max_rel for row in rows if row.isolated is not None]
    return bool(own) and output.end_to_end.max_rel > 100 * len(own) * max(own)
