"""Layers that compute nothing of their own: which top is the same numbers as which other."""

from __future__ import annotations

from collections.abc import Mapping

from harness.data import Layer, Network, Top
from harness.layers import layer_type


def folds(network: Network, layer: Layer) -> bool:
    """True for a layer that computes nothing at inference and is judged with what reads it.

    So is a Flatten that only inner products read: they flatten by themselves, and in which order the numbers lie between
    the two is nobody's business but the kernel's.
    """
    if layer_type(layer).identity:
        return True
    return _flattens(layer) and _only_inner_products_read(network, layer.tops[0])


def canonical_tops(network: Network) -> dict[Top, Top]:
    """Every top → the top that it equals and that was computed first; Dropout's is that of the layer before it."""
    canonical: dict[Top, Top] = {}
    for layer in network.layers:
        for top in layer.tops:
            same = layer.bottoms and folds(network, layer)
            canonical[top] = canonical[layer.bottoms[0]] if same else top
    return canonical


def read_tops(network: Network, canonical: Mapping[Top, Top] | None = None) -> dict[str, tuple[Top, ...]]:
    """What each layer reads, by its name, looking through the layers that compute nothing."""
    known = canonical if canonical is not None else canonical_tops(network)
    return {layer.name: tuple(known[bottom] for bottom in layer.bottoms) for layer in network.layers}


def idle_layers(network: Network) -> frozenset[str]:
    """The layers whose tops nobody needs: a Silence swallows them, only their shape is looked at, or idle layers read them.

    What nobody reads at all is an output of the net, and is needed.
    """
    idle: set[str] = set()
    for layer in reversed(network.layers):
        readers = [(top, reader) for top in layer.tops for reader in network.consumers(top)]
        read = {top for top, _ in readers}
        needed = any(reader.name not in idle and _needs(reader, top) for top, reader in readers)
        if layer.type != "Input" and layer.tops and read.issuperset(layer.tops) and not needed:
            idle.add(layer.name)
    return frozenset(idle)


def _needs(reader: Layer, top: Top) -> bool:
    """True if a layer looks at a blob's numbers."""
    spared = layer_type(reader).shape_only
    return bool(reader.tops) and any(
        bottom == top and position not in spared for position, bottom in enumerate(reader.bottoms)
    )


def _flattens(layer: Layer) -> bool:
    """True if the top is N × everything else."""
    if layer.type == "Flatten":
        spec = layer.parameters.flatten_param
        return int(spec.axis) == 1 and int(spec.end_axis) == -1
    if layer.type == "Reshape":
        spec = layer.parameters.reshape_param
        whole = int(spec.axis) == 0 and int(spec.num_axes) == -1
        return whole and list(spec.shape.dim) == [0, -1]
    return False


def _only_inner_products_read(network: Network, top: Top) -> bool:
    readers = network.consumers(top)
    return bool(readers) and all(
        (reader.type == "InnerProduct" and int(reader.parameters.inner_product_param.axis) == 1)
        or (layer_type(reader).identity and reader.tops and _only_inner_products_read(network, reader.tops[0]))
        for reader in readers
    )
